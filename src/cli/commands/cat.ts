import type { Command } from 'commander';
import { ManifestError } from '../../entry/index.js';
import type { CliContext } from '../context.js';
import { UsageError } from '../failures.js';
import { formatBackupPath, parseBackupPath } from '../input/backup-path.js';
import { openBackup } from '../open-backup.js';
import { withBackupOptions, type BackupOptions } from '../options.js';
import { visibleText } from '../output/text.js';

/** Options of `cat`. */
interface CatOptions extends BackupOptions {
  readonly recover?: true | undefined;
}

/** Adds `cat`: the content of one file. */
export function addCatCommand(program: Command, context: CliContext): void {
  const command = program
    .command('cat')
    .summary('write the content of one file to the output')
    .description(
      'Writes the decrypted content of one file to the standard output as it is; on a terminal control characters are escaped.',
    )
    .argument('<backup>', 'folder of the backup; with --at also the location that it lies in')
    .argument('<path>', 'the file, as /<Domain>/<relativePath>')
    .option('--recover', 'write what is left of damaged content');
  withBackupOptions(command, ['ios-backup cat ~/backups/00008120-0001 /HomeDomain/Library/SMS/sms.db > sms.db']).action(
    async (path: string, place: string, options: CatOptions) => {
      if (options.json === true) throw new UsageError('cat gives content and not records; leave out --json');
      const { domain, relativePath } = parseBackupPath(place);
      if (domain === undefined) throw new UsageError(`${place} names no file; write it as /<Domain>/<relativePath>`);
      await using opened = await openBackup(path, options, context);
      const { backup } = opened;
      const { signal, output } = context;
      const file = await backup.files.get({ domain, relativePath }, { signal });
      if (file === undefined) {
        const name = formatBackupPath({ domain, relativePath });
        throw new ManifestError('MANIFEST_FILE_NOT_FOUND', `The backup has no ${name}; list its folder`, {
          domain,
          relativePath,
        });
      }
      const decoder = output.isTerminal ? new TextDecoder('utf-8', { ignoreBOM: true }) : undefined;
      for await (const chunk of file.stream(undefined, { signal, recover: options.recover })) {
        await output.write(decoder === undefined ? chunk : visibleText(decoder.decode(chunk, { stream: true })));
      }
      if (decoder !== undefined) await output.write(visibleText(decoder.decode()));
    },
  );
}
