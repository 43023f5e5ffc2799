import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { AbortOptions } from '../../src/core/abort.js';
import { allDatasets, chats, contacts, messages } from '../../src/entry/datasets.js';
import { Backup, listBackups, type BackupTree } from '../../src/entry/index.js';
import { buildBackup } from '../../src/entry/testing.js';
import { password, sample, watched } from './support.js';

const sms = { domain: 'HomeDomain', relativePath: 'Library/SMS/sms.db' };
const reason = new Error('the user changed her mind');
let folder: string;
let backup: Backup;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'abort-'));
  backup = await Backup.open((await sample()).tree, { password });
});
afterAll(async () => {
  await backup.close();
  await rm(folder, { recursive: true });
});

const drain = async (records: AsyncIterable<unknown>): Promise<void> => {
  for await (const record of records) void record;
};

/** Every public call that takes a signal. */
const calls: [string, (options: AbortOptions, tree: BackupTree) => Promise<unknown>][] = [
  ['Backup.open', async (options, tree) => await Backup.open(tree, { password, ...options })],
  ['Backup.inspect', async (options, tree) => await Backup.inspect(tree, options)],
  [
    'listBackups',
    async (options) => {
      await drain(listBackups(folder, options));
    },
  ],
  ['backup.openDatabase', async (options) => await backup.openDatabase(sms, options)],
  ['backup.extract to a folder', async (options) => await backup.extract(join(folder, 'out'), options)],
  [
    'backup.archive',
    async (options) => {
      await drain(backup.archive({ format: 'tar', ...options }));
    },
  ],
  [
    'backup.files.list',
    async (options) => {
      await drain(backup.files.list({}, options));
    },
  ],
  ['backup.files.get', async (options) => await backup.files.get(sms, options)],
  [
    'backup.files.getById',
    async (options) => await backup.files.getById('3d0d7e5fb2ce288813306e4d4636395e047a3d28', options),
  ],
  ['backup.files.count', async (options) => await backup.files.count({}, options)],
  ['backup.files.domains', async (options) => await backup.files.domains(options)],
  ['backup.fs.readFile', async (options) => await backup.fs.readFile('/HomeDomain/Library/SMS/sms.db', options)],
  ['file.read', async (options) => await (await backup.files.get(sms))?.read(options)],
  ['file.open', async (options) => await (await backup.files.get(sms))?.open(options)],
  [
    'file.stream',
    async (options) => {
      const file = await backup.files.get(sms);
      if (file !== undefined) await drain(file.stream({}, options));
    },
  ],
  [
    'database.query',
    async (options) => {
      await using database = await backup.openDatabase(sms);
      await drain(database.query('SELECT * FROM message', [], options));
    },
  ],
  [
    'database.queryBatches',
    async (options) => {
      await using database = await backup.openDatabase(sms);
      await drain(database.queryBatches('SELECT * FROM message', [], options));
    },
  ],
  [
    'database.tables',
    async (options) => {
      await using database = await backup.openDatabase(sms);
      await database.tables(options);
    },
  ],
  [
    'database.columns',
    async (options) => {
      await using database = await backup.openDatabase(sms);
      await database.columns('message', options);
    },
  ],
  ...allDatasets.flatMap((dataset): typeof calls => [
    [
      dataset.id,
      async (options) => {
        await drain(dataset(backup, options));
      },
    ],
    [`${dataset.id}.probe`, async (options) => await dataset.probe(backup, options)],
  ]),
  ['buildBackup', async (options) => await buildBackup({}, { to: join(folder, 'built'), ...options })],
];

describe('a signal that is already aborted', () => {
  it.each(calls)('makes %s reject with its reason, before any file is touched', async (_name, call) => {
    const tree = watched((await sample()).tree);
    const before = await readdir(folder);
    await expect(call({ signal: AbortSignal.abort(reason) }, tree)).rejects.toBe(reason);
    expect(tree.calls()).toBe(0);
    expect(await readdir(folder)).toEqual(before);
  });
});

describe('a signal that aborts midway', () => {
  it('stops a dataset between two records, with its reason', async () => {
    for (const dataset of [messages, chats, contacts]) {
      const controller = new AbortController();
      let records = 0;
      const reading = async (): Promise<void> => {
        for await (const record of dataset(backup, { signal: controller.signal })) {
          void record;
          records += 1;
          controller.abort(reason);
        }
      };
      await expect(reading()).rejects.toBe(reason);
      expect(records).toBe(1);
    }
  });

  it('stops the key derivation at once, which takes seconds otherwise', async () => {
    const slow = await buildBackup({ ios: '17.4', password, kdf: 'real' });
    const controller = new AbortController();
    const opening = Backup.open(slow.tree, {
      password,
      signal: controller.signal,
      onProgress: ({ phase }) => {
        if (phase === 'deriving-key') setImmediate(() => controller.abort(reason));
      },
    });
    await expect(opening).rejects.toBe(reason);
  });

  it('leaves no source open when opening is aborted at any read', async () => {
    for (let at = 1; at <= 6; at += 1) {
      const controller = new AbortController();
      const { tree } = await sample();
      const counting = watched({
        async open(path, options) {
          if (counting.calls() === at) controller.abort(reason);
          return await tree.open(path, options);
        },
        list: (path, options) => tree.list(path, options),
      });
      const opened = await Backup.open(counting, { password, signal: controller.signal }).catch(
        (error: unknown) => error,
      );
      if (opened instanceof Backup) await opened.close();
      else expect(opened).toBe(reason);
      expect(counting.openSources()).toBe(0);
    }
  });
});
