import { yieldToEventLoop } from '../../core/abort.js';
import { utf8Encode } from '../../core/bytes.js';
import { BackupBuilder } from './backup-builder.js';
import { databaseFiles } from './databases.js';
import { openOutput } from './output.js';
import { planBackup, type BuildPlan } from './plan.js';
import type { BackupSpec } from './backup-spec.js';
import { specFiles } from './spec-files.js';
import type { BuildTarget, BuiltBackup, FileSpec } from './types.js';

/** Entries between two looks at timers and aborts. */
const entriesBetweenYields = 256;

/**
 * Builds a backup as a device would have made it, for tests of software that reads backups: any generation from iOS 4 on,
 * plain or encrypted, sound or damaged as the spec says, into memory, a folder or a sink.
 *
 * The same spec gives the same bytes, dates and keys included. Files are written one by one, so that only one of them and
 * the manifest are in memory. A folder that could not be filled is removed again.
 *
 * @throws RangeError, TypeError for a spec that contradicts itself; {@link IoError} where the target cannot be written;
 * {@link DatabaseError} with code `DATABASE_QUERY_FAILED` for SQL of `databases` that fails.
 *
 * @example
 * const built = await buildBackup({ ios: '17.4', password: 'secret', files: [{ domain: 'HomeDomain', relativePath: 'a.txt', content: 'A' }] });
 * const backup = await Backup.open(built.tree, { password: built.password });
 */
export async function buildBackup(spec: BackupSpec = {}, target: BuildTarget = {}): Promise<BuiltBackup> {
  const { signal, collect = true } = target;
  signal?.throwIfAborted();
  const plan = planBackup(spec);
  const output = await openOutput(target.to);
  try {
    const builder = await BackupBuilder.create(plan, output, { signal, collect });
    try {
      let added = 0;
      for await (const file of allFiles(plan)) {
        await builder.add(file);
        if (++added % entriesBetweenYields === 0) await yieldToEventLoop(signal);
      }
      for (const row of spec.rows ?? []) builder.addRow(row);
      await builder.finish();
      for (const [path, content] of Object.entries(spec.extraFiles ?? {})) {
        await output.write(path, typeof content === 'string' ? utf8Encode(content) : content, signal);
      }
      await output.commit();
    } finally {
      await builder.close();
    }
    return {
      tree: output.tree,
      path: output.path,
      password: plan.password,
      udid: plan.device.udid,
      files: builder.files,
      fileCount: builder.fileCount,
    };
  } catch (error) {
    await output.discard();
    throw error;
  }
}

async function* allFiles({ spec, device }: BuildPlan): AsyncGenerator<FileSpec, void, undefined> {
  const { files, databases } = specFiles(spec, { ios: spec.ios, phoneNumber: device.phoneNumber });
  yield* files;
  for (const database of databases) yield* await databaseFiles(database);
}
