import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { memoryTree } from '../../src/core/memory-tree.js';
import { Backup } from '../../src/manifest/backup.js';
import type { FileQuery } from '../../src/manifest/types.js';
import type { SqliteDriver } from '../../src/sqlite/driver.js';
import { sqlJsDriver } from '../../src/sqlite/sql-js.js';
import { createDatabase } from '../../src/sqlite/writable.js';
import type { FileSpec } from '../../src/testing/backup-builder/types.js';
import { all, issueLog, names, openBuilt } from './support.js';

const file = (domain: string, relativePath: string): FileSpec => ({ domain, relativePath, content: relativePath });

const specs: FileSpec[] = [
  file('HomeDomain', 'Library/SMS/sms.db'),
  file('HomeDomain', 'Library/SMS/sms.db-wal'),
  file('HomeDomain', 'Library/SMSX/other'),
  file('HomeDomain', 'Library/SMS.txt'),
  file('HomeDomain', 'Library/Größe/ü.txt'),
  file('HomeDomain', 'Library/Größe/nfd-ü.txt'.normalize('NFD')),
  file('HomeDomain', 'Library/per%cent_/a'),
  file('HomeDomain', 'Library/🎉/party'),
  { domain: 'HomeDomain', relativePath: 'Library/link', kind: 'symlink', linkTarget: 'SMS/sms.db' },
  file('CameraRollDomain', 'Media/DCIM/100APPLE/IMG_0001.JPG'),
  file('CameraRollDomain', 'Media/DCIM/100APPLE/IMG_0002.HEIC'),
  file('AppDomain-com.example.app', 'Documents/a.txt'),
  file('AppDomain-com.example.app.more', 'Documents/b.txt'),
  file('AppDomainGroup-group.com.example', 'c.txt'),
  file('AppDomainPlugin-com.example.app', 'd.txt'),
];

describe.each([
  { what: 'a database', spec: { ios: '17.4' } },
  { what: 'an encrypted database', spec: { ios: '17.4', encrypted: true } },
  { what: 'a database without indexes', spec: { ios: '17.4', manifest: { simplifiedSchema: true } } },
  { what: 'Manifest.mbdb', spec: { ios: '9.3.5' } },
])('the files of $what', ({ spec }) => {
  let backup: Backup;
  let everything: string[];
  beforeAll(async () => {
    backup = await openBuilt({ ...spec, files: specs });
    everything = names(await all(backup.files));
  });
  afterAll(async () => {
    await backup.close();
  });

  test('come in binary order of domain and path', () => {
    const key = (name: string): Buffer => Buffer.from(name.replace('/', '\0'));
    expect(everything).toEqual(everything.toSorted((a, b) => Buffer.compare(key(a), key(b))));
    expect(everything).toHaveLength(33);
  });

  const queries: [FileQuery, (name: string) => boolean][] = [
    [{ domain: 'HomeDomain' }, (name) => name.startsWith('HomeDomain/')],
    [{ domain: ['CameraRollDomain', 'None', 'HomeDomain'] }, (name) => /^(Home|CameraRoll)Domain/.test(name)],
    [{ domain: [] }, () => false],
    [{ domainPrefix: 'AppDomain-' }, (name) => name.startsWith('AppDomain-')],
    [{ domainPrefix: '' }, () => true],
    [{ pathPrefix: 'Library/SMS' }, (name) => /\/Library\/SMS(\/|$)/.test(name)],
    [{ pathPrefix: 'Library/SMS/' }, (name) => /\/Library\/SMS(\/|$)/.test(name)],
    [{ pathPrefix: 'Library/per%cent_' }, (name) => name.includes('%cent_')],
    [{ pathPrefix: 'Library/🎉' }, (name) => name.includes('🎉')],
    [{ pathPrefix: 'none' }, () => false],
    [{ glob: '**/*.txt' }, (name) => name.endsWith('.txt')],
    [{ glob: 'Library/*' }, (name) => /^[^/]+\/Library\/[^/]+$/.test(name)],
    [{ glob: 'Library/SMS/**' }, (name) => /\/Library\/SMS(\/|$)/.test(name)],
    [{ glob: 'Media/DCIM/*/IMG_000[1-2].{JPG,PNG}' }, (name) => name.endsWith('.JPG')],
    [{ glob: '/AppDomain*/Documents/?.txt' }, (name) => /^AppDomain[^/]*\/Documents\/.\.txt$/.test(name)],
    [{ glob: '/*' }, (name) => name.endsWith('/')],
    [{ domain: 'HomeDomain', glob: '**/{sms,none}.db*' }, (name) => name.includes('sms.db')],
    [{ domain: 'HomeDomain', pathPrefix: 'Library/SMS' }, (name) => /^HomeDomain\/Library\/SMS(\/|$)/.test(name)],
    [{ app: 'com.example.app' }, (name) => /^AppDomain(Plugin)?-com\.example\.app\//.test(name)],
    [{ app: 'group.com.example' }, (name) => name.startsWith('AppDomainGroup-')],
    [{ app: 'com.example.app', domain: 'HomeDomain' }, () => false],
    [{ domain: 'x', domainPrefix: 'y' }, () => false],
  ];

  test.each(queries)('that pass %o are listed and counted', async (query, matches) => {
    const expected = everything.filter(matches);
    expect(names(await all(backup.files.list(query)))).toEqual(expected);
    expect(await backup.files.count(query)).toBe(expected.length);
  });

  test.each(['file', 'directory', 'symlink'] as const)('of kind %s are listed and counted', async (kind) => {
    const listed = await all(backup.files.list({ kind }));
    expect(listed.length).toBe({ file: 14, directory: 18, symlink: 1 }[kind]);
    expect(listed.every((entry) => entry.kind === kind)).toBe(true);
    expect(await backup.files.count({ kind })).toBe(listed.length);
    expect(await backup.files.count({ kind, glob: 'Library/**' })).toBe(
      listed.filter(({ relativePath }) => /^Library(\/|$)/.test(relativePath)).length,
    );
  });

  test('are found one by one, by name and by id', async () => {
    for (const listed of await all(backup.files)) {
      const { domain, relativePath, fileId } = listed;
      expect((await backup.files.get({ domain, relativePath }))?.fileId).toBe(fileId);
      expect((await backup.files.getById(fileId))?.relativePath).toBe(relativePath);
      expect((await backup.files.getById(fileId.toUpperCase()))?.fileId).toBe(fileId);
    }
    expect(await backup.files.get({ domain: 'HomeDomain', relativePath: 'Library/none' })).toBeUndefined();
    expect(await backup.files.get({ domain: 'None', relativePath: '' })).toBeUndefined();
    expect(await backup.files.getById('f'.repeat(40))).toBeUndefined();
    expect(await backup.files.getById("' OR 1")).toBeUndefined();
  });

  test('are found by the other Unicode form of their name', async () => {
    for (const path of ['Library/Größe/ü.txt', 'Library/Größe/nfd-ü.txt']) {
      for (const form of ['NFC', 'NFD']) {
        const found = await backup.files.get({ domain: 'HomeDomain', relativePath: path.normalize(form) });
        expect(found?.relativePath.normalize('NFC')).toBe(path.normalize('NFC'));
      }
    }
  });

  test('lie in domains that are named in order', async () => {
    expect(await backup.files.domains()).toEqual([...new Set(everything.map((name) => name.split('/')[0]))]);
  });

  test('refuse queries that mean nothing', async () => {
    const wrong = [
      { kind: 'files' },
      { domain: 7 },
      { glob: 1 },
      { pathPrefix: null },
      { app: {} },
      { domainPrefix: [] },
    ];
    for (const query of wrong) {
      await expect(all(backup.files.list(query as unknown as FileQuery))).rejects.toThrow(TypeError);
      await expect(backup.files.count(query as unknown as FileQuery)).rejects.toThrow(TypeError);
    }
    await expect(
      backup.files.get('HomeDomain/x' as unknown as { domain: string; relativePath: string }),
    ).rejects.toThrow(TypeError);
    await expect(backup.files.getById(5 as unknown as string)).rejects.toThrow(TypeError);
  });

  test('can be left early and listed side by side', async () => {
    for await (const one of backup.files) {
      for await (const other of backup.files) {
        expect(other.fileId).toBe(one.fileId);
        break;
      }
      break;
    }
    expect(await backup.files.count()).toBe(33);
  });

  test('show all their fields in JSON', async () => {
    const found = await backup.files.get({ domain: 'HomeDomain', relativePath: 'Library/link' });
    expect(JSON.parse(JSON.stringify(found))).toMatchObject({
      kind: 'symlink',
      linkTarget: 'SMS/sms.db',
      problems: [],
    });
  });
});

describe('a manifest of many rows', () => {
  const domains = ['HomeDomain', 'CameraRollDomain', 'AppDomain-a', 'AppDomain-b'];
  const rowCount = 23_000;
  /** Each path in an order of its own, so that the order of rows is neither that of domains nor that of paths. */
  const rows = Array.from({ length: rowCount }, (_, i) => {
    const domain = i % 10 < 9 ? 'CameraRollDomain' : (domains[i % 4] ?? '');
    return {
      domain,
      path: `Media/${String((i * 7919) % rowCount).padStart(6, '0')}/${i % 3 === 0 ? 'a.JPG' : 'b.txt'}`,
    };
  });
  const sortedNames = rows.map(({ domain, path }) => `${domain}/${path}`).toSorted();

  /** As one text, which is compared far sooner than a long array. */
  const listed = async (backup: Backup, query?: FileQuery): Promise<string> =>
    names(await all(backup.files.list(query))).join('\n');

  const openRows = async (rowIdOf: (i: number) => number | bigint, sqlite?: SqliteDriver): Promise<Backup> => {
    const db = await createDatabase();
    db.exec('CREATE TABLE Files (fileID TEXT PRIMARY KEY, domain TEXT, relativePath TEXT, flags INTEGER, file BLOB)');
    db.exec('CREATE INDEX FilesDomainIdx ON Files(domain); CREATE INDEX FilesRelativePathIdx ON Files(relativePath)');
    db.runMany(
      'INSERT INTO Files (rowid, fileID, domain, relativePath, flags) VALUES (?, ?, ?, ?, ?)',
      (function* () {
        for (const [i, { domain, path }] of rows.entries())
          yield [rowIdOf(i), i.toString(16).padStart(40, '0'), domain, path, 1];
      })(),
    );
    db.run('INSERT INTO Files (fileID, domain, relativePath) VALUES (?, NULL, ?)', ['x', 'Media/x']);
    db.run('INSERT INTO Files (fileID, domain, relativePath) VALUES (?, ?, NULL)', ['y', 'HomeDomain']);
    const manifest = db.serialize();
    db.close();
    return await Backup.open(memoryTree([['Manifest.db', manifest]]), { sqlite });
  };

  test.each([
    { what: 'row ids without gaps', rowIdOf: (i: number) => i + 1 },
    { what: 'row ids with gaps', rowIdOf: (i: number) => 3 * i + 70_000 },
    { what: 'row ids far apart', rowIdOf: (i: number) => i * 1_000_000_007 },
    { what: 'row ids that are no safe numbers', rowIdOf: (i: number) => -(2n ** 62n) + BigInt(i) },
  ])('with $what comes in order, whole and in part', async ({ rowIdOf }) => {
    await using backup = await openRows(rowIdOf);
    expect(await listed(backup)).toBe(sortedNames.join('\n'));
    const photos = sortedNames.filter((name) => name.startsWith('CameraRollDomain/'));
    expect(await listed(backup, { domain: 'CameraRollDomain' })).toBe(photos.join('\n'));
    const part = sortedNames.filter((name) => name.includes('/Media/0123'));
    expect(names(await all(backup.files.list({ glob: 'Media/0123*/*' })))).toEqual(part);
    expect(names(await all(backup.files.list({ pathPrefix: 'Media/001234' })))).toEqual(
      sortedNames.filter((name) => name.includes('/Media/001234/')),
    );
    const pictures = sortedNames.filter((name) => name.endsWith('.JPG'));
    expect(await listed(backup, { glob: '/**/*.JPG', kind: 'file' })).toBe(pictures.join('\n'));
    expect(await backup.files.count({ glob: '**/*.JPG' })).toBe(pictures.length);
    expect(await backup.files.count()).toBe(rowCount);
  });

  test('comes in the same order from another driver', async () => {
    await using backup = await openRows((i) => 3 * i + 7, sqlJsDriver());
    expect(await listed(backup)).toBe(sortedNames.join('\n'));
  });

  test('is navigated without reading what is below each folder', async () => {
    await using backup = await openRows((i) => i + 1);
    expect(await backup.fs.readdir('/CameraRollDomain')).toEqual(['Media']);
    expect((await backup.fs.readdir('/CameraRollDomain/Media')).length).toBe(
      rows.filter(({ domain }) => domain === 'CameraRollDomain').length,
    );
    expect((await backup.fs.stat('/CameraRollDomain/Media')).isDirectory()).toBe(true);
  });

  test('can be aborted in the middle', async () => {
    await using backup = await openRows((i) => i + 1);
    const controller = new AbortController();
    const reason = new Error('mine');
    let seen = 0;
    const listing = async (): Promise<void> => {
      for await (const _file of backup.files.list({}, { signal: controller.signal })) {
        if (++seen === 10) controller.abort(reason);
      }
    };
    await expect(listing()).rejects.toBe(reason);
    expect(seen).toBe(10);
  });
});

describe('rows that contradict each other', () => {
  test('are all listed, and reported; the last one is what get() gives', async () => {
    const { issues, onIssue } = issueLog();
    const ids = ['a', 'b'].map((digit) => digit.repeat(40));
    await using backup = await openBuilt(
      { rows: ids.map((fileID) => ({ fileID, domain: 'HomeDomain', relativePath: 'twice', flags: 1 })) },
      { onIssue },
    );
    expect((await all(backup.files)).map(({ fileId }) => fileId)).toEqual(ids);
    expect((await backup.files.get({ domain: 'HomeDomain', relativePath: 'twice' }))?.fileId).toBe(ids[1]);
    expect(issues).toMatchObject([
      { kind: 'duplicate-path', domain: 'HomeDomain', relativePath: 'twice', fileId: ids[1] },
    ]);
  });

  test('in odd types are read as far as they mean something', async () => {
    const raw = new Uint8Array(20).fill(0xab);
    const asText = new TextEncoder().encode('CD'.repeat(20));
    await using backup = await openBuilt({
      rows: [
        { fileID: raw, domain: 'D', relativePath: '1', flags: '1' },
        { fileID: asText, domain: 'D', relativePath: '2', flags: 2.0 },
        { fileID: 'EF'.repeat(20), domain: 'D', relativePath: '3', flags: -7 },
        { fileID: 17, domain: 'D', relativePath: '4', flags: 'x' },
        { fileID: null, domain: 'D', relativePath: '5', flags: 4n },
      ],
    });
    const listed = await all(backup.files);
    expect(listed.map(({ fileId, kind }) => [fileId, kind])).toEqual([
      ['ab'.repeat(20), 'file'],
      ['cd'.repeat(20), 'directory'],
      ['ef'.repeat(20), 'file'],
      ['17', 'file'],
      ['', 'symlink'],
    ]);
    for (const { fileId } of listed.slice(0, 3)) expect((await backup.files.getById(fileId))?.fileId).toBe(fileId);
  });
});
