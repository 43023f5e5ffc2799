import assert from 'node:assert/strict';
import { isBackupKitError, type DatasetError } from '../../core/errors.js';
import type { Dataset, DatasetIssue, DatasetOptions } from '../../datasets/types.js';
import type { BackupReader } from '../../manifest/types.js';
import type { SqliteDatabase } from '../../sqlite/driver.js';
import type { ConformanceCase } from './conformance-case.js';

/** Backups to try a dataset on. Each call gives one that may be used at once with others. */
export interface DatasetBackups {
  /** Holds at least three records, all of them sound. */
  readonly sound: () => Promise<BackupReader>;
  /** The same as `sound`, and its tables have columns that nobody knows. */
  readonly unknownColumns: () => Promise<BackupReader>;
  /** Holds at least one record that raises an issue. */
  readonly withIssues: () => Promise<BackupReader>;
  /** Has the store, without a record. */
  readonly empty: () => Promise<BackupReader>;
  /** Does not have the store. */
  readonly absent: () => Promise<BackupReader>;
  /** Has a database of another kind in place of the store. */
  readonly unknownSchema: () => Promise<BackupReader>;
  /** Has bytes in place of the store that are no database. */
  readonly damaged: () => Promise<BackupReader>;
}

/**
 * What every {@link Dataset} over databases must do, as cases to run in any order with any test framework.
 *
 * @example
 * for (const { title, run } of datasetSuite(wallets, backups)) test(title, run);
 */
export function datasetSuite<T>(dataset: Dataset<T>, backups: DatasetBackups): readonly ConformanceCase[] {
  return [...availabilityCases(dataset, backups), ...lifetimeCases(dataset, backups), ...issueCases(dataset, backups)];
}

function availabilityCases<T>(dataset: Dataset<T>, backups: DatasetBackups): ConformanceCase[] {
  const isAbsent = async (backup: BackupReader, code: string, reason: string): Promise<void> => {
    const probe = await dataset.probe(backup);
    assert.equal(probe.available, false);
    assert.equal(probe.reason, reason);
    assert.ok(probe.explanation, 'the probe explains the absence');
    await assert.rejects(collect(dataset(backup)), (error: DatasetError) => {
      assert.equal(error.code, code);
      assert.equal(error.reason, reason);
      assert.equal(error.dataset, dataset.id);
      return true;
    });
  };
  return [
    {
      title: 'says that it is available and gives records where the backup holds it',
      async run() {
        const probe = await dataset.probe(await backups.sound());
        assert.equal(probe.available, true);
        assert.equal(probe.reason, undefined);
        assert.ok(probe.schema);
        assert.ok((await collect(dataset(await backups.sound()))).length >= 3);
      },
    },
    {
      title: 'gives nothing, and no error, for a store without records',
      async run() {
        assert.equal((await dataset.probe(await backups.empty())).available, true);
        assert.deepEqual(await collect(dataset(await backups.empty())), []);
      },
    },
    {
      title: 'says why it is absent, and throws the same, where the backup has no store',
      async run() {
        const { reason } = await dataset.probe(await backups.absent());
        assert.ok(reason === 'not-in-backup' || reason === 'encrypted-only', `the reason is ${reason}`);
        await isAbsent(await backups.absent(), 'DATASET_ABSENT', reason);
        const { missing } = await dataset.probe(await backups.absent());
        assert.deepEqual(missing, dataset.sources);
      },
    },
    {
      title: 'throws DATASET_SCHEMA_UNSUPPORTED for a database of another kind',
      async run() {
        await isAbsent(await backups.unknownSchema(), 'DATASET_SCHEMA_UNSUPPORTED', 'schema-unknown');
      },
    },
    {
      title: 'is absent because of damage where the store is no database',
      async run() {
        await isAbsent(await backups.damaged(), 'DATASET_ABSENT', 'damaged');
      },
    },
    {
      title: 'ignores columns that it does not know',
      async run() {
        assert.deepEqual(
          await collect(dataset(await backups.unknownColumns())),
          await collect(dataset(await backups.sound())),
        );
      },
    },
    {
      title: 'gives the same records each time, also to two loops at once',
      async run() {
        const backup = await backups.sound();
        const [first, second] = await Promise.all([collect(dataset(backup)), collect(dataset(backup))]);
        assert.deepEqual(first, second);
      },
    },
  ];
}

function lifetimeCases<T>(dataset: Dataset<T>, backups: DatasetBackups): ConformanceCase[] {
  return [
    {
      title: 'opens nothing before the first record is asked for',
      async run() {
        const watched = watch(await backups.sound());
        const records = dataset(watched.backup);
        await Promise.resolve();
        assert.equal(watched.calls(), 0);
        await records.return();
        assert.equal(watched.calls(), 0);
      },
    },
    {
      title: 'closes everything after the last record, and after a probe',
      async run() {
        const watched = watch(await backups.sound());
        await collect(dataset(watched.backup));
        await dataset.probe(watched.backup);
        assert.ok(watched.opened() >= 2);
        assert.equal(watched.open(), 0);
      },
    },
    {
      title: 'closes everything when the loop is left early',
      async run() {
        const watched = watch(await backups.sound());
        for await (const _record of dataset(watched.backup)) break;
        assert.ok(watched.opened() >= 1);
        assert.equal(watched.open(), 0);
      },
    },
    {
      title: 'closes everything when it is absent',
      async run() {
        const watched = watch(await backups.unknownSchema());
        await assert.rejects(collect(dataset(watched.backup)));
        assert.equal(watched.open(), 0);
      },
    },
    {
      title: 'rejects with the reason of a signal that is already aborted, before anything is opened',
      async run() {
        const watched = watch(await backups.sound());
        const reason = new Error('no longer wanted');
        const options: DatasetOptions = { signal: AbortSignal.abort(reason) };
        await assert.rejects(collect(dataset(watched.backup, options)), (error) => error === reason);
        await assert.rejects(dataset.probe(watched.backup, options), (error) => error === reason);
        assert.equal(watched.calls(), 0);
      },
    },
    {
      title: 'rejects with the reason of a signal that aborts between two records, and closes everything',
      async run() {
        const watched = watch(await backups.sound());
        const controller = new AbortController();
        const reason = new Error('no longer wanted');
        const read = async (): Promise<void> => {
          for await (const _record of dataset(watched.backup, { signal: controller.signal })) controller.abort(reason);
        };
        await assert.rejects(read(), (error) => error === reason);
        assert.equal(watched.open(), 0);
      },
    },
    {
      title: 'throws a TypeError for something that is no backup',
      async run() {
        await assert.rejects(collect(dataset(undefined as unknown as BackupReader)), TypeError);
      },
    },
  ];
}

function issueCases<T>(dataset: Dataset<T>, backups: DatasetBackups): ConformanceCase[] {
  return [
    {
      title: 'reports no issue for sound records',
      async run() {
        const issues: DatasetIssue[] = [];
        await collect(dataset(await backups.sound(), { strict: true, onIssue: (issue) => issues.push(issue) }));
        assert.deepEqual(issues, []);
      },
    },
    {
      title: 'reports what could not be decoded and goes on',
      async run() {
        const issues: DatasetIssue[] = [];
        const backup = await backups.withIssues();
        const records = await collect(dataset(backup, { onIssue: (issue) => issues.push(issue) }));
        assert.ok(issues.length > 0);
        for (const issue of issues) {
          assert.equal(issue.dataset, dataset.id);
          assert.match(issue.kind, /^[a-z]+(-[a-z]+)*$/);
          assert.ok(issue.message);
        }
        assert.deepEqual(records, await collect(dataset(backup)), 'the records do not depend on who listens');
      },
    },
    {
      title: 'throws DATASET_ROW_INVALID instead with strict, and closes everything',
      async run() {
        const watched = watch(await backups.withIssues());
        await assert.rejects(collect(dataset(watched.backup, { strict: true })), (error) =>
          isBackupKitError(error, 'DATASET_ROW_INVALID'),
        );
        assert.equal(watched.open(), 0);
      },
    },
    {
      title: 'passes on what onIssue throws, and closes everything',
      async run() {
        const watched = watch(await backups.withIssues());
        const failure = new Error('the listener failed');
        const onIssue = (): void => {
          throw failure;
        };
        await assert.rejects(collect(dataset(watched.backup, { onIssue })), (error) => error === failure);
        assert.equal(watched.open(), 0);
      },
    },
  ];
}

/** A backup that counts what is asked of it. */
function watch(backup: BackupReader): {
  backup: BackupReader;
  /** Calls that read anything. */
  calls: () => number;
  /** Databases that were opened. */
  opened: () => number;
  /** Databases that are open. */
  open: () => number;
} {
  let calls = 0;
  let opened = 0;
  let closed = 0;
  const files = new Proxy(backup.files, {
    get(target, name) {
      calls++;
      const member: unknown = Reflect.get(target, name, target);
      return typeof member === 'function' ? (member.bind(target) as unknown) : member;
    },
  });
  const openDatabase: BackupReader['openDatabase'] = async (ref, options) => {
    calls++;
    const database = await backup.openDatabase(ref, options);
    opened++;
    return countClose(database, () => closed++);
  };
  return {
    backup: { summary: backup.summary, files, openDatabase },
    calls: () => calls,
    opened: () => opened,
    open: () => opened - closed,
  };
}

function countClose(database: SqliteDatabase, onClose: () => void): SqliteDatabase {
  let isClosed = false;
  const close = async (): Promise<void> => {
    if (!isClosed) onClose();
    isClosed = true;
    await database.close();
  };
  return new Proxy(database, {
    get(target, name) {
      if (name === 'close' || name === Symbol.asyncDispose) return close;
      const member: unknown = Reflect.get(target, name, target);
      return typeof member === 'function' ? (member.bind(target) as unknown) : member;
    },
  });
}

async function collect<T>(records: AsyncIterable<T>): Promise<T[]> {
  const all: T[] = [];
  for await (const record of records) all.push(record);
  return all;
}
