import { randomBytes } from 'node:crypto';
import { Option, type Command } from 'commander';
import { usbmuxTransport, watchDevices } from '../../entry/device.js';
import { Backup } from '../../entry/index.js';
import type { CreateVirtualDeviceOptions, VirtualDevice } from '../../entry/testing.js';
import { note, type CliContext } from '../context.js';
import { UsageError } from '../failures.js';
import { askWhereNeeded, givenPassword } from '../input/ask-password.js';
import { inputLines } from '../input/prompt.js';
import { passwordSource, type PasswordOptions } from '../open-backup.js';
import { withCommonOptions, withPasswordOptions, type CommonOptions } from '../options.js';
import { toJsonLine } from '../output/json.js';
import { untilStopped } from '../until-stopped.js';

/** Options of `virtual-device`. */
interface VirtualDeviceCommandOptions extends CommonOptions, PasswordOptions {
  readonly listen?: string | undefined;
  readonly ios?: string | undefined;
  readonly backup?: string | undefined;
  readonly encrypted?: true | undefined;
  readonly name?: string | undefined;
  readonly trust: 'ask' | 'accept' | 'deny';
  readonly udid?: string | undefined;
}

/** Adds `virtual-device`: an iPhone that exists only as a program, for other tools. */
export function addVirtualDeviceCommand(program: Command, context: CliContext): void {
  const command = program
    .command('virtual-device')
    .summary('start an iPhone that exists only as a program')
    .description(
      'Starts a virtual iPhone with the usbmuxd in front of it, prints USBMUXD_SOCKET_ADDRESS=<address> when it is ready, and serves until Ctrl-C or SIGTERM. Tools that have this in their environment take it for a real one. Nothing is kept when it ends.',
    )
    .option('--listen <address>', 'where usbmuxd listens: 127.0.0.1:<port> or UNIX:<path> (default: a free port)')
    .option('--ios <version>', 'iOS version (default: 17.4, or that of the backup)')
    .option('--backup <folder>', 'a backup whose files and names it has (default: an invented sample)')
    .option('--encrypted', 'give it a backup password: IOS_BACKUP_PASSWORD, or an invented one that is told')
    .option('--name <name>', 'name of the device')
    .option('--udid <udid>', 'UDID of the device')
    .addOption(
      new Option('--trust <answer>', 'what its owner does when a computer wants to pair; ask: as typed on the input')
        .choices(['ask', 'accept', 'deny'])
        .default('accept'),
    );
  withPasswordOptions(
    withCommonOptions(command, [
      'ios-backup virtual-device --listen 127.0.0.1:27015',
      'ios-backup virtual-device --backup ~/backups/00008120-0001 --encrypted --trust ask',
    ]),
  ).action(async (options: VirtualDeviceCommandOptions) => {
    await using device = await start(options, context);
    await announce(device, { options, context });
    const unlocking = unlockAfterRestarts(device, context);
    await Promise.all([
      untilStopped(context.signal),
      unlocking,
      options.trust === 'ask' && answerTrust(device, context),
    ]);
  });
}

async function start(options: VirtualDeviceCommandOptions, context: CliContext): Promise<VirtualDevice> {
  const given = await givenPassword(passwordSource(options), context);
  const open = async (password: string | undefined): Promise<VirtualDevice> =>
    await create(options, { password, context });
  if (given !== undefined) return await open(given);
  const need = {
    question: 'Password of the backup: ',
    missing: 'MANIFEST_PASSWORD_REQUIRED',
    wrong: 'MANIFEST_PASSWORD_INCORRECT',
  } as const;
  return await askWhereNeeded(open, need, context);
}

async function create(
  options: VirtualDeviceCommandOptions,
  { password, context }: { password: string | undefined; context: CliContext },
): Promise<VirtualDevice> {
  // Only here, so that other commands do not wait until it is loaded.
  const { createVirtualDevice } = await import('../../entry/testing.js');
  const { listen, trust, verbose } = options;
  const own = options.encrypted === true ? (password ?? inventPassword()) : undefined;
  try {
    const device = await createVirtualDevice({
      ...(await contentOf(options, { password, signal: context.signal })),
      listen,
      trust,
      backup: { password: own },
      signal: context.signal,
      onError: (error, { service }) => {
        if (verbose === true) note(context, `${service}: ${error instanceof Error ? error.message : String(error)}`);
      },
    });
    if (own !== undefined && own !== password) note(context, `Backup password of the device: ${own}`);
    return device;
  } catch (error) {
    if (error instanceof RangeError) throw new UsageError(error.message, { cause: error });
    throw error;
  }
}

/** What it is and holds: out of a backup, or invented. */
async function contentOf(
  { backup, ios, name, udid }: VirtualDeviceCommandOptions,
  { password, signal }: { password: string | undefined; signal: AbortSignal },
): Promise<CreateVirtualDeviceOptions> {
  if (backup === undefined) {
    const { sampleBackupSpec } = await import('../../entry/testing.js');
    const sample = sampleBackupSpec({ ios });
    return { ios, device: { ...sample.device, name, udid }, fileSystem: sample };
  }
  const summary = await Backup.inspect(backup, { signal });
  const { productType, serialNumber, phoneNumber, imei, iccid } = summary;
  return {
    ios: ios ?? summary.productVersion,
    device: {
      name: name ?? summary.deviceName,
      udid: udid ?? summary.udid,
      productType,
      serialNumber,
      phoneNumber,
      imei,
      iccid,
    },
    fileSystem: { backup, password },
  };
}

function inventPassword(): string {
  return randomBytes(9).toString('base64url');
}

async function announce(
  device: VirtualDevice,
  { options, context }: { options: VirtualDeviceCommandOptions; context: CliContext },
): Promise<void> {
  const { address, udid, ios, productType } = device;
  const line =
    options.json === true ? toJsonLine({ address, udid, ios, productType }) : `USBMUXD_SOCKET_ADDRESS=${address}`;
  await context.output.write(`${line}\n`);
}

async function answerTrust(device: VirtualDevice, context: CliContext): Promise<void> {
  note(context, 'Press Enter to tap Trust, or type deny and press Enter');
  for await (const line of inputLines(context.input, context.signal)) {
    const answer = line.trim() === 'deny' ? 'deny' : 'accept';
    device.answerTrust(answer);
    note(
      context,
      answer === 'accept' ? 'The owner trusts all computers from now on' : 'The owner trusts no computer from now on',
    );
  }
}

/** A restore restarts the device, which is locked then and of no use until its owner has unlocked it. */
async function unlockAfterRestarts(device: VirtualDevice, { signal }: CliContext): Promise<void> {
  const transport = usbmuxTransport({ address: device.address });
  try {
    for await (const { type } of watchDevices({ transport, signal })) {
      if (type === 'attached' && device.lockState === 'before-first-unlock') device.setLockState('unlocked');
    }
  } catch (error) {
    if (!signal.aborted) throw error;
  }
}
