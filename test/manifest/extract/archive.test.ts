import { execFileSync, spawnSync } from 'node:child_process';
import { createWriteStream } from 'node:fs';
import { readdir, readFile, writeFile } from 'node:fs/promises';
import { PassThrough } from 'node:stream';
import { finished } from 'node:stream/promises';
import { extract as untar, type Header } from 'tar-stream';
import { describe, expect, it } from 'vitest';
import { fromBufferPromise, type Entry } from 'yauzl';
import { memorySource } from '../../../src/core/byte-source.js';
import { IoError } from '../../../src/core/errors.js';
import { extractToArchive } from '../../../src/manifest/extract/archive.js';
import { extractFiles } from '../../../src/manifest/extract/extract.js';
import type { ExtractArchiveOptions } from '../../../src/manifest/extract/types.js';
import type { FileSource } from '../../../src/manifest/extract/selection.js';
import { attributesOf, contentsOf, fakeFiles, filesOf, temporaryFolder, type FakeEntry } from './support.js';

async function archiveOf(files: FileSource, options: ExtractArchiveOptions): Promise<Buffer> {
  const parts: Uint8Array[] = [];
  for await (const chunk of extractToArchive(files, options)) parts.push(chunk);
  return Buffer.concat(parts);
}

interface TarEntry extends Pick<Header, 'name' | 'type' | 'mode' | 'linkname'> {
  seconds: number;
  content: Buffer;
}

async function tarEntries(bytes: Buffer): Promise<TarEntry[]> {
  const entries: TarEntry[] = [];
  const reader = untar();
  reader.end(bytes);
  for await (const entry of reader) {
    const { name, type, mode, mtime, linkname, pax } = entry.header;
    const exact = (pax as { mtime?: string } | null)?.mtime;
    const parts: Buffer[] = [];
    for await (const chunk of entry) parts.push(chunk as Buffer);
    entries.push({
      name,
      type,
      mode,
      seconds: Number(exact ?? mtime.getTime() / 1000),
      linkname,
      content: Buffer.concat(parts),
    });
  }
  return entries;
}

async function zipEntries(bytes: Buffer): Promise<(Entry & { content: Buffer })[]> {
  const entries: (Entry & { content: Buffer })[] = [];
  const zip = await fromBufferPromise(bytes, { lazyEntries: true });
  for await (const entry of zip.eachEntry()) {
    const parts: Buffer[] = [];
    for await (const chunk of await zip.openReadStreamPromise(entry)) parts.push(chunk as Buffer);
    entries.push(Object.assign(entry, { content: Buffer.concat(parts) }));
  }
  return entries;
}

const large = new Uint8Array(2_500_000).map((_, index) => index * 31);
const entries: FakeEntry[] = [
  { path: 'dir', kind: 'directory', mode: 0o2750 },
  { path: 'dir/ünï 😀.txt', content: 'text '.repeat(100), mode: 0o4640 },
  { path: `dir/${'long '.repeat(45)}`, content: 'long' },
  { path: 'empty' },
  { path: 'large', content: large },
  { path: 'link', kind: 'symlink', linkTarget: 'dir/x' },
  { path: 'link-out', kind: 'symlink', linkTarget: '/etc' },
];

describe('extracting to an archive', () => {
  it('gives a tar with contents, modes, times and links', async () => {
    const found = await tarEntries(await archiveOf(fakeFiles(entries), { format: 'tar' }));
    expect(
      found.map(({ content, ...entry }) => [entry.name, entry.type, entry.mode, entry.linkname, content.length]),
    ).toEqual([
      [`HomeDomain/dir/${'long '.repeat(45).trimEnd()}%20`, 'file', 0o644, null, 4],
      ['HomeDomain/dir/ünï 😀.txt', 'file', 0o640, null, 500],
      ['HomeDomain/dir/', 'directory', 0o750, null, 0],
      ['HomeDomain/empty', 'file', 0o644, null, 0],
      ['HomeDomain/large', 'file', 0o644, null, large.length],
      ['HomeDomain/link', 'symlink', 0o777, 'dir/x', 0],
    ]);
    expect(found.every((entry) => entry.seconds === 1_500_000_000)).toBe(true);
    expect(found.find((entry) => entry.name.endsWith('large'))?.content.equals(large)).toBe(true);
  });

  it.each(['deflate', 'store'] as const)(
    'gives a zip by %s with contents, modes, times and links',
    async (compression) => {
      const bytes = await archiveOf(fakeFiles(entries), { format: 'zip', compression });
      const found = await zipEntries(bytes);
      const modeOf = (entry: Entry): number => entry.externalFileAttributes >>> 16;
      expect(found.map((entry) => [entry.fileName, modeOf(entry), entry.uncompressedSize])).toEqual([
        [`HomeDomain/dir/${'long '.repeat(45).trimEnd()}%20`, 0o100644, 4],
        ['HomeDomain/dir/ünï 😀.txt', 0o100640, 500],
        ['HomeDomain/dir/', 0o040750, 0],
        ['HomeDomain/empty', 0o100644, 0],
        ['HomeDomain/large', 0o100644, large.length],
        ['HomeDomain/link', 0o120777, 5],
      ]);
      expect(found.every((entry) => entry.getLastModDate().getTime() === 1_500_000_000_000)).toBe(true);
      expect(found[4]?.content.equals(large)).toBe(true);
      expect(found[5]?.content.toString()).toBe('dir/x');
      expect(bytes.length < large.length).toBe(compression === 'deflate');
    },
  );

  it.each(['tar', 'zip'] as const)(
    'keeps times before 1970 and after 2038 in a %s as well as the format can',
    async (format) => {
      const files = fakeFiles([
        { path: 'old', modified: new Date(-86_400_000) },
        { path: 'far', modified: new Date(4_000_000_000_000) },
        { path: 'none', modified: undefined },
      ]);
      const bytes = await archiveOf(files, { format });
      const seconds =
        format === 'tar'
          ? (await tarEntries(bytes)).map((entry) => [entry.name, entry.seconds])
          : (await zipEntries(bytes)).map((entry) => [
              entry.fileName,
              entry.getLastModDate({ timezone: 'UTC' }).getTime() / 1000,
            ]);
      const far = format === 'tar' ? 4_000_000_000 : Date.UTC(2096, 9, 2, 7, 6, 40) / 1000;
      expect(Object.fromEntries(seconds)).toMatchObject({ 'HomeDomain/old': -86_400, 'HomeDomain/far': far });
    },
  );

  it.each(['tar', 'zip'] as const)('of kind %s says in the report what was left out', async (format) => {
    const stream = extractToArchive(fakeFiles(entries), { format });
    for await (const chunk of stream) expect(chunk.constructor).toBe(Uint8Array);
    const report = await stream.report;
    expect(report).toMatchObject({ files: 4, directories: 1, symlinks: 1, counts: { skipped: 1, renamed: 1 } });
    expect(report.issues.map((issue) => issue.reason)).toEqual(['name-escaped', 'symlink-unsafe']);
  });

  it.each(['tar', 'zip'] as const)(
    'of kind %s leaves out files that cannot be opened, and tells of those that end early',
    async (format) => {
      const gone = (): IoError => new IoError('IO_FAILED', 'gone', { path: 'blob', errno: 'EIO' });
      const source = () => ({
        ...memorySource(new Uint8Array(4_000_000)),
        async *stream() {
          yield new Uint8Array(100_000).fill(1);
          throw gone();
        },
      });
      const files = fakeFiles([
        { path: 'broken', error: gone },
        { path: 'half', source },
        { path: 'whole', content: 'x' },
      ]);
      const stream = extractToArchive(files, { format });
      const parts: Uint8Array[] = [];
      for await (const chunk of stream) parts.push(chunk);
      const bytes = Buffer.concat(parts);
      const found: Record<string, number> = {};
      if (format === 'tar') for (const { name, content } of await tarEntries(bytes)) found[name] = content.length;
      else for (const { fileName, content } of await zipEntries(bytes)) found[fileName] = content.length;
      expect(found).toEqual({ 'HomeDomain/half': format === 'tar' ? 4_000_000 : 100_000, 'HomeDomain/whole': 1 });
      expect((await stream.report).issues.map((issue) => [issue.reason, issue.relativePath, issue.outputPath])).toEqual(
        [
          ['io-error', 'broken', undefined],
          ['io-error', 'half', 'HomeDomain/half'],
        ],
      );
    },
  );

  it.each(['tar', 'zip'] as const)(
    'of kind %s is not started before it is read, and stops when the reader leaves',
    async (format) => {
      const files = fakeFiles(Array.from({ length: 50 }, (_, index) => ({ path: `f${index}`, content: large })));
      const stream = extractToArchive(files, { format, compression: 'store' });
      expect(files.opened.size).toBe(0);
      for await (const chunk of stream) {
        expect(chunk.length).toBeGreaterThan(0);
        break;
      }
      await expect(stream.report).rejects.toMatchObject({ name: 'AbortError' });
      expect(files.opened.size).toBeLessThan(10);
    },
  );

  it.each(['tar', 'zip'] as const)('of kind %s ends with the reason of an abort', async (format) => {
    const controller = new AbortController();
    const reason = new Error('stop');
    const files = fakeFiles(Array.from({ length: 50 }, (_, index) => ({ path: `f${index}`, content: large })));
    const stream = extractToArchive(files, { format, signal: controller.signal });
    const read = async (): Promise<void> => {
      for await (const chunk of stream) if (chunk.length > 0) controller.abort(reason);
    };
    await expect(read()).rejects.toBe(reason);
    await expect(stream.report).rejects.toBe(reason);
  });

  it('refuses wrong options at once', () => {
    expect(() => extractToArchive(fakeFiles([]), { format: 'rar' as 'tar' })).toThrow(TypeError);
    expect(() => extractToArchive(fakeFiles([]), { format: 'zip', compression: 'lzma' as 'store' })).toThrow(TypeError);
  });

  it('holds more than 65,535 entries', async () => {
    const files: FileSource = {
      async get() {
        return undefined;
      },
      async *list() {
        const file = await fakeFiles([{ path: 'f' }]).get({ domain: 'HomeDomain', relativePath: 'f' });
        if (file === undefined) return;
        for (let index = 0; index < 70_000; index += 1)
          yield { ...file, relativePath: `f${index}`, fileId: String(index), kind: 'file' };
      },
    };
    const bytes = await archiveOf(files, { format: 'zip' });
    const zip = await fromBufferPromise(bytes, { lazyEntries: true });
    expect(zip.entryCount).toBe(70_000);
    if (hasPython) {
      const folder = await temporaryFolder();
      await writeFile(`${folder}/a.zip`, bytes);
      const script = 'import sys, zipfile; print(len(zipfile.ZipFile(sys.argv[1]).namelist()))';
      expect(
        execFileSync('python3', ['-c', script, `${folder}/a.zip`])
          .toString()
          .trim(),
      ).toBe('70000');
    }
  });
});

const has = (command: string): boolean => spawnSync(command, ['--help']).error === undefined;
const hasPython = has('python3');

describe('an archive on disk', () => {
  it.each(['tar', 'zip'] as const)('of kind %s appears when it is complete, and replaces nothing', async (format) => {
    const folder = await temporaryFolder();
    const to = `${folder}/backup.${format}`;
    const report = await extractFiles(fakeFiles(entries), { format, to });
    expect(report.files).toBe(4);
    const first = await readFile(to);
    expect(await readdir(folder)).toEqual([`backup.${format}`]);
    await expect(extractFiles(fakeFiles([]), { format, to })).rejects.toMatchObject({ code: 'IO_EXISTS' });
    expect((await readFile(to)).equals(first)).toBe(true);
  });

  it('leaves nothing where the extraction is aborted', async () => {
    const folder = await temporaryFolder();
    const controller = new AbortController();
    const reason = new Error('stop');
    const source = () => {
      controller.abort(reason);
      return memorySource(large);
    };
    const files = fakeFiles([...entries, { path: 'zz', source, size: large.length }]);
    const run = extractFiles(files, { format: 'zip', to: `${folder}/a.zip` }, { signal: controller.signal });
    await expect(run).rejects.toBe(reason);
    expect(await readdir(folder)).toEqual([]);
  });

  it('can be any stream, which is ended', async () => {
    const folder = await temporaryFolder();
    const stream = createWriteStream(`${folder}/a.tar`);
    await extractFiles(fakeFiles(entries), { format: 'tar', to: stream });
    await finished(stream);
    expect(await tarEntries(await readFile(`${folder}/a.tar`))).toHaveLength(6);
  });

  it('waits for a stream that takes nothing', async () => {
    const files = fakeFiles(Array.from({ length: 50 }, (_, index) => ({ path: `f${index}`, content: large })));
    const slow = new PassThrough();
    const controller = new AbortController();
    const run = extractFiles(files, { format: 'zip', to: slow, compression: 'store' }, { signal: controller.signal });
    run.catch(() => undefined);
    while (slow.readableLength === 0) await new Promise((resolve) => setImmediate(resolve));
    for (let turn = 0; turn < 50; turn += 1) await new Promise((resolve) => setImmediate(resolve));
    expect(files.opened.size).toBeLessThan(10);
    controller.abort();
    await expect(run).rejects.toMatchObject({ name: 'AbortError' });
  });
});

describe.skipIf(process.platform === 'win32' || !has('tar'))(
  `the system's tar${has('tar') ? '' : ' [not installed]'}`,
  () => {
    it('unpacks what was written', async () => {
      const folder = await temporaryFolder();
      await extractFiles(fakeFiles(entries), { format: 'tar', to: `${folder}/a.tar` });
      execFileSync('tar', ['xpf', 'a.tar'], { cwd: folder });
      expect((await filesOf(`${folder}/HomeDomain`))['dir/ünï 😀.txt']).toBe('text '.repeat(100));
      expect(await attributesOf(`${folder}/HomeDomain/dir`)).toEqual({ seconds: 1_500_000_000, mode: 0o750 });
      expect((await attributesOf(`${folder}/HomeDomain/large`)).seconds).toBe(1_500_000_000);
      expect(await contentsOf(`${folder}/HomeDomain`)).toMatchObject({ link: '→ special' });
    });
  },
);

describe.skipIf(!has('unzip'))(`the system's unzip${has('unzip') ? '' : ' [not installed]'}`, () => {
  it.each(['deflate', 'store'] as const)('unpacks what was written by %s', async (compression) => {
    const folder = await temporaryFolder();
    await extractFiles(fakeFiles(entries), { format: 'zip', compression, to: `${folder}/a.zip` });
    expect(execFileSync('unzip', ['-tq', 'a.zip'], { cwd: folder }).toString()).toContain('No errors');
    execFileSync('unzip', ['-q', 'a.zip'], { cwd: folder, env: { ...process.env, LC_ALL: 'C.UTF-8', TZ: 'UTC' } });
    expect((await filesOf(`${folder}/HomeDomain`))['dir/ünï 😀.txt']).toBe('text '.repeat(100));
    expect(await attributesOf(`${folder}/HomeDomain/large`)).toEqual({ seconds: 1_500_000_000, mode: 0o644 });
    expect(await contentsOf(`${folder}/HomeDomain`)).toMatchObject({ link: '→ special' });
  });
});

describe.skipIf(!hasPython)(`Python's zipfile and tarfile${hasPython ? '' : ' [python3 not installed]'}`, () => {
  it('read what was written', async () => {
    const folder = await temporaryFolder();
    await extractFiles(fakeFiles(entries), { format: 'zip', to: `${folder}/a.zip` });
    await extractFiles(fakeFiles(entries), { format: 'tar', to: `${folder}/a.tar` });
    const script = `
import json, tarfile, zipfile
z = zipfile.ZipFile('a.zip'); t = tarfile.open('a.tar')
print(json.dumps([z.testzip(), [[i.filename, i.file_size, list(i.date_time)] for i in z.infolist()], [[m.name, m.size, m.mtime] for m in t]]))`;
    const [bad, zipped, tarred] = JSON.parse(execFileSync('python3', ['-c', script], { cwd: folder }).toString()) as [
      unknown,
      [string, number, number[]][],
      [string, number, number][],
    ];
    expect(bad).toBeNull();
    expect(zipped).toContainEqual(['HomeDomain/large', large.length, [2017, 7, 14, 2, 40, 0]]);
    expect(tarred).toContainEqual(['HomeDomain/large', large.length, 1_500_000_000]);
    expect(zipped).toHaveLength(6);
    expect(tarred).toHaveLength(6);
  });
});
