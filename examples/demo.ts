// npm run demo: a virtual iPhone is paired, backed up twice and read, so that no Apple device is needed.
// Everything below `$` is the real command, as you would type it.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { createVirtualDevice, sampleBackupSpec } from 'ios-backup-kit/testing';

const password = 'correct horse battery staple';
const cli = resolve(import.meta.dirname, '../dist/cli.js');
const folder = mkdtempSync(join(tmpdir(), 'ios-backup-kit-demo-'));
const started = performance.now();

const sample = sampleBackupSpec({ seed: 'demo', contacts: 6, messages: 16 });
await using phone = await createVirtualDevice({
  seed: 'demo',
  device: { ...sample.device, name: 'Demo iPhone' },
  fileSystem: sample,
  trust: { pending: 2 },
});

async function run(...args: string[]): Promise<void> {
  const shown = args.map((word) => (/^[\w./@=-]+$/.test(word) ? word : `'${word}'`)).join(' ');
  console.log(`\n$ ios-backup ${shown}`);
  const child = spawn(process.execPath, [cli, ...args], {
    cwd: folder,
    stdio: ['ignore', 'inherit', 'inherit'],
    env: { ...process.env, USBMUXD_SOCKET_ADDRESS: phone.address, IOS_BACKUP_PASSWORD: password },
  });
  const [status] = (await once(child, 'close')) as [number | null];
  if (status !== 0) throw new Error(`ios-backup ${shown} ended with ${status}`);
}

/** Nanoseconds since 2001, as messages have them. */
const messageTime = (date: Date): bigint => BigInt(date.getTime() - Date.UTC(2001)) * 1_000_000n;

try {
  console.log('A virtual iPhone is plugged in. Other tools find it too, idevicebackup2 for one:');
  console.log(`  USBMUXD_SOCKET_ADDRESS=${phone.address}`);
  console.log('Its keys take few rounds to derive, so that nobody has to wait; those of a real one take seconds.');

  await run('devices');
  await run('pair');
  await run('device-info');
  await run('encryption', 'on');
  await run('backup', 'backups');

  console.log('\nWhile nobody looks, a message and a photo arrive on the phone.');
  await phone.fileSystem.growDatabase(
    { domain: 'HomeDomain', relativePath: 'Library/SMS/sms.db' },
    `INSERT INTO message (guid, text, handle_id, service, date) VALUES
       ('demo', 'I have arrived between two backups', 1, 'iMessage', ${messageTime(phone.now())});
     INSERT INTO chat_message_join (chat_id, message_id, message_date)
       SELECT 1, ROWID, date FROM message WHERE guid = 'demo'`,
  );
  phone.fileSystem.add({
    domain: 'CameraRollDomain',
    relativePath: 'Media/DCIM/100APPLE/IMG_0007.JPG',
    content: { size: 250_000 },
  });
  await run('backup', 'backups');

  const backup = join('backups', phone.udid);
  await run('list', 'backups');
  await run('ls', backup, '/CameraRollDomain/Media/DCIM/100APPLE');
  await run('messages', backup, '--newest-first');
  await run('contacts', backup);
  await run('extract', backup, '--domain', 'CameraRollDomain', '--out', 'photos');
  console.log(`\nphotos:\n  ${readdirSync(join(folder, 'photos'), { recursive: true }).join('\n  ')}`);

  await run('restore', 'backups', '--yes');
  console.log(
    `\nAll of it took ${((performance.now() - started) / 1000).toFixed(0)} s. To try other tools on such a phone: npx ios-backup virtual-device`,
  );
} finally {
  rmSync(folder, { recursive: true, force: true });
}
