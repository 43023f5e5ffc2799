import { createHash } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { contacts, messages } from '../../src/entry/datasets.js';
import { Backup, type BackupFile } from '../../src/entry/index.js';
import { openKeybag } from '../support/raw-backup.js';
import { buildBackup, sampleBackupSpec, type BuiltBackup, type BuiltFile } from '../../src/entry/testing.js';

let place: string;
beforeAll(async () => {
  place = await mkdtemp(join(tmpdir(), 'round-trip-'));
});
afterAll(async () => {
  await rm(place, { recursive: true, force: true });
});

async function* collect<T>(source: AsyncIterable<T>): AsyncGenerator<T, void, undefined> {
  yield* source;
}

async function all<T>(source: AsyncIterable<T>): Promise<T[]> {
  const items: T[] = [];
  for await (const item of collect(source)) items.push(item);
  return items;
}

/** What the reader says of a file, in the words of the ground truth. */
async function asRead(file: BackupFile): Promise<Omit<BuiltFile, 'damage'>> {
  const content = file.kind === 'file' ? await file.read() : undefined;
  return {
    fileId: file.fileId,
    domain: file.domain,
    relativePath: file.relativePath,
    kind: file.kind,
    size: file.size,
    sha256: content && createHash('sha256').update(content).digest('hex'),
    mode: file.mode,
    userId: file.userId,
    groupId: file.groupId,
    inode: file.inode,
    flags: file.flags,
    modified: file.modified ?? new Date(0),
    statusChanged: file.statusChanged ?? new Date(0),
    created: file.created ?? new Date(0),
    protectionClass: file.protectionClass,
    linkTarget: file.linkTarget,
    extendedAttributes: Object.fromEntries(file.extendedAttributes),
    digest: file.digest,
  };
}

const byPlace = (a: { domain: string; relativePath: string }, b: typeof a): number =>
  Buffer.compare(Buffer.from(`${a.domain}\0${a.relativePath}`), Buffer.from(`${b.domain}\0${b.relativePath}`));

async function expectSame(built: BuiltBackup, source: BuiltBackup['tree'] | string): Promise<void> {
  await using backup = await Backup.open(source, { password: built.password });
  const read = await Promise.all((await all(backup.files)).map(asRead));
  // Before iOS 10 there are no file flags.
  const isDatabase = backup.summary.manifestKind === 'database';
  const truth = built.files.map(({ damage: _damage, ...file }) => ({ ...file, flags: isDatabase ? file.flags : 0 }));
  expect(read.toSorted(byPlace)).toEqual(truth.toSorted(byPlace));
}

const cases = ['4.3', '6.1', '9.3.5', '10.0.2', '10.1.1', '10.3', '14.8', '17.4', '26.0'].flatMap((ios) =>
  [false, true].map((encrypted) => ({ ios, encrypted })),
);

describe.each(cases)('what was built for iOS $ios is read back, encrypted: $encrypted', ({ ios, encrypted }) => {
  const spec = { ...sampleBackupSpec({ ios, messages: 24, contacts: 4, photos: 2 }), encrypted };

  test('from memory', async () => {
    const built = await buildBackup(spec);
    await expectSame(built, built.tree);
  });

  test('from a folder', async () => {
    const built = await buildBackup(spec, { to: join(place, `${ios}-${encrypted}`) });
    await expectSame(built, built.path ?? '');
  });

  test('with the summary of its device', async () => {
    const { tree, udid } = await buildBackup({ ...spec, isFullBackup: true, device: { name: 'Sam’s iPhone' } });
    const summary = await Backup.inspect(tree);
    expect(summary).toMatchObject({
      udid,
      deviceName: 'Sam’s iPhone',
      productVersion: ios,
      isEncrypted: encrypted,
      wasPasscodeSet: true,
      isFullBackup: true,
      isFinished: true,
      manifestKind: Number.parseInt(ios, 10) < 10 ? 'mbdb' : 'database',
      warnings: [],
    });
    expect(summary.apps.map(({ bundleId }) => bundleId).toSorted()).toEqual([
      'com.example.notes',
      'org.example.weather',
    ]);
  });
});

describe('the sample', () => {
  test.each(['6.1', '9.3.5', '14.8', '17.4', '26.0'])('has messages and contacts of iOS %s', async (ios) => {
    const built = await buildBackup({ ...sampleBackupSpec({ ios, messages: 60, contacts: 12 }), encrypted: true });
    await using backup = await Backup.open(built.tree, { password: built.password });
    const issues: unknown[] = [];
    const onIssue = (issue: unknown): void => void issues.push(issue);
    const sent = await all(messages(backup, { onIssue }));
    const people = await all(contacts(backup, { onIssue }));
    expect(issues).toEqual([]);
    expect(people).toHaveLength(13);
    expect(sent.length).toBeGreaterThanOrEqual(60);
    expect(sent.filter(({ text }) => text !== undefined && text !== '').length).toBeGreaterThan(40);
  });

  test('has its latest rows in the WAL of a database', async () => {
    const built = await buildBackup(sampleBackupSpec());
    await using backup = await Backup.open(built.tree);
    await using tasks = await backup.openDatabase({
      domain: 'AppDomainGroup-group.com.example.notes',
      relativePath: 'Library/Application Support/Tasks.sqlite',
    });
    expect(await all(tasks.query('SELECT id, done FROM tasks WHERE id IN (1, 100) ORDER BY id'))).toEqual([
      { id: 1, done: 1 },
      { id: 100, done: 0 },
    ]);
  });

  test('differs with its seed, and is the same with the same one', async () => {
    expect(sampleBackupSpec({ seed: 7 })).toEqual(sampleBackupSpec({ seed: 7 }));
    expect(sampleBackupSpec({ seed: 7 })).not.toEqual(sampleBackupSpec({ seed: 8 }));
  });

  test('may be empty', async () => {
    const built = await buildBackup(sampleBackupSpec({ messages: 0, contacts: 0, photos: 0 }));
    await using backup = await Backup.open(built.tree);
    expect(await all(messages(backup))).toEqual([]);
    expect(await all(contacts(backup))).toHaveLength(1);
  });

  test.each(['messages', 'contacts', 'photos'])('refuses a number of %s that is no count', (name) => {
    expect(() => sampleBackupSpec({ [name]: -1 })).toThrow(RangeError);
    expect(() => sampleBackupSpec({ [name]: 1.5 })).toThrow(RangeError);
  });
});

test('a decrypted copy is read without a password', async () => {
  const built = await buildBackup({ ...sampleBackupSpec(), encrypted: true, manifest: { decryptedCopy: true } });
  await expectSame({ ...built, password: undefined }, built.tree);
});

test.each([
  { simplifiedSchema: true },
  { walHeader: false },
  { padding: false },
  { pageSize: 512 },
  { pageSize: 65_536 },
  { protectionClass: 2 },
])('a manifest with %j is read back', async (manifest) => {
  const built = await buildBackup({ ...sampleBackupSpec({ messages: 1 }), encrypted: true, manifest });
  await expectSame(built, built.tree);
});

test('a simplified manifest with obfuscated records is read back', async () => {
  const spec = { ...sampleBackupSpec({ ios: '10.0.2', messages: 1 }), encrypted: true };
  const built = await buildBackup({ ...spec, manifest: { simplifiedSchema: true } });
  await expectSame(built, built.tree);
});

test('a backup without property lists is read where it is plain', async () => {
  const omit = ['Info.plist', 'Manifest.plist', 'Status.plist'] as const;
  const built = await buildBackup({ ...sampleBackupSpec({ messages: 1 }), omit });
  await expectSame(built, built.tree);
});

test('a file of a class that only the device opens is listed and cannot be read', async () => {
  const files = [{ domain: 'KeychainDomain', relativePath: 'x', content: 'x', protectionClass: 9 }];
  const built = await buildBackup({ encrypted: true, files });
  await using backup = await Backup.open(built.tree, { password: 'password' });
  const file = await backup.files.get({ domain: 'KeychainDomain', relativePath: 'x' });
  await expect(file?.read()).rejects.toMatchObject({ code: 'MANIFEST_KEY_UNAVAILABLE' });
});

test('the real number of rounds is what the keybag asks for', async () => {
  const files = [{ domain: 'HomeDomain', relativePath: 'x', content: 'x' }];
  const built = await buildBackup({ ios: '9.3', encrypted: true, password: 'é', kdf: 'real', files });
  const { keybag } = await openKeybag(built.tree, 'é');
  expect(keybag.sha1Stage?.rounds).toBe(10_000);
  await expectSame(built, built.tree);
  await expect(Backup.open(built.tree, { password: 'e' })).rejects.toMatchObject({
    code: 'MANIFEST_PASSWORD_INCORRECT',
  });
});
