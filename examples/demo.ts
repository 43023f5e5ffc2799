// npm run demo: the main job on an encrypted backup that is built first, so that no Apple device is needed.
// Everything below `$` is the real command, as you would type it.
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { Backup } from 'ios-backup-kit';
import { buildBackup, sampleBackupSpec } from 'ios-backup-kit/testing';

const password = 'correct horse battery staple';
const cli = resolve(import.meta.dirname, '../dist/cli.js');
const folder = mkdtempSync(join(tmpdir(), 'ios-backup-kit-demo-'));
const started = performance.now();

function run(...args: string[]): void {
  const shown = args.map((word) => (/^[\w./@=-]+$/.test(word) ? word : `'${word}'`)).join(' ');
  console.log(`\n$ ios-backup ${shown}`);
  const { status } = spawnSync(process.execPath, [cli, ...args], {
    cwd: folder,
    stdio: ['ignore', 'inherit', 'inherit'],
    env: { ...process.env, IOS_BACKUP_PASSWORD: password },
  });
  if (status !== 0) throw new Error(`ios-backup ${shown} ended with ${status}`);
}

try {
  console.log('Building an encrypted backup, with the same 10,000,000 rounds of key derivation as a real one');
  const built = await buildBackup(
    { ...sampleBackupSpec({ seed: 'demo' }), password, kdf: 'real' },
    { to: join(folder, 'my-backup') },
  );
  console.log(
    `${built.fileCount} entries in ${join(folder, 'my-backup')}, of which the folder shows names like these:`,
  );
  console.log(`  ${readdirSync(join(folder, 'my-backup')).slice(0, 12).join('  ')} …`);

  run('info', 'my-backup');

  console.log('\nDeriving the key from the password, once; the key then opens it at once');
  const derivation = performance.now();
  const backup = await Backup.open(join(folder, 'my-backup'), { password });
  const key = backup.exportKey();
  console.log(`  ${((performance.now() - derivation) / 1000).toFixed(1)} s`);
  await backup.close();
  if (key === undefined) throw new Error('An encrypted backup has a key');
  writeFileSync(join(folder, 'key'), Buffer.from(key).toString('hex'), { mode: 0o600 });
  const withKey = ['--key-file', 'key'];

  run('ls', 'my-backup', '/', ...withKey);
  run('ls', 'my-backup', '/CameraRollDomain/Media/DCIM/100APPLE', ...withKey);
  run('messages', 'my-backup', ...withKey);
  run('contacts', 'my-backup', ...withKey);
  run('extract', 'my-backup', '--domain', 'CameraRollDomain', '--out', 'photos', ...withKey);
  console.log(`\nphotos:\n  ${readdirSync(join(folder, 'photos'), { recursive: true }).join('\n  ')}`);
  console.log(
    `\nAll of it took ${((performance.now() - started) / 1000).toFixed(0)} s. The programs in examples/ do the same by the library.`,
  );
} finally {
  rmSync(folder, { recursive: true, force: true });
}
