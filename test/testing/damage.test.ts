import { describe, expect, test } from 'vitest';
import { decryptCbc, paddingLength } from '../../src/crypto/cbc.js';
import { asData, asInteger } from '../../src/plist/guards.js';
import { parsePlist } from '../../src/plist/parse.js';
import { damageRefusal, fileDamages } from '../../src/testing/backup-builder/damage.js';
import { buildBackup, type FileDamage, type FileSpec } from '../../src/entry/testing.js';
import {
  archiveMembers,
  manifestRows,
  openKeybag,
  treeBytes,
  treeContents,
  treePaths,
  type StoredRow,
} from '../support/raw-backup.js';

const domain = 'HomeDomain';
const relativePath = 'Library/x.bin';
/** Both a multiple of 16 bytes and several blocks, and not so. */
const whole = Buffer.alloc(160, 'abcdefghij');
const odd = Buffer.alloc(150, 'abcdefghij');

async function build(damage: FileDamage[], content: Uint8Array = odd, encrypted = true) {
  const built = await buildBackup({ encrypted, files: [{ domain, relativePath, content, damage }] });
  const truth = built.files.find((file) => file.kind === 'file');
  if (truth === undefined) throw new Error('The file is not among the ground truth');
  const path = `${truth.fileId.slice(0, 2)}/${truth.fileId}`;
  const rows = await manifestRows(built.tree, built.password);
  return { built, truth, path, row: rows.at(-1) ?? ({} as StoredRow) };
}

const sound = await build([]);
const soundMembers = archiveMembers(sound.row.file);
const soundBlob = await treeBytes(sound.built.tree, sound.path);

/** Decrypts a blob of a build with the key of the sound one: the seed gives both the same. */
async function decrypted(blob: Uint8Array): Promise<Uint8Array> {
  const keybag = await openKeybag(sound.built.tree, 'password');
  return decryptCbc(keybag.unwrapFileKey(asData(soundMembers.get('EncryptionKey')) ?? new Uint8Array()), blob);
}

describe('content damage leaves the manifest alone and', () => {
  const blobOf = async (damage: FileDamage, content?: Uint8Array, encrypted?: boolean) => {
    const { built, path } = await build([damage], content, encrypted);
    return await treeBytes(built.tree, path);
  };

  test('content-missing has no blob', async () => {
    const { built, path, row } = await build(['content-missing']);
    expect(await treePaths(built.tree)).not.toContain(path);
    expect(row).toEqual(sound.row);
  });

  test('content-empty has a blob of 0 bytes', async () => {
    expect(await blobOf('content-empty')).toHaveLength(0);
    expect((await build(['content-empty'])).row).toEqual(sound.row);
  });

  test('content-truncated lost its second half and does not end in padding', async () => {
    const blob = await blobOf('content-truncated');
    expect(blob).toHaveLength(80);
    expect(Buffer.compare(blob, soundBlob.subarray(0, 80))).toBe(0);
    expect(paddingLength((await decrypted(blob)).subarray(-16))).toBe(0);
    expect(await blobOf('content-truncated', odd, false)).toHaveLength(75);
  });

  test('content-truncated moves the cut where the half looks padded', async () => {
    const content = Uint8Array.from(odd);
    content[79] = 1;
    const blob = await blobOf('content-truncated', content);
    expect(blob.length % 16).toBe(0);
    expect(blob.length).toBeGreaterThan(0);
    expect(blob.length).not.toBe(80);
    expect(blob.length).toBeLessThan(144);
  });

  test('content-truncated refuses content that looks padded everywhere', async () => {
    await expect(blobOf('content-truncated', new Uint8Array(64).fill(1))).rejects.toThrow(RangeError);
  });

  test('content-truncated-block lost a part of its last block', async () => {
    const blob = await blobOf('content-truncated-block');
    expect(Buffer.compare(blob, soundBlob.subarray(0, -5))).toBe(0);
  });

  test('padding-missing ends with the content', async () => {
    const blob = await blobOf('padding-missing', whole);
    expect(blob).toHaveLength(whole.length);
    expect(Buffer.compare(await decrypted(blob), whole)).toBe(0);
  });

  test('padding-zeros fills the last block with zeros', async () => {
    const plain = await decrypted(await blobOf('padding-zeros'));
    expect(Buffer.compare(plain, Buffer.concat([odd, Buffer.alloc(10)]))).toBe(0);
  });
});

describe('record damage leaves the content and the other members alone:', () => {
  const changed: Partial<Record<FileDamage, Record<string, unknown>>> = {
    'size-larger': { Size: 1150 },
    'size-smaller': { Size: 75 },
    'size-absurd': { Size: 2n ** 62n },
    'class-unknown': { ProtectionClass: 15 },
  };

  test.each(Object.entries(changed))('%s', async (damage, members) => {
    const { built, path, row } = await build([damage as FileDamage]);
    const found = archiveMembers(row.file);
    for (const [name, value] of Object.entries(members)) expect(found.get(name)).toBe(value);
    for (const [name, value] of soundMembers) {
      if (!(name in members) && name !== 'EncryptionKey') expect(found.get(name)).toEqual(value);
    }
    expect(Buffer.compare(await treeBytes(built.tree, path), soundBlob)).toBe(0);
  });

  test.each<[FileDamage, string]>([
    ['size-absent', 'Size'],
    ['key-missing', 'EncryptionKey'],
  ])('%s has no %s', async (damage, member) => {
    const found = archiveMembers((await build([damage])).row.file);
    expect([...soundMembers.keys()].filter((name) => !found.has(name))).toEqual([member]);
  });

  test('key-short has 20 of 44 bytes', async () => {
    const key = asData(archiveMembers((await build(['key-short'])).row.file).get('EncryptionKey'));
    expect(key).toEqual(asData(soundMembers.get('EncryptionKey'))?.slice(0, 20));
  });

  test('key-corrupt cannot be unwrapped, its class is right', async () => {
    const { built, row } = await build(['key-corrupt']);
    const key = asData(archiveMembers(row.file).get('EncryptionKey')) ?? new Uint8Array();
    const keybag = await openKeybag(built.tree, 'password');
    expect(key[0]).toBe(3);
    expect(() => keybag.unwrapFileKey(key)).toThrow(expect.objectContaining({ code: 'MANIFEST_FILE_DAMAGED' }));
  });

  test('class-unknown names in the key, too, a class that the keybag lacks', async () => {
    const { built, row } = await build(['class-unknown']);
    const key = asData(archiveMembers(row.file).get('EncryptionKey')) ?? new Uint8Array();
    const keybag = await openKeybag(built.tree, 'password');
    expect(() => keybag.unwrapFileKey(key)).toThrow(expect.objectContaining({ code: 'MANIFEST_KEY_UNAVAILABLE' }));
  });

  test('digest-wrong has 20 other bytes', async () => {
    const digest = asData(archiveMembers((await build(['digest-wrong'])).row.file).get('Digest'));
    expect(digest).toHaveLength(20);
    expect(digest).not.toEqual(asData(soundMembers.get('Digest')));
  });
});

describe('row damage leaves the content and the other columns alone:', () => {
  const id = sound.truth.fileId;
  const rowDamage: [FileDamage, Partial<StoredRow>][] = [
    ['record-null', { file: null }],
    ['record-empty', { file: new Uint8Array() }],
    ['file-id-blob', { fileID: new TextEncoder().encode(id) }],
    ['file-id-upper-case', { fileID: id.toUpperCase() }],
    ['file-id-traversal', { fileID: `../../${id}` }],
    ['flags-zero', { flags: 0 }],
  ];

  test.each(rowDamage)('%s', async (damage, columns) => {
    const { built, path, row } = await build([damage]);
    expect(row).toEqual({ ...sound.row, ...columns });
    expect(Buffer.compare(await treeBytes(built.tree, path), soundBlob)).toBe(0);
  });

  test('record-truncated has the first half of the archive', async () => {
    const { row } = await build(['record-truncated']);
    const archive = sound.row.file as Uint8Array;
    expect(row.file).toEqual(archive.slice(0, archive.length >> 1));
  });

  test('record-xml has the same archive as XML', async () => {
    const { row } = await build(['record-xml']);
    const xml = row.file as Uint8Array;
    expect(Buffer.from(xml.subarray(0, 5)).toString()).toBe('<?xml');
    expect(Buffer.from(xml).toString()).toContain('CF$UID');
    expect(asInteger(archiveMembers(sound.row.file).get('Size'))).toBe(150);
  });

  test('record-cyclic has a root that refers to itself', async () => {
    const { row } = await build(['record-cyclic']);
    const objects = (parsePlist(row.file as Uint8Array) as Map<string, unknown>).get('$objects');
    expect(objects).toEqual(['$null', expect.objectContaining({ value: 1 })]);
  });
});

describe('damage that cannot be is refused:', () => {
  const refused: [string, Parameters<typeof buildBackup>[0], FileSpec['damage'], FileSpec['content']][] = [
    ['keys in a plain backup', {}, ['key-missing'], 'x'],
    ['padding in a plain backup', {}, ['padding-zeros'], 'x'],
    ['records before iOS 10', { ios: '9.3' }, ['record-null'], 'x'],
    ['an absent size before iOS 10', { ios: '9.3' }, ['size-absent'], 'x'],
    ['no padding behind an odd size', { encrypted: true }, ['padding-missing'], 'x'],
    ['zeros behind a full block', { encrypted: true }, ['padding-zeros'], '0123456789abcdef'],
    ['half of one block', { encrypted: true }, ['content-truncated'], '0123456789abcdef'],
    ['emptying what is empty', {}, ['content-empty'], ''],
    ['a kind that does not exist', {}, ['content-eaten' as FileDamage], 'x'],
    ['padding of a decrypted copy', { encrypted: true, manifest: { decryptedCopy: true } }, ['padding-zeros'], 'x'],
  ];

  test.each(refused)('%s', async (_title, spec, damage, content) => {
    await expect(buildBackup({ ...spec, files: [{ domain, relativePath, content, damage }] })).rejects.toThrow(
      RangeError,
    );
  });

  test('content of a folder', async () => {
    const files: FileSpec[] = [{ domain, relativePath, kind: 'directory', damage: ['content-missing'] }];
    await expect(buildBackup({ files })).rejects.toThrow('needs a regular file');
  });
});

test('every kind of damage can be done to a file of an encrypted backup', async () => {
  const context = { encrypted: true, keyed: true, database: true, kind: 'file' as const };
  for (const damage of fileDamages) {
    const content = damageRefusal(damage, { ...context, size: odd.length }) === undefined ? odd : whole;
    const { truth, built } = await build([damage], content);
    expect(truth).toMatchObject({ size: content.length, damage: [damage] });
    expect(built.fileCount).toBe(3);
  }
});

test('damage to one file leaves every other byte as it was', async () => {
  const files = (damage: FileDamage[]): FileSpec[] => [
    { domain, relativePath: 'a', content: odd },
    { domain, relativePath: 'b', content: odd, damage },
    { domain, relativePath: 'c', content: odd },
  ];
  const before = await treeContents((await buildBackup({ encrypted: true, files: files([]) })).tree);
  const after = await treeContents((await buildBackup({ encrypted: true, files: files(['content-truncated']) })).tree);
  const different = [...before].filter(([path, content]) => after.get(path) !== content).map(([path]) => path);
  expect(different).toHaveLength(1);
  expect([...after.keys()]).toEqual([...before.keys()]);
});

test('content damage works before iOS 10, too', async () => {
  const spec = { ios: '9.3', encrypted: true } as const;
  const files: FileSpec[] = [{ domain, relativePath, content: odd, damage: ['content-truncated-block', 'key-short'] }];
  const built = await buildBackup({ ...spec, files });
  const blob = await treeBytes(built.tree, built.files.at(-1)?.fileId ?? '');
  expect(blob).toHaveLength(155);
});
