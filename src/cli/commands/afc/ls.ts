import { posix } from 'node:path';
import type { Command } from 'commander';
import type { AfcClient, AfcStat } from '../../../entry/device.js';
import type { CliContext } from '../../context.js';
import { formatBytes } from '../../output/format.js';
import { writeRecords } from '../../output/records.js';
import type { Column } from '../../output/table.js';
import { withAfc, withAfcOptions, type AfcOptions } from './connection.js';

/** An entry of a folder. */
interface Listed extends AfcStat {
  readonly path: string;
  readonly name: string;
}

const columns: readonly Column<Listed>[] = [
  { title: 'Kind', value: ({ kind }) => kind },
  {
    title: 'Size',
    value: ({ size }) => size,
    show: ({ kind, size }) => (kind === 'file' ? formatBytes(size) : ''),
    align: 'right',
  },
  { title: 'Modified', value: ({ modified }) => modified },
  {
    title: 'Path',
    value: ({ path }) => path,
    show: ({ name, linkTarget }) => (linkTarget === undefined ? name : `${name} -> ${linkTarget}`),
    cut: 'start',
    flexible: true,
  },
];

/** Adds `afc ls`: what is in a folder of a device. */
export function addAfcLsCommand(parent: Command, context: CliContext): void {
  const command = parent
    .command('ls')
    .summary('list a folder of the device')
    .description('Lists a folder of the device, or one file.')
    .argument('[path]', 'what to list', '/');
  withAfcOptions(command, ['ios-backup afc ls /DCIM', 'ios-backup afc ls --app com.example.notes /Documents']).action(
    async (path: string, options: AfcOptions) => {
      await withAfc(options, context, async (afc) => {
        const records = entries(afc, path, context.signal);
        await writeRecords(records, { columns }, { output: context.output, asJson: options.json === true });
      });
    },
  );
}

async function* entries(afc: AfcClient, path: string, signal: AbortSignal): AsyncGenerator<Listed, void, undefined> {
  const stat = await afc.stat(path, { signal });
  if (stat.kind !== 'directory') {
    yield { path, name: path, ...stat };
    return;
  }
  for (const name of (await afc.readdir(path, { signal })).toSorted()) {
    const child = posix.join('/', path, name);
    yield { path: child, name, ...(await afc.lstat(child, { signal })) };
  }
}
