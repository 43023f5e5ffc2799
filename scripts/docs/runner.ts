// Builds a backup in the current folder, then runs the programs that its arguments name, one after the other. All in one process,
// as starting one and loading the package takes longer than most of them do. Anything that would have made a program fail in a
// process of its own ends this one with its name and a status other than 0: a throw, an exit code, a promise that is never
// settled or that nobody handles, and something left open.
import { pathToFileURL } from 'node:url';
import { buildBackup, sampleBackupSpec } from 'ios-backup-kit/testing';

const programs = process.argv.splice(2);
let current: string | undefined = 'the sample backup';

process.on('exit', (code) => {
  if (current === undefined && code === 0) return;
  console.error(
    `\n${current ?? 'A program'} ${code === 0 ? 'ended before its last line' : `failed with exit code ${code}`}`,
  );
  process.exitCode = code === 0 ? 1 : code;
});

await buildBackup(
  { ...sampleBackupSpec({ seed: 1 }), encrypted: true, password: process.env['IOS_BACKUP_PASSWORD'], kdf: 'fast' },
  { to: 'my-backup' },
);
for (current of programs) {
  console.log(`\n${current}:`);
  await import(pathToFileURL(current).href);
  if (process.exitCode !== undefined && process.exitCode !== 0) process.exit();
}
current = undefined;

// Does not keep the process: it fires where something else does.
setTimeout(() => {
  console.error(`A program has left open: ${process.getActiveResourcesInfo().join(', ')}`);
  process.exit(1);
}, 10_000).unref();
