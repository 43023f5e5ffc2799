import { mkdtemp, readdir, readFile, rm, symlink, writeFile, mkdir } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { createVirtualDevice, type FolderContent, type VirtualDevice } from '../../../src/entry/testing.js';
import { AfcClient } from './afc-client.js';
import { Host } from './host.js';

const op = {
  list: 3,
  truncate: 7,
  remove: 8,
  mkdir: 9,
  info: 0x0a,
  device: 0x0b,
  open: 0x0d,
  read: 0x0f,
  write: 0x10,
  seek: 0x11,
  tell: 0x12,
  close: 0x14,
  size: 0x15,
  rename: 0x18,
  lock: 0x1b,
  link: 0x1c,
  time: 0x1e,
  removeAll: 0x22,
};

let top = '';
beforeAll(async () => {
  top = await mkdtemp(join(tmpdir(), 'ios-backup-kit-afc-'));
});
afterAll(async () => {
  await rm(top, { recursive: true });
});

async function withDevice(
  media: FolderContent,
  run: (afc: AfcClient, device: VirtualDevice, host: Host) => Promise<void>,
): Promise<void> {
  await using device = await createVirtualDevice({ media, now: () => new Date('2024-03-14T09:00:00Z') });
  const host = await Host.paired(device);
  const afc = new AfcClient(await host.service('com.apple.afc'));
  await run(afc, device, host);
  afc.close();
}

describe.each(['memory', 'disk'])('AFC over a folder in %s', (kind) => {
  let count = 0;
  const content = async (files: Record<string, string>): Promise<FolderContent> => {
    if (kind === 'memory') return files;
    count += 1;
    const folder = join(top, `media-${count}`);
    for (const [path, text] of Object.entries(files)) {
      await mkdir(join(folder, path, '..'), { recursive: true });
      await writeFile(join(folder, path), text);
    }
    return folder;
  };

  test('lists, describes and reads what is there', async () => {
    await withDevice(await content({ 'DCIM/b.txt': 'hello', 'DCIM/a.txt': '' }), async (afc) => {
      expect(await afc.names('/')).toEqual(['.', '..', 'DCIM']);
      expect(await afc.names('DCIM/')).toEqual(['.', '..', 'a.txt', 'b.txt']);
      expect(await afc.info('/DCIM/b.txt')).toMatchObject({ st_size: '5', st_ifmt: 'S_IFREG', st_nlink: '1' });
      expect(await afc.info('/DCIM')).toMatchObject({ st_ifmt: 'S_IFDIR' });
      expect([await afc.ask(op.list, '/none'), await afc.ask(op.info, '/none')]).toEqual([-8, -8]);
      expect(await afc.ask(op.list, '/DCIM/b.txt')).toBe(-8);
      const handle = await afc.ask(op.open, 1, '/DCIM/b.txt');
      expect(await afc.ask(op.read, handle, 3)).toBe('hel');
      expect(await afc.ask(op.tell, handle)).toBe(3);
      expect([await afc.ask(op.read, handle, 1e9), await afc.ask(op.read, handle, 10)]).toEqual(['lo', '']);
      expect(await afc.ask(op.seek, handle, 2, -4)).toBe(0);
      expect(await afc.ask(op.read, handle, 2)).toBe('el');
      expect(await afc.ask(op.seek, handle, 0, -1)).toBe(-7);
      expect(await afc.write(op.write, Buffer.from('x'), handle)).toBe(-10);
      expect([await afc.ask(op.close, handle), await afc.ask(op.close, handle)]).toEqual([0, -7]);
      expect(
        String(await afc.ask(op.device))
          .split('\0')
          .slice(0, 2),
      ).toEqual(['Model', 'iPhone15,4']);
    });
  });

  test('opens files in every mode as fopen does', async () => {
    await withDevice(await content({ f: '12345' }), async (afc, device) => {
      const text = async () => Buffer.from(await device.media.readFile('f')).toString();
      const put = async (mode: number, at: number) => {
        const handle = await afc.ask(op.open, mode, 'f');
        await afc.ask(op.seek, handle, 0, at);
        await afc.write(op.write, Buffer.from('ab'), handle);
        await afc.ask(op.close, handle);
        return await text();
      };
      expect(await put(2, 1)).toBe('1ab45');
      expect(await put(5, 0)).toBe('1ab45ab');
      expect(await put(6, 0)).toBe('1ab45abab');
      expect(await put(3, 0)).toBe('ab');
      expect(await put(4, 4)).toBe('\0\0\0\0ab');
      expect(await afc.ask(op.open, 1, 'new')).toBe(-8);
      expect(await afc.ask(op.open, 9, 'new')).toBe(-7);
      expect(await afc.ask(op.open, 1, '/')).toBe(-9);
      for (const [i, mode] of [2, 3, 4, 5, 6].entries()) {
        expect(await afc.ask(op.open, mode, `new-${i}`)).toBeGreaterThan(0);
        expect(await afc.info(`new-${i}`)).toMatchObject({ st_size: '0' });
      }
    });
  });

  test('makes, renames, resizes and removes', async () => {
    await withDevice(await content({ 'd/f': 'text', 'e/f': 'other' }), async (afc, device) => {
      expect(await afc.ask(op.mkdir, '/x/y/z')).toBe(0);
      expect(await afc.ask(op.mkdir, '/x/y/z')).toBe(0);
      expect(await afc.ask(op.mkdir, '/d/f')).toBe(-16);
      expect(await afc.ask(op.rename, '/d/f', '/x/y/g')).toBe(0);
      expect(await afc.ask(op.rename, '/x/y/g', '/e/f')).toBe(0);
      expect(Buffer.from(await device.media.readFile('e/f')).toString()).toBe('text');
      expect(await afc.ask(op.rename, '/x', '/x/y/inside')).toBe(-7);
      expect(await afc.ask(op.rename, '/none', '/y')).toBe(-8);
      expect(await afc.ask(op.truncate, 2, '/e/f')).toBe(0);
      expect(await afc.info('/e/f')).toMatchObject({ st_size: '2' });
      const handle = await afc.ask(op.open, 2, '/e/f');
      expect(await afc.ask(op.size, handle, 6)).toBe(0);
      expect(await afc.ask(op.read, handle, 10)).toBe('te\0\0\0\0');
      expect(await afc.ask(op.size, handle, 2n ** 62n)).toBe(-18);
      expect(await afc.ask(op.time, 1_700_000_000_000_000_000n, '/e/f')).toBe(0);
      expect(await afc.info('/e/f')).toMatchObject({ st_mtime: '1700000000000000000' });
      expect(await afc.ask(op.remove, '/x')).toBe(-1);
      expect(await afc.ask(op.removeAll, '/x')).toBe(0);
      expect(await afc.ask(op.remove, '/e/f')).toBe(0);
      expect(await afc.ask(op.read, handle, 1), 'an open file outlives its name').toBe('');
      expect([await afc.ask(op.remove, '/x'), await afc.ask(op.remove, '/')]).toEqual([-8, -10]);
      expect(await afc.names('/')).toEqual(['.', '..', 'd', 'e']);
    });
  });

  test('follows links inside of the folder and never out of it', async () => {
    await writeFile(join(top, 'secret'), 'secret');
    await withDevice(await content({ 'in/secret': 'inside', secret: 'top' }), async (afc) => {
      const read = async (path: string) => {
        const handle = await afc.ask(op.open, 1, path);
        return Number(handle) < 0 ? handle : await afc.ask(op.read, handle, 100);
      };
      expect(await read('../../secret')).toBe('top');
      expect(await read('/in/../../../secret')).toBe('top');
      for (const [i, target] of ['../../../secret', '/secret', '..//./secret', join(top, 'secret')].entries())
        expect(await afc.ask(op.link, 2, target, `/in/link-${i}`)).toBe(0);
      expect([await read('/in/link-0'), await read('/in/link-1'), await read('/in/link-2')]).toEqual([
        'top',
        'top',
        'top',
      ]);
      expect(await read('/in/link-3')).toBe(-8);
      expect(await afc.info('/in/link-1')).toMatchObject({ st_ifmt: 'S_IFLNK', LinkTarget: '/secret' });
      await afc.ask(op.link, 2, 'loop', '/loop');
      expect(await read('/loop')).toBe(-7);
      await afc.ask(op.link, 2, '/', '/in/up');
      expect(await afc.ask(op.open, 3, '/in/up/../made')).toBeGreaterThan(0);
      expect(await afc.names('/')).toContain('made');
      expect(await afc.ask(op.removeAll, '/in')).toBe(0);
      expect(await afc.names('/'), 'links are removed, not what they point to').toEqual([
        '.',
        '..',
        'loop',
        'made',
        'secret',
      ]);
      expect(await afc.ask(op.link, 1, '/secret', '/hard')).toBe(0);
      expect(await afc.info('/hard')).toMatchObject({ st_nlink: '2' });
      expect(await afc.ask(op.link, 3, '/secret', '/other')).toBe(-7);
    });
    expect(await readFile(join(top, 'secret'), 'utf8')).toBe('secret');
    expect(await readdir(top)).not.toContain('made');
  });

  test('locks files between connections', async () => {
    await withDevice(await content({}), async (afc, _device, host) => {
      const other = new AfcClient(await host.service('com.apple.afc'));
      const path = '/com.apple.itunes.lock_sync';
      const [mine, theirs] = [await afc.ask(op.open, 2, path), await other.ask(op.open, 2, path)];
      expect([await afc.ask(op.lock, mine, 6), await other.ask(op.lock, theirs, 6)]).toEqual([0, -19]);
      expect(await other.ask(op.lock, theirs, 5)).toBe(-19);
      expect([await afc.ask(op.lock, mine, 12), await other.ask(op.lock, theirs, 5)]).toEqual([0, 0]);
      expect([await afc.ask(op.lock, mine, 5), await afc.ask(op.lock, mine, 6)]).toEqual([0, -19]);
      other.close();
      await expect.poll(async () => await afc.ask(op.lock, mine, 6)).toBe(0);
      expect(await afc.ask(op.lock, mine, 1)).toBe(-7);
    });
  });
});

describe('AFC', () => {
  test('answers what it does not know, and requests without their arguments', async () => {
    await withDevice({}, async (afc) => {
      expect(await afc.ask(0x1d, '/')).toBe(-15);
      expect(await afc.ask(0x7f)).toBe(-6);
      expect([await afc.ask(op.open, 1), await afc.ask(op.list), await afc.ask(op.read, 1)]).toEqual([-7, -7, -7]);
      expect(await afc.ask(op.list, 'x'.repeat(20_000))).toBe(-7);
      expect(await afc.ask(op.mkdir, 'x'.repeat(256))).toBe(-7);
    });
  });

  test('keeps a bounded number of files open, and says when the volume is full', async () => {
    await withDevice({ f: '' }, async (afc) => {
      const handle = await afc.ask(op.open, 2, 'f');
      expect(await afc.ask(op.seek, handle, 0, 2 ** 40)).toBe(0);
      expect(await afc.write(op.write, Buffer.from('x'), handle)).toBe(-18);
      for (let i = 1; i < 1024; i += 1) await afc.ask(op.open, 1, 'f');
      expect(await afc.ask(op.open, 1, 'f')).toBe(-3);
    });
  });

  test('does not leave a folder on the disk through links that lie in it', async () => {
    const folder = join(top, 'linked');
    await mkdir(folder);
    await writeFile(join(top, 'outside'), 'outside');
    await symlink(join(top, 'outside'), join(folder, 'escape'));
    await symlink('..', join(folder, 'up'));
    await withDevice(folder, async (afc) => {
      expect(await afc.ask(op.open, 1, '/escape')).toBe(-8);
      expect(await afc.ask(op.open, 1, '/up/outside')).toBe(-8);
      expect(await afc.ask(op.open, 3, '/a\\b')).toBe(-10);
    });
  });

  test('closes a connection that breaks the framing', async () => {
    const errors: unknown[] = [];
    await using device = await createVirtualDevice({ onError: (error) => errors.push(error) });
    const host = await Host.paired(device);
    const connection = await host.service('com.apple.afc');
    await connection.channel.write(new Uint8Array(40));
    expect(await connection.channel.readSome(1)).toBeUndefined();
    expect(errors).toMatchObject([{ code: 'PROTOCOL_MALFORMED', protocol: 'afc' }]);
  });
});

describe('house_arrest', () => {
  test('hands out documents, containers, and neither without the right', async () => {
    await using device = await createVirtualDevice({
      apps: [
        { bundleId: 'a.shared', container: { 'Documents/f': 'x', 'Library/p': 'y' } },
        { bundleId: 'a.private', fileSharing: false },
        { bundleId: 'a.own', developer: true, container: { 'Library/p': 'y' } },
      ],
    });
    const host = await Host.paired(device);
    const vend = async (Command: string, Identifier: string) => {
      const connection = await host.service('com.apple.mobile.house_arrest');
      return { connection, reply: await connection.request({ Command, Identifier }) };
    };
    const documents = await vend('VendDocuments', 'a.shared');
    expect(documents.reply).toEqual({ Status: 'Complete' });
    const afc = new AfcClient(documents.connection);
    expect(await afc.names('/')).toEqual(['.', '..', 'Documents']);
    expect(await afc.names('/Documents')).toEqual(['.', '..', 'f']);
    expect([await afc.ask(op.info, '/Library'), await afc.ask(op.open, 3, '/new')]).toEqual([-10, -10]);
    await afc.ask(op.link, 2, '../Library/p', '/Documents/link');
    expect(await afc.ask(op.open, 1, '/Documents/link')).toBe(-10);
    const container = await vend('VendContainer', 'a.own');
    expect(await new AfcClient(container.connection).names('/')).toEqual(['.', '..', 'Documents', 'Library']);
    expect((await vend('VendContainer', 'a.shared')).reply).toEqual({ Error: 'InstallationLookupFailed' });
    expect((await vend('VendDocuments', 'a.private')).reply).toEqual({ Error: 'InstallationLookupFailed' });
    expect((await vend('VendDocuments', 'none')).reply).toEqual({ Error: 'ApplicationLookupFailed' });
    expect((await vend('Vend', 'a.own')).reply).toEqual({ Error: 'UnknownCommand' });
  });
});
