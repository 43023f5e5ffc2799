import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { buildBackup, sampleBackupSpec } from '../../src/entry/testing.js';
import { manifestBytes } from '../support/raw-backup.js';

// The judge is not ours: Python's own sqlite3, plistlib and hashlib.
const python = ['python3', 'python'].find((name) => {
  const { status } = spawnSync(name, ['-c', 'import sqlite3, plistlib']);
  return status === 0;
});

/** Reads the rows of Manifest.db, their archives, the property lists, and a database with its WAL; prints them as JSON. */
const script = `
import hashlib, json, plistlib, sqlite3, sys
folder, manifest = sys.argv[1], sys.argv[2]
db = sqlite3.connect('file:' + manifest + '?immutable=1', uri=True)
assert db.execute('PRAGMA integrity_check').fetchall() == [('ok',)]
rows = []
for fileid, domain, path, flags, blob in db.execute('SELECT * FROM Files ORDER BY rowid'):
    archive = plistlib.loads(blob)
    objects = archive['$objects']
    record = objects[archive['$top']['root'].data]
    value = lambda name: objects[record[name].data] if name in record else None
    assert fileid == hashlib.sha1((domain + '-' + path).encode()).hexdigest()
    assert value('RelativePath') == path
    assert objects[record['$class'].data]['$classname'] == 'MBFile'
    xattrs = value('ExtendedAttributes')
    rows.append([fileid, domain, path, flags, record['Mode'], record['Size'], record['UserID'], record['LastModified'],
                 record['ProtectionClass'], value('Target'), sorted(plistlib.loads(xattrs)) if xattrs else []])
plists = [plistlib.load(open(folder + '/' + name, 'rb')) for name in ('Info.plist', 'Manifest.plist', 'Status.plist')]
print(json.dumps({'rows': rows, 'keys': [sorted(plist) for plist in plists]}))
`;
const walScript = `
import json, sqlite3, sys
print(json.dumps(sqlite3.connect(sys.argv[1]).execute(sys.argv[2]).fetchall()))
`;

let place: string;
beforeAll(async () => {
  place = await mkdtemp(join(tmpdir(), 'referee-'));
});
afterAll(async () => {
  await rm(place, { recursive: true, force: true });
});

function judge(program: string, ...args: string[]): unknown {
  const { status, stdout, stderr } = spawnSync(python ?? '', ['-c', program, ...args], { encoding: 'utf8' });
  if (status !== 0) throw new Error(stderr);
  return JSON.parse(stdout);
}

const note = python === undefined ? ' [no python3 with sqlite3 and plistlib found]' : '';
describe.skipIf(python === undefined)(`Python reads${note}`, () => {
  test.each([
    { ios: '10.1', encrypted: true },
    { ios: '17.4', encrypted: false },
    { ios: '26.0', encrypted: true },
  ])('what a backup of iOS $ios says of its files (encrypted: $encrypted)', async ({ ios, encrypted }) => {
    const to = join(place, `${ios}-${encrypted}`);
    const built = await buildBackup({ ...sampleBackupSpec({ ios }), encrypted }, { to });
    const manifest = join(place, `${ios}.db`);
    await writeFile(manifest, await manifestBytes(built.tree, built.password));
    const flags = { file: 1, directory: 2, symlink: 4 };
    expect(judge(script, to, manifest)).toMatchObject({
      rows: built.files.map((file) => [
        file.fileId,
        file.domain,
        file.relativePath,
        flags[file.kind],
        file.mode,
        file.size,
        file.userId,
        file.modified.getTime() / 1000,
        file.protectionClass,
        file.linkTarget ?? null,
        Object.keys(file.extendedAttributes).sort(),
      ]),
    });
  });

  test.each(['some', 'all'] as const)('a database with its rows in the WAL (%s)', async (wal) => {
    const to = join(place, wal);
    const insert = "INSERT INTO t VALUES (1, 'é')";
    const built = await buildBackup(
      {
        databases: [
          {
            domain: 'HomeDomain',
            relativePath: 'x.db',
            sql: wal === 'some' ? 'CREATE TABLE t (a, b)' : ['CREATE TABLE t (a, b)', insert],
            walSql: wal === 'some' ? insert : undefined,
            wal,
          },
        ],
      },
      { to },
    );
    const copy = join(place, `${wal}.db`);
    for (const suffix of ['', '-wal']) {
      const truth = built.files.find(({ relativePath }) => relativePath === `x.db${suffix}`);
      const source = await built.tree.open(`${truth?.fileId.slice(0, 2)}/${truth?.fileId}`);
      const bytes = (await source?.read(0, source.size)) ?? new Uint8Array();
      await source?.close();
      expect(createHash('sha256').update(bytes).digest('hex')).toBe(truth?.sha256);
      await writeFile(copy + suffix, bytes);
    }
    expect(judge(walScript, copy, 'SELECT a, b FROM t')).toEqual([[1, 'é']]);
  });
});
