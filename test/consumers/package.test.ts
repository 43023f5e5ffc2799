import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { cp, mkdir, mkdtemp, readFile, readdir, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';

const run = promisify(execFile);
const root = resolve(import.meta.dirname, '../..');
let project: string;

const npm = process.platform === 'win32' ? 'npm.cmd' : 'npm';

/** The oldest TypeScript that users may have. It has a folder of its own, because its `tsc` would shadow the project's. */
const oldestTypeScript = '5.4.5';

async function compiler(version: 'current' | 'oldest'): Promise<string> {
  if (version === 'current') return join(root, 'node_modules/typescript/bin/tsc');
  const folder = join(root, '.tmp', `typescript-${oldestTypeScript}`);
  const tsc = join(folder, 'node_modules/typescript/bin/tsc');
  if (!existsSync(tsc)) {
    await mkdir(folder, { recursive: true });
    await writeFile(join(folder, 'package.json'), '{ "private": true }');
    await run(npm, ['install', '--silent', '--no-fund', '--no-audit', `typescript@${oldestTypeScript}`], {
      cwd: folder,
    });
  }
  return tsc;
}

/** Packs the package, and installs the tarball into a project of its own: what a user gets, not what lies in the checkout. */
beforeAll(async () => {
  project = await mkdtemp(join(tmpdir(), 'ios-backup-kit-consumer-'));
  await run(npm, ['pack', '--silent', '--ignore-scripts', '--pack-destination', project], { cwd: root });
  const tarball = (await readdir(project)).find((name) => name.endsWith('.tgz'));
  if (tarball === undefined) throw new Error('npm pack wrote nothing');
  await run('tar', ['-xzf', tarball], { cwd: project });
  const modules = join(project, 'node_modules');
  await mkdir(modules);
  await cp(join(project, 'package'), join(modules, 'ios-backup-kit'), { recursive: true });
  // The dependencies that the tarball names, and no others, are there.
  const { dependencies } = JSON.parse(await readFile(join(project, 'package/package.json'), 'utf8')) as {
    dependencies: Record<string, string>;
  };
  for (const name of Object.keys(dependencies)) {
    await mkdir(join(modules, name, '..'), { recursive: true });
    await symlink(join(root, 'node_modules', name), join(modules, name), 'junction');
  }
  await mkdir(join(modules, '@types'));
  await symlink(join(root, 'node_modules/@types/node'), join(modules, '@types/node'), 'junction');
  await writeFile(join(project, 'package.json'), '{ "type": "module" }');
}, 120_000);

afterAll(async () => {
  await rm(project, { recursive: true, force: true });
});

const build = `
  const built = await testing.buildBackup({
    ios: '17.4', encrypted: true, password: 'pass', kdf: 'fast',
    messages: [{ text: 'Hello', from: '+15550100' }],
  });
  const backup = await kit.Backup.open(built.tree, { password: 'pass' });
  const texts = [];
  for await (const message of datasets.messages(backup)) texts.push(message.text);
  await backup.close();
  const wrong = await kit.Backup.open(built.tree, { password: 'x' }).catch((error) => error);
  console.log(JSON.stringify([texts, wrong.code, wrong instanceof kit.ManifestError, kit.isBackupKitError(wrong)]));`;
const expected = '[["Hello"],"MANIFEST_PASSWORD_INCORRECT",true,true]';

describe('the packed package', () => {
  it('is imported from ECMAScript modules, with one set of error classes over all entries', async () => {
    await writeFile(
      join(project, 'esm.mjs'),
      `import * as kit from 'ios-backup-kit'; import * as datasets from 'ios-backup-kit/datasets'; import * as testing from 'ios-backup-kit/testing';${build}`,
    );
    const { stdout } = await run(process.execPath, ['esm.mjs'], { cwd: project });
    expect(stdout.trim()).toBe(expected);
  });

  it('is required from CommonJS', async () => {
    await writeFile(
      join(project, 'cjs.cjs'),
      `const kit = require('ios-backup-kit'); const datasets = require('ios-backup-kit/datasets'); const testing = require('ios-backup-kit/testing');
      (async () => {${build}})();`,
    );
    const { stdout } = await run(process.execPath, ['cjs.cjs'], { cwd: project });
    expect(stdout.trim()).toBe(expected);
  });

  it('brings its command', async () => {
    const { stdout } = await run(process.execPath, ['node_modules/ios-backup-kit/dist/cli.js', '--version'], {
      cwd: project,
    });
    const { version } = JSON.parse(await readFile(join(root, 'package.json'), 'utf8')) as { version: string };
    expect(stdout.trim()).toBe(version);
  });

  it.each(['current', 'oldest'] as const)(
    'type-checks with the %s TypeScript, its own declarations included',
    async (version) => {
      await writeFile(
        join(project, 'consumer.ts'),
        `import { Backup, isBackupKitError, type BackupFile } from 'ios-backup-kit';
import { messages, contacts, type Message } from 'ios-backup-kit/datasets';
import { buildBackup } from 'ios-backup-kit/testing';
export async function read(path: string): Promise<number> {
  const backup = await Backup.open(path, { password: 'x' });
  try {
    const first: BackupFile | undefined = await backup.files.get({ domain: 'HomeDomain', relativePath: 'Library/SMS/sms.db' });
    let size = first?.size ?? 0;
    for await (const message of messages(backup, { since: new Date(0) })) { const text: string | undefined = (message satisfies Message).text; size += text?.length ?? 0; }
    for await (const contact of contacts(backup)) size += contact.phones.length;
    return size;
  } catch (error) {
    if (isBackupKitError(error, 'MANIFEST_CLOSED', 'MANIFEST_CORRUPT')) { const code: 'MANIFEST_CLOSED' | 'MANIFEST_CORRUPT' = error.code; return code.length; }
    throw error;
  } finally { await backup.close(); }
}
void buildBackup;
// @ts-expect-error an unknown option is refused
void Backup.open('x', { pasword: 'x' });
`,
      );
      await writeFile(
        join(project, 'tsconfig.json'),
        JSON.stringify({
          compilerOptions: {
            strict: true,
            noEmit: true,
            target: 'ES2022',
            // Without what browsers have, which takes long to be checked.
            lib: ['ES2022'],
            module: 'NodeNext',
            types: ['node'],
            skipLibCheck: false,
          },
          files: ['consumer.ts'],
        }),
      );
      const tsc = await compiler(version);
      const { stdout } = await run(process.execPath, [tsc, '-p', project], { cwd: project }).catch(
        (error: { stdout: string }) => error,
      );
      expect(stdout).toBe('');
    },
  );
});
