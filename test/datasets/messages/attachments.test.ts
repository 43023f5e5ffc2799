import { describe, expect, it } from 'vitest';
import { attachmentFile } from '../../../src/datasets/messages/attachments.js';
import { backupOf, readAll, single } from './support.js';

describe('attachments', () => {
  it('name their file in MediaDomain, which reads as the bytes that were sent', async () => {
    await using backup = await backupOf([
      { attachments: [{ name: 'photo.jpg', content: 'pixels', mimeType: 'image/jpeg', uti: 'public.jpeg' }] },
    ]);
    const { records } = await readAll(backup);
    const [attachment] = records[0]?.attachments ?? [];
    expect(attachment).toMatchObject({
      name: 'photo.jpg',
      mimeType: 'image/jpeg',
      uti: 'public.jpeg',
      size: 6,
      isPresent: true,
      isDirectory: false,
      isOutgoing: true,
      position: 0,
      part: 0,
    });
    const file = attachment?.file === undefined ? undefined : await backup.files.get(attachment.file);
    expect(new TextDecoder().decode(await file?.read())).toBe('pixels');
  });

  it('are kept with isPresent false where the backup has no such file', async () => {
    const message = await single({ attachments: [{ name: 'gone.heic', isMissing: true }] });
    expect(message.attachments).toMatchObject([{ name: 'gone.heic', isPresent: false }]);
    expect(message.attachments[0]?.file?.relativePath).toMatch(/^Library\/SMS\/Attachments\//);
  });

  it('have a name but no file where they were never downloaded', async () => {
    const message = await single({ attachments: [{ name: 'clip.mov', isNotDownloaded: true }] });
    expect(message.attachments).toMatchObject([{ name: 'clip.mov', file: undefined, isPresent: false }]);
  });

  it('may be folders', async () => {
    const message = await single({ attachments: [{ name: 'Letter.pages', folder: { 'index.xml': '<x/>' } }] });
    expect(message.attachments).toMatchObject([{ isPresent: true, isDirectory: true }]);
  });

  it('have the video of a live photo', async () => {
    const message = await single({ attachments: [{ name: 'IMG_1.HEIC', siblings: { 'IMG_1.MOV': 'film' } }] });
    expect(message.attachments[0]?.livePhotoVideo?.relativePath).toMatch(/\/IMG_1\.MOV$/);
  });

  it('stand where the text names them by guid, whatever the order of their rows', async () => {
    const message = await single({
      text: 'one \uFFFC two \uFFFC',
      attachments: [
        { name: 'a.png', guid: 'at_0_A' },
        { name: 'b.png', guid: 'at_1_B' },
      ],
      spans: [
        { start: 4, length: 1, attributes: { __kIMFileTransferGUIDAttributeName: 'at_1_B' } },
        { start: 10, length: 1, attributes: { __kIMFileTransferGUIDAttributeName: 'at_0_A' } },
      ],
    });
    expect(message.attachments.map(({ name, position, part }) => [name, position, part])).toEqual([
      ['b.png', 4, 1],
      ['a.png', 10, 3],
    ]);
    expect(message.parts).toEqual([
      { kind: 'text', index: 0, text: 'one ', start: 0 },
      { kind: 'attachment', index: 1, attachmentGuid: 'at_1_B', start: 4 },
      { kind: 'text', index: 2, text: ' two ', start: 5 },
      { kind: 'attachment', index: 3, attachmentGuid: 'at_0_A', start: 10 },
    ]);
  });

  it('stand in the order of their rows where the text names none of them', async () => {
    const message = await single({
      text: '\uFFFC\uFFFC',
      body: 'text',
      attachments: [{ name: 'a.png' }, { name: 'b.png' }],
    });
    expect(message.attachments.map(({ name, position }) => [name, position])).toEqual([
      ['a.png', 0],
      ['b.png', 1],
    ]);
  });

  it('that the text has no place for come last, and hidden ones take no place', async () => {
    const message = await single({
      text: '\uFFFC',
      body: 'text',
      attachments: [{ name: 'preview.pluginPayloadAttachment', isHidden: true }, { name: 'a.png' }, { name: 'b.png' }],
    });
    expect(message.attachments.map(({ name, position }) => [name, position])).toEqual([
      ['a.png', 0],
      ['preview.pluginPayloadAttachment', undefined],
      ['b.png', undefined],
    ]);
  });

  it('say where a sticker comes from and what it was generated from', async () => {
    const sticker = { source: 'com.apple.messages.genmoji', prompt: 'a cat in a hat' };
    const message = await single({ attachments: [{ name: 'sticker.heic', sticker }] }, { ios: '18.1' });
    expect(message.attachments).toMatchObject([{ sticker }]);
  });

  it.each([
    ['~/Library/SMS/Attachments/aa/10/G/IMG.heic', 'Library/SMS/Attachments/aa/10/G/IMG.heic'],
    ['/var/mobile/Library/SMS/Attachments/a', 'Library/SMS/Attachments/a'],
    ['/private/var/mobile/Library/SMS/Parts/a/', 'Library/SMS/Parts/a'],
    ['/var/mobile/Media/DCIM/x.jpg', undefined],
    ['~/Library/SMS/../../etc/passwd', undefined],
    [undefined, undefined],
  ])('with the file name %s lie at %s', (filename, relativePath) => {
    expect(attachmentFile(filename)?.relativePath).toBe(relativePath);
  });
});
