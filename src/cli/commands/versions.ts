import type { Command } from 'commander';
import type { CliContext } from '../context.js';
import { addVersionsCaptureCommand } from './versions/capture.js';
import { addVersionsCompactCommand } from './versions/compact.js';
import { addVersionsCopyCommand } from './versions/copy.js';
import { addVersionsDeleteCommand, addVersionsUndeleteCommand } from './versions/delete.js';
import { addVersionsDiffCommand } from './versions/diff.js';
import { addVersionsExportCommand } from './versions/export.js';
import { addVersionsImportCommand } from './versions/import.js';
import { addVersionsListCommand } from './versions/list.js';
import { addVersionsLocationsCommand } from './versions/locations.js';
import { addVersionsNoteCommand, addVersionsPinCommand, addVersionsUnpinCommand } from './versions/marks.js';
import { addVersionsOpenCommand } from './versions/open.js';
import { addVersionsPruneCommand } from './versions/prune.js';
import { addVersionsRepairCommand } from './versions/repair.js';
import { addVersionsRollbackCommand } from './versions/rollback.js';
import { addVersionsShowCommand } from './versions/show.js';
import { addVersionsUsageCommand } from './versions/usage.js';
import { addVersionsVerifyCommand } from './versions/verify.js';

/** Every command of `versions`, in the order of the help. */
const addCommands = [
  addVersionsListCommand,
  addVersionsShowCommand,
  addVersionsDiffCommand,
  addVersionsLocationsCommand,
  addVersionsCaptureCommand,
  addVersionsImportCommand,
  addVersionsOpenCommand,
  addVersionsExportCommand,
  addVersionsRollbackCommand,
  addVersionsPinCommand,
  addVersionsUnpinCommand,
  addVersionsNoteCommand,
  addVersionsDeleteCommand,
  addVersionsUndeleteCommand,
  addVersionsPruneCommand,
  addVersionsUsageCommand,
  addVersionsVerifyCommand,
  addVersionsRepairCommand,
  addVersionsCompactCommand,
  addVersionsCopyCommand,
];

/** Adds `versions`: every backup that was kept. */
export function addVersionsCommand(program: Command, context: CliContext): void {
  const parent = program
    .command('versions')
    .summary('list, open, compare, keep and remove older versions of backups')
    .description(
      'Works on a location: the folder in which backups lie, one folder each, with the version store beside them (.ios-backup-kit). A version is named by newest, newest~1 for the one before it, a date such as 2026-11-01 or "2026-11-01 18:30", or the beginning of its id. Commands that read a backup open a version with --at.',
    );
  for (const addCommand of addCommands) addCommand(parent, context);
}
