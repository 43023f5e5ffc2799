import type { Command } from 'commander';
import type { AfcClient } from '../../../entry/device.js';
import type { CliContext } from '../../context.js';
import { connectDevice } from '../../device-connection.js';
import { UsageError } from '../../failures.js';
import { withDeviceOptions, type DeviceCommandOptions } from '../../options.js';

/** Options of all `afc` commands. */
export interface AfcOptions extends DeviceCommandOptions {
  readonly app?: string | undefined;
  readonly container?: true | undefined;
}

/** Adds the options of all `afc` commands. */
export function withAfcOptions(command: Command, examples: readonly string[]): Command {
  return withDeviceOptions(command, examples)
    .option('--app <bundleId>', 'files that this app shares, below /Documents, in place of the media folder')
    .option('--container', 'with --app: all data of an app that was installed by its developer');
}

/** Does something with the files that the options name. */
export async function withAfc(
  options: AfcOptions,
  context: CliContext,
  use: (afc: AfcClient) => Promise<void>,
): Promise<void> {
  const { app, container } = options;
  if (container === true && app === undefined) throw new UsageError('--container needs --app');
  const { signal } = context;
  await using device = await connectDevice(options, context);
  await using afc =
    app === undefined
      ? await device.openAfc({ signal })
      : await device.openAppFiles(app, { scope: container === true ? 'container' : 'documents', signal });
  await use(afc);
}
