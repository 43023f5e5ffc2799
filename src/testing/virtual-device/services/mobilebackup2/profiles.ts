import type { BackupProfile } from './types.js';

const mebibyte = 1024 * 1024;

/** How backups of an iOS version go. FORMAT facts: docs/format/mobilebackup2.md, "By iOS version". */
export function backupProfile(ios: string): BackupProfile {
  const [major = 0, minor = 0] = ios.split('.').map(Number);
  return {
    deviceLinkVersion: major >= 16 ? [400, 0] : [300, 0],
    protocolVersion: 2.1,
    passcodeForBackup: major > 16 || (major === 16 && minor >= 1),
    passcodeForPasswordChange: major >= 13,
    probesPurge: major >= 26,
    hasHostCommands: major < 10,
    batchFiles: 512,
    batchBytes: 64 * mebibyte,
    restartDelayMs: 2000,
    restartMs: 0,
    passcodeMs: 180_000,
  };
}
