import { existsSync } from 'node:fs';
import { mkdir, readFile, readlink, symlink, writeFile } from 'node:fs/promises';
import { describe, expect, it, vi } from 'vitest';
import { memorySource } from '../../../src/core/byte-source.js';
import { IoError, ManifestError } from '../../../src/core/errors.js';
import { extractFiles } from '../../../src/manifest/extract/extract.js';
import type { ExtractIssue, ExtractProgress } from '../../../src/manifest/extract/types.js';
import { attributesOf, contentsOf, fakeFiles, filesOf, temporaryFolder, type FakeEntry } from './support.js';

const summaryOf = (issues: readonly ExtractIssue[]): string[] =>
  issues.map((issue) => `${issue.severity} ${issue.reason} ${issue.relativePath}`);

describe('extracting to a folder', () => {
  it('writes files with their folders, contents and times', async () => {
    const target = await temporaryFolder();
    const files = fakeFiles([
      { path: '', kind: 'directory' },
      { path: 'Library', kind: 'directory', modified: new Date(1_400_000_000_000) },
      { path: 'Library.old', content: 'a sibling that is listed between the folder and its content' },
      { path: 'Library/SMS/sms.db', content: 'messages' },
      { path: 'Library/empty', kind: 'directory' },
      { domain: 'CameraRollDomain', path: 'Media/DCIM/1.jpg', content: 'photo' },
    ]);
    const report = await extractFiles(files, `${target}/new/folder`);
    expect(await contentsOf(`${target}/new/folder`)).toEqual({
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
    const home = `${target}/new/folder/HomeDomain`;
    expect((await attributesOf(`${home}/Library`)).seconds).toBe(1_400_000_000);
    expect((await attributesOf(`${home}/Library/SMS/sms.db`)).seconds).toBe(1_500_000_000);
  });

  it.each([
    ['domain', ['CameraRollDomain/Media/DCIM/100APPLE/a.jpg', 'CameraRollDomain/Media/DCIM/b.jpg']],
    ['path', ['Media/DCIM/100APPLE/a.jpg', 'Media/DCIM/b.jpg']],
    ['relative', ['100APPLE/a.jpg', 'b.jpg']],
    ['flat', ['a.jpg', 'b.jpg']],
  ] as const)('lays files out by %s', async (layout, expected) => {
    const target = await temporaryFolder();
    const files = fakeFiles([
      { domain: 'CameraRollDomain', path: 'Media', kind: 'directory' },
      { domain: 'CameraRollDomain', path: 'Media/DCIM', kind: 'directory' },
      { domain: 'CameraRollDomain', path: 'Media/DCIM/100APPLE', kind: 'directory' },
      { domain: 'CameraRollDomain', path: 'Media/DCIM/100APPLE/a.jpg' },
      { domain: 'CameraRollDomain', path: 'Media/DCIM/b.jpg' },
      { domain: 'CameraRollDomain', path: 'Media/DCIM-other/c.jpg' },
    ]);
    await extractFiles(files, target, { layout, pathPrefix: 'Media/DCIM' });
    expect(Object.keys(await filesOf(target)).sort()).toEqual([...expected]);
  });

  it('merges folders of several domains by path, and keeps their files apart', async () => {
    const target = await temporaryFolder();
    const files = fakeFiles([
      { domain: 'A', path: 'Library/x', content: 'of A' },
      { domain: 'B', path: 'Library/x', content: 'of B' },
    ]);
    const report = await extractFiles(files, target, { layout: 'path' });
    expect(await filesOf(target)).toEqual({ 'Library/x': 'of A', 'Library/x (2)': 'of B' });
    expect(summaryOf(report.issues)).toEqual(['renamed name-clash Library/x']);
  });

  it('takes single files, folders with all that is in them, and entries of a listing', async () => {
    const target = await temporaryFolder();
    const files = fakeFiles([
      { path: 'a', content: 'a' },
      { path: 'dir', kind: 'directory' },
      { path: 'dir/b', content: 'b' },
      { path: 'dir2/c', content: 'c' },
    ]);
    const wanted = ['a', 'dir', 'dir/b', 'gone'].map((relativePath) => ({ domain: 'HomeDomain', relativePath }));
    const report = await extractFiles(files, target, { files: wanted });
    expect(await filesOf(target)).toEqual({ 'HomeDomain/a': 'a', 'HomeDomain/dir/b': 'b' });
    expect(report).toMatchObject({ files: 2, counts: { 'not-extracted': 1 } });
    expect(report.issues).toMatchObject([{ reason: 'not-found', code: 'MANIFEST_FILE_NOT_FOUND' }]);
    const listed = await extractFiles(files, `${target}/2`, { files: files.list({ kind: 'file' }) });
    expect(listed.files).toBe(3);
  });

  it('gives permission bits when asked, without set-user-id', async () => {
    const target = await temporaryFolder();
    const files = fakeFiles([
      { path: 'dir', kind: 'directory', mode: 0o2750 },
      { path: 'dir/run', mode: 0o4751, content: 'x' },
    ]);
    await extractFiles(files, target, { modes: true });
    expect((await attributesOf(`${target}/HomeDomain/dir/run`)).mode).toBe(0o751);
    expect((await attributesOf(`${target}/HomeDomain/dir`)).mode).toBe(0o750);
  });

  it('streams large files, and those that are larger than their record says', async () => {
    const target = await temporaryFolder();
    const large = new Uint8Array(3_000_001).map((_, index) => index * 7);
    const files = fakeFiles([
      { path: 'large', content: large },
      { path: 'said to be small', content: large, size: 10 },
      { path: 'said to be large', content: 'small', size: 2 ** 62 },
    ]);
    const report = await extractFiles(files, target, { durable: true });
    expect((await readFile(`${target}/HomeDomain/large`)).equals(large)).toBe(true);
    expect((await readFile(`${target}/HomeDomain/said to be small`)).equals(large)).toBe(true);
    expect(report).toMatchObject({ files: 3, bytes: 6_000_007 });
    expect(summaryOf(report.issues).sort()).toEqual([
      'warning size-differs said to be large',
      'warning size-differs said to be small',
    ]);
  });

  it('reports progress up to the totals', async () => {
    const target = await temporaryFolder();
    const events: ExtractProgress[] = [];
    const files = fakeFiles([
      { path: 'a', content: '12345' },
      { path: 'dir', kind: 'directory' },
      { path: 'dir/b', content: '678' },
    ]);
    await extractFiles(files, target, { onProgress: (event) => events.push(event) });
    expect(events[0]).toEqual({ type: 'extract', files: 0, bytes: 0, totalFiles: 2, totalBytes: 8, path: '' });
    expect(events.at(-1)).toEqual({
      type: 'extract',
      files: 2,
      bytes: 8,
      totalFiles: 2,
      totalBytes: 8,
      path: '/HomeDomain/dir/b',
    });
  });

  it('rejects with what onProgress and onIssue throw', async () => {
    const target = await temporaryFolder();
    const thrown = new Error('mine');
    const fail = (): never => {
      throw thrown;
    };
    const files = fakeFiles([{ path: 'CON' }, { path: 'b' }]);
    await expect(extractFiles(files, target, { onProgress: fail })).rejects.toBe(thrown);
    await expect(extractFiles(files, target, { onIssue: fail })).rejects.toBe(thrown);
  });

  it.each([
    [{ layout: 'tree' as 'flat' }, TypeError],
    [{ onExisting: 'ask' as 'skip' }, TypeError],
    [{ files: [], domain: 'HomeDomain' }, TypeError],
    [{ files: [], totals: true }, TypeError],
    [{ concurrency: 0 }, RangeError],
    [{ maxIssues: -1 }, RangeError],
  ])('refuses wrong options %j before it makes anything', async (options, kind) => {
    const target = `${await temporaryFolder()}/new`;
    await expect(extractFiles(fakeFiles([]), target, options)).rejects.toBeInstanceOf(kind);
    expect(existsSync(target)).toBe(false);
  });
});

describe('files that exist in the target', () => {
  const files = fakeFiles([
    { path: 'a', content: 'new a' },
    { path: 'b', content: 'new b' },
  ]);
  const withOldA = async (): Promise<string> => {
    const target = await temporaryFolder();
    await mkdir(`${target}/HomeDomain`);
    await writeFile(`${target}/HomeDomain/a`, 'old a');
    return target;
  };

  it('end the extraction by default, and stay as they are', async () => {
    const target = await withOldA();
    await expect(extractFiles(files, target)).rejects.toMatchObject({ name: 'IoError', code: 'IO_EXISTS' });
    expect((await filesOf(target))['HomeDomain/a']).toBe('old a');
  });

  it.each([
    ['skip', { 'HomeDomain/a': 'old a', 'HomeDomain/b': 'new b' }, ['skipped target-exists a']],
    ['overwrite', { 'HomeDomain/a': 'new a', 'HomeDomain/b': 'new b' }, []],
    [
      'rename',
      { 'HomeDomain/a': 'old a', 'HomeDomain/a (2)': 'new a', 'HomeDomain/b': 'new b' },
      ['renamed name-clash a'],
    ],
  ] as const)('are handled by %s', async (onExisting, expected, issues) => {
    const target = await withOldA();
    const report = await extractFiles(files, target, { onExisting });
    expect(await filesOf(target)).toEqual(expected);
    expect(summaryOf(report.issues)).toEqual(issues);
  });

  it('are not read from the backup where they are skipped', async () => {
    const target = await withOldA();
    files.opened.clear();
    await extractFiles(files, target, { onExisting: 'skip' });
    expect([...files.opened]).toEqual(['b']);
  });
});

describe('a hostile backup', () => {
  it('writes nothing outside of the target', async () => {
    const outside = await temporaryFolder();
    const target = `${outside}/a/b/target`;
    const paths = [
      '../../../../x',
      '/x',
      '..\\..\\x',
      'a/../../../x',
      'C:\\x',
      '~/x',
      'a//b',
      './x',
      'x\0y',
      '..',
      '.',
      '',
    ];
    const domains = [
      '../../x',
      '',
      '/',
      'SysContainerDomain-../../../../../x',
      '..',
      'Home/Domain',
      '\\\\server\\share',
    ];
    const entries = domains.flatMap((domain) => paths.map((path) => ({ domain, path, content: `${domain}|${path}` })));
    const report = await extractFiles(fakeFiles(entries), target);
    expect(report).toMatchObject({ files: entries.length, counts: { 'not-extracted': 0 } });
    const found = await filesOf(outside);
    expect(Object.values(found).sort()).toEqual(entries.map(({ content }) => content).sort());
    expect(Object.keys(found).every((name) => name.startsWith('a/b/target/'))).toBe(true);
  });

  it('does not write through links that lie in the target', async () => {
    const outside = await temporaryFolder();
    const target = `${outside}/target`;
    await mkdir(`${outside}/elsewhere/Library`, { recursive: true });
    await mkdir(`${target}/HomeDomain`, { recursive: true });
    await symlink(`${outside}/elsewhere/Library`, `${target}/HomeDomain/Library`);
    await symlink(`${outside}/elsewhere/file`, `${target}/HomeDomain/file`);
    const files = fakeFiles([
      { path: 'Library', kind: 'directory' },
      { path: 'Library/Deep/inside', content: 'x' },
      { path: 'file', content: 'y' },
    ]);
    const report = await extractFiles(files, target, { onExisting: 'overwrite' });
    expect(await contentsOf(`${outside}/elsewhere`)).toEqual({ Library: undefined });
    expect((await filesOf(target))['HomeDomain/file']).toBe('y');
    expect(report.issues).toMatchObject([
      { reason: 'target-blocked', code: 'IO_UNSAFE_PATH', relativePath: 'Library' },
      { reason: 'target-blocked', code: 'IO_UNSAFE_PATH', relativePath: 'Library/Deep/inside' },
    ]);
  });

  it('may be extracted to a folder that is reached by way of a link', async () => {
    const outside = await temporaryFolder();
    await mkdir(`${outside}/disk`);
    await symlink(`${outside}/disk`, `${outside}/link`);
    await extractFiles(fakeFiles([{ path: 'a', content: 'x' }]), `${outside}/link/new`);
    expect(await filesOf(outside)).toMatchObject({ 'disk/new/HomeDomain/a': 'x' });
  });

  it('keeps apart a file and a folder of one name, names that differ in case, twins, and two entries of one path', async () => {
    const target = await temporaryFolder();
    const entries = [
      { path: 'x', content: '1' },
      { path: 'x/y', content: '2' },
      { path: 'X', content: '3' },
      { path: 'é', content: '4' },
      { path: 'e\u0301', content: '5' },
      { path: 'é', content: '6' },
    ];
    const report = await extractFiles(fakeFiles(entries), target);
    const found = await filesOf(target);
    expect(Object.values(found).sort()).toEqual(['1', '2', '3', '4', '5', '6']);
    expect(new Set(Object.keys(found).map((name) => name.normalize('NFC').toLowerCase())).size).toBe(6);
    expect(report.counts.renamed).toBe(4);
  });

  it('gets names as they are for POSIX where the file system keeps them apart', async () => {
    const target = await temporaryFolder();
    const report = await extractFiles(fakeFiles([{ path: 'a:b' }, { path: 'CON' }, { path: 'con' }]), target, {
      names: 'posix',
    });
    const found = Object.keys(await filesOf(target));
    expect(found).toContain('HomeDomain/a:b');
    expect(found).toHaveLength(3);
    if (process.platform === 'linux') expect(report.counts.renamed).toBe(0);
  });

  it('has paths put elsewhere that are too long for the system', async () => {
    const target = await temporaryFolder();
    const deep = 'x/'.repeat(2500);
    const report = await extractFiles(fakeFiles([{ path: `${deep}end`, content: 'deep' }]), target);
    expect(report).toMatchObject({ files: 1, counts: { 'not-extracted': 0 } });
    expect(report.issues.some((issue) => issue.reason === 'path-shortened')).toBe(true);
  });

  it('is refused a path that is longer than any', async () => {
    const target = await temporaryFolder();
    const report = await extractFiles(fakeFiles([{ path: 'x/'.repeat(10_000) }, { path: 'ok' }]), target);
    expect(report).toMatchObject({ files: 1, issues: [{ severity: 'not-extracted', code: 'IO_UNSAFE_PATH' }] });
  });
});

describe('broken files', () => {
  const broken = (code: ConstructorParameters<typeof ManifestError>[0]) => () =>
    new ManifestError(code, `said ${code}`);

  it('are reported with their reason, and the others are extracted', async () => {
    const target = await temporaryFolder();
    const entries: FakeEntry[] = [
      { path: '1 missing', error: broken('MANIFEST_FILE_MISSING') },
      { path: '2 damaged', error: broken('MANIFEST_FILE_DAMAGED') },
      { path: '3 no key', error: broken('MANIFEST_KEY_UNAVAILABLE') },
      { path: '4 no record', error: broken('MANIFEST_KEY_UNAVAILABLE'), problems: ['record-damaged'] },
      { path: '5 disk', error: () => new IoError('IO_FAILED', 'disk', { path: 'blob', errno: 'EIO' }) },
      { path: '6 fine', content: 'fine' },
    ];
    const report = await extractFiles(fakeFiles(entries), target);
    expect(await filesOf(target)).toEqual({ 'HomeDomain/6 fine': 'fine' });
    expect(report.counts['not-extracted']).toBe(5);
    expect(report.issues.map(({ reason, code }) => [reason, code])).toEqual(
      expect.arrayContaining([
        ['content-missing', 'MANIFEST_FILE_MISSING'],
        ['undecryptable', 'MANIFEST_FILE_DAMAGED'],
        ['key-unavailable', 'MANIFEST_KEY_UNAVAILABLE'],
        ['record-damaged', 'MANIFEST_KEY_UNAVAILABLE'],
        ['io-error', 'IO_FAILED'],
      ]),
    );
  });

  it('leave nothing behind where reading fails halfway', async () => {
    const target = await temporaryFolder();
    const source = () => ({
      ...memorySource(new Uint8Array(4_000_000)),
      async *stream() {
        yield new Uint8Array(100_000);
        throw new IoError('IO_FAILED', 'gone', { path: 'blob', errno: 'EIO' });
      },
    });
    const report = await extractFiles(fakeFiles([{ path: 'half', source }]), target);
    expect(await filesOf(target)).toEqual({});
    expect(report).toMatchObject({ files: 0, bytes: 0, issues: [{ reason: 'io-error', outputPath: undefined }] });
  });

  it('fill the report only up to its limit, and are all counted and told', async () => {
    const target = await temporaryFolder();
    const onIssue = vi.fn<(issue: ExtractIssue) => void>();
    const entries = Array.from({ length: 500 }, (_, index) => ({
      path: `f${index}`,
      error: broken('MANIFEST_FILE_MISSING'),
    }));
    const report = await extractFiles(fakeFiles([...entries, { path: 'CON' }]), target, { maxIssues: 10, onIssue });
    expect(report.counts).toEqual({ 'not-extracted': 500, skipped: 0, warning: 0, renamed: 1 });
    expect(report.issues).toHaveLength(11);
    expect(onIssue).toHaveBeenCalledTimes(501);
  });

  it('stop the writes of others at once where the error ends the extraction', async () => {
    const target = await temporaryFolder();
    let reads = 0;
    const endless = () => ({
      ...memorySource(new Uint8Array(2_000_000)),
      async *stream() {
        for (; reads < 10_000; reads += 1) {
          yield new Uint8Array(1000);
          await new Promise((resolve) => setImmediate(resolve));
        }
      },
    });
    const bug = new TypeError('a bug');
    const files = fakeFiles([
      { path: 'a', source: endless },
      { path: 'b', error: () => bug },
    ]);
    await expect(extractFiles(files, target)).rejects.toBe(bug);
    expect(reads).toBeLessThan(100);
    expect(await filesOf(target)).toEqual({});
  });

  it('end the extraction where the error is not about one file', async () => {
    const target = await temporaryFolder();
    const bug = new TypeError('a bug');
    await expect(extractFiles(fakeFiles([{ path: 'a', error: () => bug }]), target)).rejects.toBe(bug);
    const closed = fakeFiles([{ path: 'a', error: broken('MANIFEST_CLOSED') }]);
    await expect(extractFiles(closed, target)).rejects.toMatchObject({ code: 'MANIFEST_CLOSED' });
  });
});

describe('symbolic links', () => {
  const entries: FakeEntry[] = [
    { path: 'dir/file', content: 'x' },
    { path: 'dir/inside', kind: 'symlink', linkTarget: '../other/a:b' },
    { path: 'dir', kind: 'directory' },
    { path: 'absolute', kind: 'symlink', linkTarget: '/etc/passwd' },
    { path: 'climbs', kind: 'symlink', linkTarget: '../../x' },
    { path: 'winds', kind: 'symlink', linkTarget: 'dir/../../../x' },
    { path: 'empty', kind: 'symlink' },
  ];

  it('are reported and not made by default', async () => {
    const target = await temporaryFolder();
    const report = await extractFiles(fakeFiles(entries), target);
    expect(report).toMatchObject({ symlinks: 0, counts: { skipped: 5 } });
    expect(await filesOf(target)).toEqual({ 'HomeDomain/dir/file': 'x' });
  });

  it('are made where they stay inside, last, with the times of link and folder', async () => {
    const target = await temporaryFolder();
    const report = await extractFiles(fakeFiles(entries), target, { symlinks: 'create' });
    expect(report).toMatchObject({ symlinks: 1, counts: { skipped: 4 } });
    expect(await readlink(`${target}/HomeDomain/dir/inside`)).toBe('../other/a%3Ab');
    expect((await attributesOf(`${target}/HomeDomain/dir/inside`)).seconds).toBe(1_500_000_000);
    expect((await attributesOf(`${target}/HomeDomain/dir`)).seconds).toBe(1_500_000_000);
  });

  it('do not lead other entries out of the target', async () => {
    const outside = await temporaryFolder();
    const target = `${outside}/target`;
    const files = fakeFiles([
      { path: 'l', kind: 'symlink', linkTarget: '..' },
      { path: 'l/evil', content: 'x' },
    ]);
    await extractFiles(files, target, { symlinks: 'create' });
    expect(Object.keys(await filesOf(target))).toContain('HomeDomain/l/evil');
    expect(existsSync(`${target}/evil`)).toBe(false);
  });

  it.each(['skip', 'overwrite', 'rename'] as const)('that exist are handled by %s', async (onExisting) => {
    const target = await temporaryFolder();
    const files = fakeFiles([{ path: 'link', kind: 'symlink', linkTarget: 'new' }]);
    await mkdir(`${target}/HomeDomain`);
    await symlink('old', `${target}/HomeDomain/link`);
    await extractFiles(files, target, { symlinks: 'create', onExisting });
    expect(await readlink(`${target}/HomeDomain/link`)).toBe(onExisting === 'overwrite' ? 'new' : 'old');
    expect(existsSync(`${target}/HomeDomain`)).toBe(true);
  });
});

describe('an abort', () => {
  const entries = Array.from({ length: 12 }, (_, index) => ({
    path: `dir/f${String(index).padStart(2, '0')}`,
    content: new Uint8Array(index % 3 === 0 ? 2_000_000 : 100),
  }));

  it('before the start does nothing', async () => {
    const target = `${await temporaryFolder()}/new`;
    const reason = new Error('stop');
    const run = extractFiles(fakeFiles(entries), target, { signal: AbortSignal.abort(reason) });
    await expect(run).rejects.toBe(reason);
    expect(existsSync(target)).toBe(false);
  });

  it('by a timer is heard also where nothing has to be waited for', async () => {
    const target = await temporaryFolder();
    const many = Array.from({ length: 20_000 }, (_, index) => ({ path: `f${index}`, kind: 'directory' as const }));
    const run = extractFiles(fakeFiles(many), target, { layout: 'flat', signal: AbortSignal.timeout(1) });
    await expect(run).rejects.toMatchObject({ name: 'TimeoutError' });
  });

  it.each(entries.map((_, index) => index))('at file %i leaves whole files only', async (at) => {
    const target = await temporaryFolder();
    const controller = new AbortController();
    const reason = new Error('stop');
    const aborting = entries.map((entry, index) => ({
      ...entry,
      source: () => {
        if (index === at) controller.abort(reason);
        return memorySource(entry.content);
      },
    }));
    const files = fakeFiles(aborting.map((entry) => ({ ...entry, size: entry.content.length })));
    await expect(extractFiles(files, target, { signal: controller.signal })).rejects.toBe(reason);
    for (const [name, content] of Object.entries(await filesOf(target))) {
      expect(name).toMatch(/^HomeDomain\/dir\/f\d\d$/);
      expect(content.length % 100).toBe(0);
      expect(content.length).toBe(entries.find((entry) => name.endsWith(entry.path))?.content.length);
    }
  });
});
