import { Option, type Command } from 'commander';
import type { InstalledApp, ListAppsOptions } from '../../entry/device.js';
import type { CliContext } from '../context.js';
import { connectDevice } from '../device-connection.js';
import { withDeviceOptions, type DeviceCommandOptions } from '../options.js';
import { writeRecords } from '../output/records.js';
import type { Column } from '../output/table.js';

/** Options of `apps`. */
interface AppsOptions extends DeviceCommandOptions {
  readonly type: 'user' | 'system' | 'any';
}

const types: Readonly<Record<AppsOptions['type'], NonNullable<ListAppsOptions['type']>>> = {
  user: 'User',
  system: 'System',
  any: 'Any',
};

const columns: readonly Column<InstalledApp>[] = [
  { title: 'Bundle id', value: (app) => app.bundleId, flexible: true },
  { title: 'Name', value: (app) => app.name, flexible: true },
  { title: 'Version', value: (app) => app.version },
  { title: 'Build', value: (app) => app.build },
  { title: 'Type', value: (app) => app.type },
  { title: 'Shares files', value: (app) => app.sharesFiles, show: (app) => (app.sharesFiles ? 'yes' : 'no') },
];

/** Adds `apps`: what is installed on a device. */
export function addAppsCommand(program: Command, context: CliContext): void {
  const command = program
    .command('apps')
    .summary('list the apps on a device')
    .description('Lists the apps that are installed on a device. --json gives all that the device tells of them.')
    .addOption(
      new Option('--type <type>', 'apps of the owner, of the system, or both')
        .choices(Object.keys(types))
        .default('user'),
    );
  withDeviceOptions(command, [
    'ios-backup apps',
    "ios-backup apps --json | jq -r 'select(.sharesFiles) | .bundleId'",
  ]).action(async (options: AppsOptions) => {
    await using device = await connectDevice(options, context);
    const apps = device.apps({ type: types[options.type], signal: context.signal });
    await writeRecords(apps, { columns }, { output: context.output, asJson: options.json === true });
  });
}
