import { readdir, writeFile, mkdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { backUpDevice } from '../../src/backup/back-up-device.js';
import { changeBackupPassword } from '../../src/backup/change-backup-password.js';
import type { BackupIssue } from '../../src/backup/request-server.js';
import { restoreDevice } from '../../src/backup/restore-device.js';
import { BackupSession } from '../../src/backup/session.js';
import type { BackupProgress } from '../../src/backup/transfer-run.js';
import { memoryTree } from '../../src/core/memory-tree.js';
import { IoError } from '../../src/core/errors.js';
import { Backup } from '../../src/entry/index.js';
import { hostOf, someChanges, temporaryFolder, virtualDevice } from './support.js';

const syncLock = '/com.apple.itunes.lock_sync';

describe('what the device answers', () => {
  it.each([
    [105, 'BACKUP_NO_SPACE', true],
    [106, 'BACKUP_NO_SPACE', true],
    [202, 'BACKUP_CANCELLED', true],
    [207, 'BACKUP_PASSWORD_INCORRECT', false],
    [208, 'BACKUP_DEVICE_LOCKED', true],
    [3, 'BACKUP_REMOTE_FAILED', false],
    [104, 'BACKUP_REMOTE_FAILED', false],
    [4711, 'BACKUP_REMOTE_FAILED', false],
  ])('error %i is %s, and nothing was changed', async (code, expected, transient) => {
    const device = await virtualDevice({ ios: '15.7' });
    const folder = await temporaryFolder();
    device.backups.faults.at('move', { respond: { code, text: `Words of the device (MBErrorDomain/${code})` } });
    const error = {
      code: expected,
      transient,
      remoteCode: code,
      remoteDescription: `Words of the device (MBErrorDomain/${code})`,
    };
    await expect(backUpDevice(await hostOf(device), { to: folder })).rejects.toMatchObject(error);
    expect(await readdir(folder)).toEqual([]);
  });

  it('a record that does not say "finished" is no success', async () => {
    const device = await virtualDevice({ ios: '15.7' });
    const folder = await temporaryFolder();
    device.backups.faults.quirks.snapshotState = 'moving';
    await expect(backUpDevice(await hostOf(device), { to: folder })).rejects.toMatchObject({
      code: 'BACKUP_INCOMPLETE',
    });
    expect(await readdir(folder)).toEqual([]);
  });

  it('another version of Device Link, property lists in XML, short messages and an integer version are accepted', async () => {
    const device = await virtualDevice({ ios: '15.7' });
    Object.assign(device.backups.faults.quirks, {
      deviceLinkVersion: [999, 7],
      xml: true,
      uploadElements: 1,
      protocolVersion: 2,
    });
    await using session = await BackupSession.start(await hostOf(device));
    expect(session.protocolVersion).toBe(2);
    const result = await session.backUp(memoryTree());
    expect(result.isFull).toBe(true);
  });

  it('a refused Hello is an error with its code', async () => {
    const device = await virtualDevice();
    device.backups.faults.quirks.helloErrorCode = 1;
    await expect(BackupSession.start(await hostOf(device))).rejects.toMatchObject({
      code: 'BACKUP_REMOTE_FAILED',
      remoteCode: 1,
    });
  });

  it('unknown messages are answered and reported, pings are not, and the probe for space of iOS 26 is refused', async () => {
    const device = await virtualDevice({ ios: '26.0' });
    device.backups.faults.at('upload', { send: ['DLMessageDance', { with: 'me' }] });
    device.backups.faults.at('upload', { send: ['DLMessagePing', 'hello'], awaitStatus: false });
    const issues: BackupIssue[] = [];
    const result = await backUpDevice(await hostOf(device), {
      to: await temporaryFolder(),
      onIssue: (issue) => issues.push(issue),
    });
    expect(issues).toContainEqual(expect.objectContaining({ kind: 'unknown-message', subject: 'DLMessageDance' }));
    expect(result.issues).toBe(issues.length);
  });

  it('files that the device cannot read are issues, and the backup is complete without their ends', async () => {
    const device = await virtualDevice({ ios: '15.7' });
    device.backups.faults.quirks.failFile = ({ relativePath }) => {
      if (relativePath.endsWith('small.plist')) return { code: 0x0b, text: 'Input/output error (5)', afterBytes: 2 };
      if (relativePath.endsWith('0001.JPG')) return { code: 0x06, text: 'No such file or directory', afterBytes: 0 };
      return undefined;
    };
    const folder = await temporaryFolder();
    const issues: BackupIssue[] = [];
    await backUpDevice(await hostOf(device), { to: folder, onIssue: (issue) => issues.push(issue) });
    const incomplete = issues.filter(({ kind }) => kind === 'file-incomplete');
    expect(incomplete.map(({ message }) => message.replace(/.*: /, '')).toSorted()).toEqual([
      'Input/output error (5)',
      'No such file or directory',
    ]);
    await using backup = await Backup.open(join(folder, device.udid));
    expect(await backup.files.count({ kind: 'file' })).toBe(34);
  });

  it('a goodbye in the middle is a lost connection', async () => {
    const device = await virtualDevice({ ios: '15.7' });
    device.backups.faults.at('move', { disconnect: 'enough' });
    await expect(backUpDevice(await hostOf(device), { to: await temporaryFolder() })).rejects.toMatchObject({
      code: 'DEVICE_DISCONNECTED',
    });
  });

  it('lengths and messages beyond reason end the session', async () => {
    const device = await virtualDevice({ ios: '15.7' });
    const host = await hostOf(device);
    const folder = await temporaryFolder();
    const faulty = [
      [Uint8Array.of(0xff, 0xff, 0xff, 0xff, 1), 'PROTOCOL_LIMIT_EXCEEDED'],
      [Uint8Array.of(0, 0, 0, 4, 1, 2, 3, 4), 'PROTOCOL_MALFORMED'],
    ] as const;
    for (const [bytes, code] of faulty) {
      device.backups.faults.at('upload', { bytes });
      await expect(backUpDevice(host, { to: folder })).rejects.toMatchObject({ code });
    }
    for (const send of [['DLMessageMoveItems', 'x'], ['Something'], { a: 1 }, ['DLMessageDeviceReady']]) {
      device.backups.faults.at('upload', { send });
      await expect(backUpDevice(host, { to: folder })).rejects.toMatchObject({ code: 'PROTOCOL_MALFORMED' });
    }
    expect(await readdir(folder)).toEqual([]);
  });
});

describe('a device that is not what it seems', () => {
  it.each([
    ['beside the folder of backups', '../escaped'],
    ['an absolute path', '/tmp/ios-backup-kit-escaped'],
    ['above its own folder', 'UDID/../../escaped'],
    ['the folder of another device', 'another/Manifest.db'],
    ['a path with backslashes', 'UDID\\x'],
    ['the work folder', '.ios-backup-kit-UDID/ready'],
  ])('cannot write to %s', async (_what, path) => {
    const device = await virtualDevice({ ios: '15.7' });
    const folder = await temporaryFolder();
    await mkdir(join(folder, 'another'));
    device.backups.faults.at('upload', { upload: [{ path: path.replace('UDID', device.udid), content: 'x' }] });
    const host = await hostOf(device);
    await expect(backUpDevice(host, { to: folder })).rejects.toMatchObject({ code: 'BACKUP_UNSAFE_PATH' });
    expect(await readdir(folder)).toEqual(['another']);
    expect(await readdir(join(folder, 'another'))).toEqual([]);
  });

  it('cannot use names that no disk takes, or that are absurd', async () => {
    const device = await virtualDevice({ ios: '15.7' });
    const host = await hostOf(device);
    const folder = await temporaryFolder();
    const path = (length: number): string => `${device.udid}/${'x'.repeat(length)}`;
    device.backups.faults.at('upload', { upload: [{ path: path(1000), content: 'x' }] });
    await expect(backUpDevice(host, { to: folder })).rejects.toMatchObject({ code: 'BACKUP_INCOMPLETE' });
    device.backups.faults.at('upload', { upload: [{ path: path(100_000), content: 'x' }] });
    await expect(backUpDevice(host, { to: folder })).rejects.toMatchObject({ code: 'PROTOCOL_LIMIT_EXCEEDED' });
    expect(await readdir(folder)).toEqual([]);
  });

  it('cannot read, move, copy, remove or make anything outside of its folder', async () => {
    const device = await virtualDevice({ ios: '15.7' });
    const folder = await temporaryFolder();
    await mkdir(join(folder, 'another'));
    await writeFile(join(folder, 'another', 'secret'), 'secret');
    const host = await hostOf(device);
    const own = `${device.udid}/file`;
    const messages = [
      ['DLMessageMoveItems', { 'another/secret': own }, {}, 1],
      ['DLMessageMoveFiles', { [own]: 'another/secret' }, {}, 1],
      ['DLMessageCopyItem', 'another/secret', own, {}, 1],
      ['DLMessageRemoveItems', ['another/secret'], {}, 1],
      ['DLMessageRemoveFiles', ['../another/secret'], {}, 1],
      ['DLMessageCreateDirectory', '../made', {}, 1],
    ];
    for (const send of messages) {
      device.backups.faults.at('upload', { send });
      await expect(backUpDevice(host, { to: folder })).rejects.toMatchObject({
        code: 'BACKUP_UNSAFE_PATH',
      });
    }
    expect(await readFile(join(folder, 'another', 'secret'), 'utf8')).toBe('secret');
    const issues: BackupIssue[] = [];
    device.backups.faults.at('upload', { send: ['DLContentsOfDirectory', 'another', {}] });
    await backUpDevice(host, { to: folder, onIssue: (issue) => issues.push(issue) });
    expect(issues).toContainEqual(expect.objectContaining({ kind: 'request-failed', subject: 'another' }));
  });
});

describe('this computer', () => {
  it('whose disk is full drains the batch, says so to the device and fails with its own reason', async () => {
    const device = await virtualDevice({ ios: '15.7' });
    const tree = memoryTree();
    let writes = 0;
    let isRefusalKnown = false;
    let writesAfterIt = 0;
    const full = {
      ...tree,
      write: async (...args: Parameters<typeof tree.write>) => {
        writes += 1;
        if (isRefusalKnown) writesAfterIt += 1;
        // The refusal travels by microtasks: by the next turn of the loop whoever receives the batch knows of it.
        if (writes > 6) setImmediate(() => (isRefusalKnown = true));
        if (writes > 6) throw new IoError('IO_NO_SPACE', 'No space left', { path: args[0], errno: 'ENOSPC' });
        await tree.write(...args);
      },
      commit: async () => {
        throw new Error('A failed backup was committed');
      },
    };
    const error = await backUpDevice(await hostOf(device), { to: full }).catch((failure: unknown) => failure);
    expect(error).toMatchObject({ code: 'BACKUP_NO_SPACE', transient: true });
    expect(error).toHaveProperty('cause.code', 'IO_NO_SPACE');
    // One file was refused, and with it those that were being stored beside it; what came later was not even tried.
    expect(writesAfterIt).toBe(0);
    expect(writes).toBeGreaterThanOrEqual(7);
    expect(writes).toBeLessThanOrEqual(7 + 7);
    expect(device.backups.runs.at(-1)?.errorCode).not.toBe(0);
  });

  it('without room is told before the device begins', async () => {
    const device = await virtualDevice({ ios: '15.7' });
    const sink = { ...memoryTree(), freeSpace: async () => 1000 };
    await expect(backUpDevice(await hostOf(device), { to: sink })).rejects.toMatchObject({ code: 'BACKUP_NO_SPACE' });
    expect(device.backups.runs).toEqual([]);
  });

  it('begins anew where the metadata of the last backup is empty', async () => {
    const device = await virtualDevice({ ios: '15.7' });
    const host = await hostOf(device);
    const folder = await temporaryFolder();
    for (const name of ['Manifest.plist', 'Manifest.db', 'Status.plist']) {
      await backUpDevice(host, { to: folder });
      await writeFile(join(folder, device.udid, name), '');
      expect(await backUpDevice(host, { to: folder })).toMatchObject({ isFull: true });
    }
    expect(await backUpDevice(host, { to: join(folder, device.udid) })).toMatchObject({ isFull: false });
    expect(await backUpDevice(host, { to: folder, full: true })).toMatchObject({ isFull: true });
  });
});

describe('the owner', () => {
  it('is asked for the passcode, which is a phase, and nothing is sent before', async () => {
    const device = await virtualDevice({ ios: '17.4', backup: { passcode: 'wait' } });
    const phases: BackupProgress[] = [];
    const run = backUpDevice(await hostOf(device), {
      to: await temporaryFolder(),
      onProgress(event) {
        if (event.type !== 'phase') return;
        phases.push(event);
        if (event.phase === 'waiting-for-passcode') device.backups.answerPasscode('enter');
      },
    });
    expect((await run).isFull).toBe(true);
    expect(phases).toEqual([
      { type: 'phase', phase: 'preparing' },
      { type: 'phase', phase: 'negotiating' },
      { type: 'phase', phase: 'waiting-for-passcode', certain: true },
      ...(phases.length === 6 ? [{ type: 'phase', phase: 'negotiating' }] : []),
      { type: 'phase', phase: 'transferring' },
      { type: 'phase', phase: 'finishing' },
    ]);
  });

  it('who dismisses the passcode ends the backup with BACKUP_DEVICE_LOCKED', async () => {
    const device = await virtualDevice({ ios: '17.4', backup: { passcode: 'dismiss' } });
    await expect(backUpDevice(await hostOf(device), { to: await temporaryFolder() })).rejects.toMatchObject({
      code: 'BACKUP_DEVICE_LOCKED',
      remoteCode: 208,
      transient: true,
    });
  });

  it('cancels on the device, also while it is silent', async () => {
    const device = await virtualDevice({ ios: '15.7' });
    device.backups.faults.at('move', { silent: true });
    const folder = await temporaryFolder();
    const run = backUpDevice(await hostOf(device), {
      to: folder,
      onProgress(event) {
        if (event.type === 'overall' && event.fraction > 0.5)
          device.notifications.post('com.apple.itunes-client.syncCancelRequest');
        if (event.type === 'transfer') device.notifications.post('com.apple.itunes-client.syncCancelRequest');
      },
    });
    await expect(run).rejects.toMatchObject({ code: 'BACKUP_CANCELLED', transient: true });
    expect(await readdir(folder)).toEqual([]);
  });

  it('can cancel from the host with a signal, whose reason comes back; the lock is given up', async () => {
    const device = await virtualDevice({ ios: '15.7' });
    const host = await hostOf(device);
    const folder = await temporaryFolder();
    const reason = new Error('enough');
    await expect(backUpDevice(host, { to: folder, signal: AbortSignal.abort(reason) })).rejects.toBe(reason);
    device.backups.faults.at('move', { silent: true });
    const controller = new AbortController();
    const run = backUpDevice(host, {
      to: folder,
      signal: controller.signal,
      onProgress: (event) => event.type === 'transfer' && controller.abort(reason),
    });
    await expect(run).rejects.toBe(reason);
    expect(await readdir(folder)).toEqual([]);
    device.backups.faults.clear();
    expect(await backUpDevice(host, { to: folder })).toMatchObject({ isFull: true });
  });

  it('whose callback throws ends the run with what it has thrown', async () => {
    const device = await virtualDevice({ ios: '15.7' });
    const host = await hostOf(device);
    const folder = await temporaryFolder();
    const mistake = new Error('in a callback');
    for (const type of ['phase', 'overall', 'transfer']) {
      const onProgress = (event: BackupProgress): void => {
        if (event.type === type) throw mistake;
      };
      await expect(backUpDevice(host, { to: folder, onProgress })).rejects.toBe(mistake);
    }
    const onIssue = (): void => {
      throw mistake;
    };
    await expect(backUpDevice(host, { to: folder, onIssue })).rejects.toBe(mistake);
    expect(await readdir(folder)).toEqual([]);
  });
});

describe('another host', () => {
  it('that holds the lock is waited for', async () => {
    const device = await virtualDevice({ ios: '15.7' });
    const host = await hostOf(device);
    const afc = await host.openAfc();
    const file = await afc.open(syncLock, 'r+');
    await file.lock('exclusive');
    let begun = false;
    const stop = device.notifications.subscribe((name) => {
      if (name !== 'com.apple.itunes-mobdev.syncLockRequest') return;
      begun = true;
      void file.unlock();
    });
    await expect(backUpDevice(host, { to: await temporaryFolder() })).resolves.toMatchObject({ isFull: true });
    stop();
    await afc.close();
    expect(begun).toBe(true);
  });
});

describe('passwords', () => {
  it('are set, changed and removed, and wrong ones are refused', async () => {
    const device = await virtualDevice({ ios: '17.4' });
    const host = await hostOf(device);
    await expect(changeBackupPassword(host, {})).rejects.toThrow(TypeError);
    await expect(changeBackupPassword(host, { from: 'old', to: 'new' })).rejects.toMatchObject({
      code: 'BACKUP_ENCRYPTION_STATE',
    });
    await changeBackupPassword(host, { to: 'first' });
    expect(device.backups.password).toBe('first');
    await expect(changeBackupPassword(host, { to: 'other' })).rejects.toMatchObject({
      code: 'BACKUP_ENCRYPTION_STATE',
    });
    await expect(changeBackupPassword(host, { from: 'wrong', to: 'other' })).rejects.toMatchObject({
      code: 'BACKUP_PASSWORD_INCORRECT',
      remoteCode: 207,
    });
    await changeBackupPassword(host, { from: 'first', to: 'second' });
    expect(device.backups.password).toBe('second');
    const phases: unknown[] = [];
    await changeBackupPassword(host, { from: 'second', onProgress: (event) => phases.push(event) });
    expect(device.backups.password).toBeUndefined();
    expect(phases).toContainEqual({ type: 'phase', phase: 'waiting-for-passcode', certain: true });
  });

  it('are needed for the restore of an encrypted backup', async () => {
    const device = await virtualDevice({ ios: '15.7', backup: { password: 'secret' } });
    const host = await hostOf(device);
    const folder = await temporaryFolder();
    await backUpDevice(host, { to: folder });
    await expect(restoreDevice(host, { from: folder })).rejects.toMatchObject({ code: 'BACKUP_PASSWORD_REQUIRED' });
    const error = await restoreDevice(host, { from: folder, password: 'wrong one' }).catch(
      (failure: unknown) => failure,
    );
    expect(error).toMatchObject({ code: 'BACKUP_PASSWORD_INCORRECT' });
    expect(String(error)).not.toContain('wrong one');
    await using afc = await host.openAfc();
    expect(await afc.readdir('/')).not.toContain('iTunesRestore');
  });
});

describe('restoreDevice()', () => {
  it('refuses what is no complete backup', async () => {
    const device = await virtualDevice({ ios: '15.7' });
    const host = await hostOf(device);
    const folder = await temporaryFolder();
    await expect(restoreDevice(host, { from: folder })).rejects.toMatchObject({ code: 'BACKUP_INCOMPLETE' });
    await expect(restoreDevice(host, { from: join(folder, 'absent') })).rejects.toMatchObject({
      code: 'BACKUP_INCOMPLETE',
    });
    await backUpDevice(host, { to: folder });
    await writeFile(join(folder, device.udid, 'Status.plist'), '');
    await expect(restoreDevice(host, { from: folder })).rejects.toMatchObject({ code: 'BACKUP_INCOMPLETE' });
    expect(device.backups.runs.map(({ request }) => request)).toEqual(['Backup']);
  });

  it('leaves the folder as it was, and gives what was read by the device', async () => {
    const device = await virtualDevice({ ios: '15.7' });
    const host = await hostOf(device);
    const folder = await temporaryFolder();
    await backUpDevice(host, { to: folder });
    someChanges(device.fileSystem, 1);
    const result = await restoreDevice(host, { from: folder, removeItemsNotRestored: true, reboot: false });
    expect(result.filesSent).toBeGreaterThan(34);
    expect(result.bytesSent).toBeGreaterThan(700_000);
    expect(device.fileSystem.has({ domain: 'HomeDomain', relativePath: 'Library/added-1' })).toBe(false);
    expect(await readdir(folder)).toEqual([device.udid]);
    expect(device.backups.runs.at(-1)?.longestBlock).toBeLessThanOrEqual(32 * 1024 + 1);
  });

  it('takes a tree as well, and refuses what a device wants to write to one that can only be read', async () => {
    const device = await virtualDevice({ ios: '15.7' });
    const host = await hostOf(device);
    const sink = memoryTree();
    await backUpDevice(host, { to: sink });
    const tree = { open: sink.open.bind(sink), list: sink.list.bind(sink) };
    device.backups.faults.at('download', { send: ['DLMessageCreateDirectory', `${device.udid}/x`, {}, 0] });
    await expect(restoreDevice(host, { from: tree, reboot: false })).rejects.toMatchObject({
      code: 'BACKUP_INCOMPLETE',
    });
    device.backups.faults.clear();
    await device.restart();
    device.setLockState('unlocked');
    await expect(restoreDevice(host, { from: tree, skipApps: true, reboot: false })).resolves.toMatchObject({
      issues: 0,
    });
  });
});

describe('the other requests of a session', () => {
  it('switch cloud backups, and describe, list and unpack on old devices', async () => {
    const device = await virtualDevice({ ios: '9.3.5' });
    const host = await hostOf(device);
    const sink = memoryTree();
    await backUpDevice(host, { to: sink });
    await using session = await BackupSession.start(host);
    await session.setCloudBackup(true);
    expect(await host.getValue('CloudBackupEnabled', { domain: 'com.apple.mobile.backup' })).toBe(true);
    expect(await session.info(sink)).toEqual(expect.any(String));
    expect(await session.list(sink)).toContain('small.plist');
    await session.unback(sink);
    expect([...sink.files.keys()].some((path) => path.includes('/_unback_/'))).toBe(true);
    await session.extract(sink, { domain: 'HomeDomain', relativePath: 'Library/block' });
  });

  it('erase only the device that is named', async () => {
    const device = await virtualDevice({ ios: '15.7' });
    const host = await hostOf(device);
    await using session = await BackupSession.start(host);
    await expect(session.eraseDevice({ confirm: 'another' })).rejects.toThrow(TypeError);
    expect(device.fileSystem.size).toBeGreaterThan(0);
    await session.eraseDevice({ confirm: device.udid });
    expect(device.fileSystem.size).toBe(0);
  });

  it('come one at a time', async () => {
    const device = await virtualDevice({ ios: '15.7' });
    await using session = await BackupSession.start(await hostOf(device));
    const first = session.backUp(memoryTree());
    await expect(session.backUp(memoryTree())).rejects.toThrow('one request at a time');
    await first;
  });
});
