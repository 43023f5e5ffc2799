import { describe, expect, it } from 'vitest';
import { extractFiles } from '../../../src/manifest/extract/extract.js';
import { attributesOf, contentsOf, fakeFiles, filesOf, temporaryFolder } from './support.js';

describe('extracting to a folder', () => {
  it('writes files with their folders, contents and times', async () => {
    const target = await temporaryFolder();
    const folderTime = new Date(1_400_000_000_000);
    const files = fakeFiles([
      { path: '', kind: 'directory' },
      { path: 'Library', kind: 'directory', modified: folderTime },
      { path: 'Library.old', content: 'a sibling that is listed between the folder and its content' },
      { path: 'Library/SMS/sms.db', content: 'messages' },
      { path: 'Library/empty', kind: 'directory' },
      { domain: 'CameraRollDomain', path: 'Media/DCIM/1.jpg', content: 'photo' },
    ]);
    const report = await extractFiles(files, target);
    expect(await contentsOf(target)).toEqual({
      CameraRollDomain: undefined,
      'CameraRollDomain/Media': undefined,
      'CameraRollDomain/Media/DCIM': undefined,
      'CameraRollDomain/Media/DCIM/1.jpg': 'photo',
      HomeDomain: undefined,
      'HomeDomain/Library': undefined,
      'HomeDomain/Library.old': 'a sibling that is listed between the folder and its content',
      'HomeDomain/Library/SMS': undefined,
      'HomeDomain/Library/SMS/sms.db': 'messages',
      'HomeDomain/Library/empty': undefined,
    });
    expect(report).toMatchObject({ files: 3, directories: 3, bytes: 72, issues: [] });
    expect((await attributesOf(`${target}/HomeDomain/Library`)).seconds).toBe(1_400_000_000);
    expect((await attributesOf(`${target}/HomeDomain/Library/SMS/sms.db`)).seconds).toBe(1_500_000_000);
    expect(await filesOf(target)).not.toHaveProperty('HomeDomain/Library');
  });
});
