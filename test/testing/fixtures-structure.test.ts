import { join } from 'node:path';
import { expect, test } from 'vitest';
import { parseKeybag } from '../../src/crypto/keybag.js';
import { directoryTree } from '../../src/manifest/directory-tree.js';
import { asData } from '../../src/plist/guards.js';
import { buildBackup, type BackupSpec } from '../../src/entry/testing.js';
import type { BackupTree } from '../../src/core/backup-tree.js';
import type { PlistDict } from '../../src/plist/types.js';
import {
  archiveMembers,
  dict,
  manifestBytes,
  manifestRows,
  queryBytes,
  treeBytes,
  treePlist,
} from '../support/raw-backup.js';
import { describeWithFixtures } from '../support/shared-fixtures.js';

// Backups that an independent program made, and a real manifest: what we build must be shaped like them.
const twins: readonly (readonly [name: string, password: string | undefined, spec: BackupSpec])[] = [
  ['enc-edge', 'test1234', { ios: '15.6', encrypted: true }],
  ['enc-real-kdf', 'pässwörd 🔑', { ios: '15.6', encrypted: true }],
  ['enc-10.1', 'test1234', { ios: '10.1.1', encrypted: true }],
  ['plain-edge', undefined, { ios: '15.6' }],
  ['mbdb-enc', 'test1234', { ios: '9.3.5', encrypted: true }],
  ['mbdb-plain', undefined, { ios: '9.3.5' }],
];
const spec: BackupSpec = {
  apps: [{ bundleId: 'com.example.notes' }],
  files: [
    { domain: 'HomeDomain', relativePath: 'Library/Gen/00/f0001.dat', content: 'x' },
    { domain: 'HomeDomain', relativePath: 'Library/link', kind: 'symlink', linkTarget: 'Gen' },
  ],
};

const keybagOf = async (tree: BackupTree): Promise<Uint8Array> =>
  asData((await treePlist(tree, 'Manifest.plist')).get('BackupKeyBag')) ?? new Uint8Array();

/** Keys with the kind of their values. */
const shape = (plist: PlistDict): Map<string, string> =>
  new Map([...plist].map(([key, value]) => [key, (value as object).constructor.name]));

describeWithFixtures('a built backup is shaped like an independent one:', (fixtures) => {
  test.each(twins)('property lists of %s', async (name, _password, own) => {
    const theirs = directoryTree(join(fixtures, 'backups', name));
    const ours = (await buildBackup({ ...spec, ...own })).tree;
    for (const path of ['Info.plist', 'Manifest.plist', 'Status.plist']) {
      const [expected, built] = [shape(await treePlist(theirs, path)), shape(await treePlist(ours, path))];
      // The computer was a PC there, and is a Mac here for newer devices.
      expected.delete('iTunes Version');
      for (const [key, kind] of expected) expect([path, key, built.get(key)]).toEqual([path, key, kind]);
      const theirHead = (await treeBytes(theirs, path)).subarray(0, 5);
      expect((await treeBytes(ours, path)).subarray(0, 5)).toEqual(theirHead);
    }
    const lockdown = async (tree: BackupTree) => dict((await treePlist(tree, 'Manifest.plist')).get('Lockdown'));
    expect([...(await lockdown(ours)).keys()]).toEqual(expect.arrayContaining([...(await lockdown(theirs)).keys()]));
    expect((await treeBytes(ours, 'Status.plist')).length).toBe((await treeBytes(theirs, 'Status.plist')).length);
  });

  test.each(twins)('order, lengths and wrapping in the keybag of %s', async (name, _password, own) => {
    const theirs = await keybagOf(directoryTree(join(fixtures, 'backups', name)));
    const ours = await keybagOf((await buildBackup({ ...spec, ...own })).tree);
    const outline = (bytes: Uint8Array): unknown[] =>
      parseKeybag(bytes).entries.map(({ tag, value }) =>
        ['TYPE', 'WRAP', 'CLAS', 'KTYP', 'DPWT'].includes(tag) ? [tag, ...value] : [tag, value.length],
      );
    expect(ours.length).toBe(theirs.length);
    expect(outline(ours)).toEqual(outline(theirs));
  });

  test.each(twins.filter(([name]) => !name.startsWith('mbdb') && name !== 'enc-real-kdf'))(
    'schema, header and records of %s',
    async (name, password, own) => {
      const theirs = directoryTree(join(fixtures, 'backups', name));
      const built = await buildBackup({ ...spec, ...own });
      const databases = [
        await manifestBytes(theirs, password),
        await manifestBytes(built.tree, built.password),
      ] as const;
      const [theirSchema, ourSchema] = await Promise.all(
        databases.map(async (bytes) => await queryBytes(bytes, 'SELECT type, name, sql FROM sqlite_schema')),
      );
      expect(ourSchema).toEqual(theirSchema);
      for (const offset of [16, 17, 18, 19, 20, 21, 22, 23, 47, 59, 63, 67]) {
        expect([offset, databases[1][offset]]).toEqual([offset, databases[0][offset]]);
      }
      const row = async (tree: BackupTree, open: string | undefined, flags: number) =>
        (await manifestRows(tree, open)).find((found) => found.flags === flags && found.domain === 'HomeDomain');
      for (const flags of [1, 2]) {
        const expected = archiveMembers((await row(theirs, password, flags))?.file ?? null);
        const members = archiveMembers((await row(built.tree, built.password, flags))?.file ?? null);
        expected.delete('ExtendedAttributes');
        expect([...members.keys()].sort()).toEqual([...expected.keys()].sort());
      }
    },
  );

  test('records of the real manifest', async () => {
    const database = await treeBytes(directoryTree(join(fixtures, 'real', 'ios-14.3')), 'Manifest.db');
    const built = await buildBackup({ ...spec, ios: '14.3', encrypted: true, manifest: { decryptedCopy: true } });
    const ours = await treeBytes(built.tree, 'Manifest.db');
    expect([database.length % 4096, ours.length % 4096]).toEqual([16, 16]);
    for (const flags of [1, 2, 4]) {
      const sql = `SELECT file FROM Files WHERE flags = ${flags} AND domain = 'HomeDomain' LIMIT 1`;
      const [expected, members] = await Promise.all(
        [database, ours].map(async (bytes) => archiveMembers((await queryBytes(bytes, sql))[0]?.['file'] ?? null)),
      );
      expected?.delete('ExtendedAttributes');
      expect([...(members?.keys() ?? [])].sort()).toEqual([...(expected?.keys() ?? [])].sort());
    }
    const schema = 'SELECT type, name, sql FROM sqlite_schema';
    expect(await queryBytes(ours, schema)).toEqual(await queryBytes(database, schema));
  });
});
