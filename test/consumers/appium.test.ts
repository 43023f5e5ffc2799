import { execFile } from 'node:child_process';
import { cp, mkdir, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { promisify } from 'node:util';
import { describe, expect, test } from 'vitest';

const run = promisify(execFile);
const root = resolve(import.meta.dirname, '../..');
/** Kept between runs: the package brings 55 MB with it. */
const project = join(root, '.tmp', 'appium-consumer');
const npm = process.platform === 'win32' ? 'npm.cmd' : 'npm';
const appium = 'appium-ios-device@3.1.23';

/** Installs Appium with a release of bplist-parser beside it. */
async function install(bplistParser: string): Promise<void> {
  await mkdir(project, { recursive: true });
  const manifest = { private: true, type: 'module', overrides: { 'bplist-parser': bplistParser } };
  await rm(join(project, 'package-lock.json'), { force: true });
  await writeFile(join(project, 'package.json'), JSON.stringify(manifest));
  const flags = ['--silent', '--no-fund', '--no-audit', '--ignore-scripts', '--prefer-offline'];
  await run(npm, ['install', ...flags, appium], { cwd: project });
  // Installed like a package, so that what it imports is looked for here.
  const modules = join(project, 'node_modules');
  const own = join(modules, 'ios-backup-kit');
  await rm(own, { recursive: true, force: true });
  for (const name of ['dist', 'package.json']) await cp(join(root, name), join(own, name), { recursive: true });
  const { dependencies } = JSON.parse(await readFile(join(root, 'package.json'), 'utf8')) as {
    dependencies: Record<string, string>;
  };
  for (const name of Object.keys(dependencies)) {
    const target = join(own, 'node_modules', name);
    await mkdir(join(target, '..'), { recursive: true });
    await symlink(join(root, 'node_modules', name), target, 'junction');
  }
}

async function runProgram(text: string): Promise<string> {
  const file = join(project, 'program.mjs');
  await writeFile(file, text);
  const { stdout } = await run(process.execPath, [file], { cwd: project });
  return stdout.trim().split('\n').at(-1) ?? '';
}

/** As in CI: not to be skipped there. */
const isRequired = process.env['IOS_BACKUP_KIT_REQUIRE_PEERS'] === '1';
const canInstall = await install('0.3.2').then(
  () => true,
  () => false,
);

describe.skipIf(!canInstall && !isRequired)(
  `appiumTransport() with ${appium}${canInstall ? '' : ' [it cannot be installed here]'}`,
  () => {
    test('pairs, starts services and notices what is gone', async () => {
      const output = await runProgram(`
      import { appiumTransport, Device } from 'ios-backup-kit/device';
      import { createVirtualDevice } from 'ios-backup-kit/testing';

      const phone = await createVirtualDevice({ media: { 'a.txt': 'hello' }, apps: [{ bundleId: 'com.example.a' }] });
      const transport = appiumTransport({ address: phone.address });
      const device = await Device.connect(undefined, { transport, pair: true });
      await device.close();
      const again = await Device.connect(phone.udid, { transport });
      const afc = await again.openAfc();
      const text = new TextDecoder().decode(await afc.readFile('/a.txt'));
      await afc.close();
      const apps = [];
      for await (const app of again.apps()) apps.push(app.bundleId);
      const codes = [];
      for (const [id, port] of [[99, 62078], [1, 4]])
        codes.push(await transport.connect(id, port).catch((error) => error.code));
      await phone.detach();
      codes.push(await again.getValue('DeviceName').catch((error) => error.code));
      await again.close();
      await phone.close();
      console.log(JSON.stringify({ text, apps, codes }));
    `);
      expect(JSON.parse(output)).toEqual({
        text: 'hello',
        apps: ['com.example.a'],
        codes: ['DEVICE_NOT_FOUND', 'DEVICE_SERVICE_UNAVAILABLE', 'DEVICE_DISCONNECTED'],
      });
    });

    test('says what to install where the package is not there', async () => {
      await rm(join(project, 'node_modules/appium-ios-device'), { recursive: true });
      const output = await runProgram(`
      import { appiumTransport } from 'ios-backup-kit/device';
      console.log(await appiumTransport().list().catch((error) => error.code + error.message));
    `);
      expect(output).toContain('DEVICE_TRANSPORT_UNAVAILABLE');
      expect(output).toContain('npm install appium-ios-device');
    });

    test('names the override to set where the release of bplist-parser beside it breaks it', async () => {
      await install('0.5.0');
      const output = await runProgram(`
      import { appiumTransport } from 'ios-backup-kit/device';
      const error = await appiumTransport().list().catch((error) => error);
      console.log(JSON.stringify({ code: error.code, message: error.message }));
    `);
      const { code, message } = JSON.parse(output) as { code: string; message: string };
      expect(code).toBe('DEVICE_TRANSPORT_UNAVAILABLE');
      expect(message).toContain('"overrides": { "bplist-parser": "0.3.2" }');
    });
  },
);
