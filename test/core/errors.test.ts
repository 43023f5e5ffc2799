import { describe, expect, it } from 'vitest';
import { errorCodes, type ErrorCodeInfo } from '../../src/core/error-codes.js';
import {
  BackupKitError,
  BackupSessionError,
  DatabaseError,
  DatasetError,
  DeviceError,
  FormatError,
  IoError,
  ManifestError,
  ProtocolError,
  SnapshotError,
  ioError,
  isBackupKitError,
} from '../../src/core/errors.js';

const cause = new Error('below');
const samples: [ErrorCodeInfo['errorClass'], BackupKitError][] = [
  ['DeviceError', new DeviceError('DEVICE_DISCONNECTED', 'Message', { cause, service: 'com.apple.afc' })],
  ['ProtocolError', new ProtocolError('PROTOCOL_MALFORMED', 'Message', { cause, protocol: 'device-link' })],
  ['BackupSessionError', new BackupSessionError('BACKUP_REMOTE_FAILED', 'Message', { cause, remoteCode: 104 })],
  ['ManifestError', new ManifestError('MANIFEST_CLOSED', 'Message', { cause, domain: 'HomeDomain' })],
  ['FormatError', new FormatError('FORMAT_INVALID', 'Message', { cause, format: 'plist', offset: 3 })],
  ['DatabaseError', new DatabaseError('DATABASE_CORRUPT', 'Message', { cause, sqliteCode: 11 })],
  [
    'DatasetError',
    new DatasetError('DATASET_ABSENT', 'Message', { cause, dataset: 'messages', reason: 'encrypted-only' }),
  ],
  ['SnapshotError', new SnapshotError('SNAPSHOT_CORRUPT', 'Message', { cause, part: 'objects/3d/3d0d' })],
  ['IoError', new IoError('IO_NO_SPACE', 'Message', { cause, path: '/x', errno: 'ENOSPC' })],
];

describe('error classes', () => {
  it.each(samples)('%s has its name, brand, cause and a code of its own class', (name, error) => {
    expect(error.name).toBe(name);
    expect(Object.hasOwn(error, 'name')).toBe(false);
    expect(error).toBeInstanceOf(BackupKitError);
    expect(error.cause).toBe(cause);
    expect(error.message).toBe('Message');
    expect(errorCodes[error.code].errorClass).toBe(name);
    expect(isBackupKitError(error)).toBe(true);
    expect(isBackupKitError(error, error.code)).toBe(true);
    expect(isBackupKitError(error, 'MANIFEST_NOT_A_BACKUP')).toBe(false);
    expect(String(error)).toBe(`${name}: Message`);
  });

  it('covers every class of the table of codes', () => {
    const classes = new Set(Object.values<ErrorCodeInfo>(errorCodes).map((info) => info.errorClass));
    expect(new Set(samples.map(([name]) => name))).toEqual(classes);
  });

  it('takes transience from the table of codes', () => {
    expect(new IoError('IO_NO_SPACE', '', { path: '' }).transient).toBe(true);
    expect(new IoError('IO_FAILED', '', { path: '' }).transient).toBe(false);
  });

  it('knows errors of another copy of the package by their brand', () => {
    class Other extends Error {
      code = 'MANIFEST_CLOSED';
    }
    Object.defineProperty(Other.prototype, Symbol.for('ios-backup-kit.error'), { value: true });
    expect(isBackupKitError(new Other(), 'MANIFEST_CLOSED')).toBe(true);
  });

  it.each([undefined, null, 'MANIFEST_CLOSED', { code: 'MANIFEST_CLOSED' }, new Error('x')])(
    'does not take %s for one of ours',
    (value) => {
      expect(isBackupKitError(value)).toBe(false);
    },
  );
});

describe('ioError()', () => {
  const system = (code: string): Error => Object.assign(new Error(code), { code });

  it.each([
    ['ENOSPC', 'IO_NO_SPACE'],
    ['EDQUOT', 'IO_NO_SPACE'],
    ['EACCES', 'IO_ACCESS_DENIED'],
    ['EPERM', 'IO_ACCESS_DENIED'],
    ['EROFS', 'IO_ACCESS_DENIED'],
    ['EIO', 'IO_FAILED'],
  ])('maps %s to %s and keeps path and cause', (errno, code) => {
    const original = system(errno);
    expect(ioError(original, '/a', 'writing')).toMatchObject({ code, errno, path: '/a', cause: original });
  });

  it('lets aborts, our own errors and foreign errors through unchanged', () => {
    const abort = new DOMException('stop', 'AbortError');
    const own = new ManifestError('MANIFEST_CLOSED', 'x');
    const foreign = Object.assign(new Error('x'), { code: 'ERR_INVALID_ARG_TYPE' });
    expect(ioError(abort, '', '')).toBe(abort);
    expect(ioError(own, '', '')).toBe(own);
    expect(ioError(foreign, '', '')).toBe(foreign);
  });
});
