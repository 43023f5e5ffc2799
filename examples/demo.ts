// npm run demo: a virtual iPhone is paired, backed up on five days, and read as it was on any of them, so that no Apple device
// is needed. Everything below `$` is the real command, as you would type it.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import type { FileRef } from 'ios-backup-kit';
import { createVirtualDevice, sampleBackupSpec } from 'ios-backup-kit/testing';

const password = 'correct horse battery staple';
const cli = resolve(import.meta.dirname, '../dist/cli.js');
const folder = mkdtempSync(join(tmpdir(), 'ios-backup-kit-demo-'));
const started = performance.now();

const dayMs = 86_400_000;
/** How far back the demo is, so that its days pass in seconds. */
let daysAgo = 4;
/** What sets the clock of a command back. */
const otherClock = `data:text/javascript,${encodeURIComponent(`
  const ms = Number(process.env.DEMO_DAYS_AGO) * ${dayMs};
  globalThis.Date = new Proxy(Date, {
    construct: (date, words, target) => Reflect.construct(date, words.length > 0 ? words : [date.now() - ms], target),
    get: (date, name) => (name === 'now' ? () => date.now() - ms : Reflect.get(date, name)),
  });`)}`;

const sample = sampleBackupSpec({ seed: 'demo', contacts: 6, messages: 1000 });
await using phone = await createVirtualDevice({
  seed: 'demo',
  device: { ...sample.device, name: 'Demo iPhone' },
  fileSystem: sample,
  trust: { pending: 2 },
  now: () => new Date(Date.now() - daysAgo * dayMs),
});
const messageDatabase: FileRef = { domain: 'HomeDomain', relativePath: 'Library/SMS/sms.db' };

async function run(...words: string[]): Promise<void> {
  const pipe = words.indexOf('|');
  const args = pipe === -1 ? words : words.slice(0, pipe);
  const wanted = pipe === -1 ? undefined : words[pipe + 2];
  const shown = words.map((word) => (/^[\w./@=~|-]+$/.test(word) ? word : `'${word}'`)).join(' ');
  console.log(`\n$ ios-backup ${shown}`);
  const child = spawn(process.execPath, ['--import', otherClock, cli, ...args], {
    cwd: folder,
    stdio: ['ignore', wanted === undefined ? 'inherit' : 'pipe', 'inherit'],
    env: {
      ...process.env,
      USBMUXD_SOCKET_ADDRESS: phone.address,
      IOS_BACKUP_PASSWORD: password,
      DEMO_DAYS_AGO: String(daysAgo),
    },
  });
  let output = '';
  child.stdout?.setEncoding('utf8').on('data', (text: string) => (output += text));
  const [status] = (await once(child, 'close')) as [number | null];
  if (status !== 0) throw new Error(`ios-backup ${shown} ended with ${status}`);
  if (wanted === undefined) return;
  const lines = output.split('\n').filter((line) => line.includes(wanted));
  console.log(lines.length > 0 ? lines.join('\n') : '(nothing)');
}

/** The owner gets or deletes messages. */
async function changeMessages(sql: string): Promise<void> {
  await phone.fileSystem.growDatabase(messageDatabase, sql);
}

/** SQL for messages that arrive now. */
function received(texts: readonly string[]): string {
  // Nanoseconds since 2001, as messages have them.
  const time = BigInt(phone.now().getTime() - Date.UTC(2001)) * 1_000_000n;
  return texts
    .map((text, index) => {
      const guid = `demo-${time}-${index}`;
      return `INSERT INTO message (guid, text, handle_id, service, date) VALUES ('${guid}', '${text}', 1, 'iMessage', ${time});
        INSERT INTO chat_message_join (chat_id, message_id, message_date)
          SELECT 1, ROWID, date FROM message WHERE guid = '${guid}';`;
    })
    .join('\n');
}

function takePhoto(number: number): void {
  const relativePath = `Media/DCIM/100APPLE/IMG_${String(number).padStart(4, '0')}.JPG`;
  phone.fileSystem.add({ domain: 'CameraRollDomain', relativePath, content: { size: 400_000 } });
}

try {
  console.log('A virtual iPhone is plugged in. Other tools find it too, idevicebackup2 for one:');
  console.log(`  USBMUXD_SOCKET_ADDRESS=${phone.address}`);
  console.log('Its keys take few rounds to derive, so that nobody has to wait; those of a real one take seconds.');
  for (let number = 101; number <= 140; number += 1) takePhoto(number);

  await run('devices');
  await run('pair');
  await run('encryption', 'on');
  console.log(
    '\nThe first day: --to keeps every backup as a version. Days pass quickly here, by the clock of the demo.',
  );
  await run('backup', '--to', 'backups');

  console.log('\nThe next day somebody sends the code of the garden gate.');
  daysAgo -= 1;
  await changeMessages(received(['The code of the garden gate is 4711']));
  await run('backup', 'backups');

  console.log('\nOne more day: all of that chat is tidied up, the code with it, and life goes on.');
  daysAgo -= 1;
  await changeMessages(
    `DELETE FROM message WHERE text LIKE '%garden gate%'; ${received(['Shall we have lunch?', 'At the usual place'])}`,
  );
  takePhoto(141);
  await run('backup', 'backups');

  console.log('\nTwo more days with messages and photos.');
  for (let day = 0; day < 2; day += 1) {
    daysAgo -= 1;
    await changeMessages(received(Array.from({ length: 50 }, (_unused, index) => `News number ${index} of that day`)));
    takePhoto(150 + day);
    await run('backup', 'backups');
  }

  console.log('\nFive whole backups, each for little more than what had changed:');
  await run('versions', 'list', 'backups', '--sizes');
  await run('versions', 'usage', 'backups');

  console.log('\nWhat was the code of the garden gate? The newest backup does not know it any more:');
  await run('messages', 'backups', '--at', 'newest', '|', 'grep', 'garden gate');
  console.log('\nThe one of three days ago does:');
  await run('messages', 'backups', '--at', 'newest~3', '|', 'grep', 'garden gate');
  await run('versions', 'diff', 'backups', 'newest~3', 'newest~2');
  await run('versions', 'prune', 'backups', '--keep-last', '2', '--hourly', '0', '--daily', '3', '--weekly', '0');

  console.log('\nThe newest backup stays a plain folder for any tool:');
  const backup = join('backups', phone.udid);
  await run('list', 'backups');
  await run('ls', backup, '/CameraRollDomain/Media/DCIM/100APPLE');
  await run('contacts', backup);
  await run('extract', backup, '--glob', 'Media/DCIM/100APPLE/IMG_014*', '--out', 'photos');
  console.log(`\nphotos:\n  ${readdirSync(join(folder, 'photos'), { recursive: true }).join('\n  ')}`);

  console.log('\nThe phone goes back to what it was three days ago.');
  await run('restore', 'backups', '--at', 'newest~3', '--yes');
  console.log(
    `\nAll of it took ${((performance.now() - started) / 1000).toFixed(0)} s. To try other tools on such a phone: npx ios-backup virtual-device`,
  );
} finally {
  rmSync(folder, { recursive: true, force: true });
}
