import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { allDatasets } from '../../src/entry/datasets.js';
import { Backup } from '../../src/entry/index.js';
import { password, sample, watched } from './support.js';

const sms = { domain: 'HomeDomain', relativePath: 'Library/SMS/sms.db' };
let tree: ReturnType<typeof watched>;
let backup: Backup;

beforeEach(async () => {
  tree = watched((await sample()).tree);
  backup = await Backup.open(tree, { password });
});
afterEach(async () => {
  await backup.close();
  expect(tree.openSources()).toBe(0);
});

describe('closing a backup', () => {
  it('may be repeated, and closes its databases', async () => {
    const database = await backup.openDatabase(sms);
    await Promise.all([backup.close(), backup.close()]);
    await backup.close();
    await expect(database.tables()).rejects.toMatchObject({ code: 'DATABASE_CLOSED' });
    await database.close();
  });

  const uses: [string, (backup: Backup) => Promise<unknown>][] = [
    ['files.get', async () => await backup.files.get(sms)],
    ['files.getById', async () => await backup.files.getById('3d0d7e5fb2ce288813306e4d4636395e047a3d28')],
    ['files.count', async () => await backup.files.count()],
    ['files.domains', async () => await backup.files.domains()],
    ['files.list', async () => await backup.files.list()[Symbol.asyncIterator]().next()],
    ['openDatabase', async () => await backup.openDatabase(sms)],
    ['exportKey', async () => backup.exportKey()],
    ['extract', async () => await backup.extract('/nonexistent/never-made')],
    ['archive', async () => await backup.archive({ format: 'zip' })[Symbol.asyncIterator]().next()],
    ...allDatasets.flatMap((dataset): typeof uses => [
      [dataset.id, async () => await dataset(backup).next()],
      [`${dataset.id}.probe`, async () => await dataset.probe(backup)],
    ]),
  ];
  it.each(uses)('makes %s throw MANIFEST_CLOSED', async (_name, use) => {
    await backup.close();
    await expect(use(backup)).rejects.toMatchObject({ code: 'MANIFEST_CLOSED' });
  });

  it('makes backup.fs throw MANIFEST_CLOSED', async () => {
    await backup.close();
    await expect(backup.fs.readFile('/HomeDomain/Library/SMS/sms.db')).rejects.toMatchObject({
      code: 'MANIFEST_CLOSED',
    });
  });

  it('makes the content of a file that was found before unreadable', async () => {
    const file = await backup.files.get(sms);
    await backup.close();
    await expect(file?.read()).rejects.toMatchObject({ code: 'MANIFEST_CLOSED' });
  });
});

describe('leaving a loop early', () => {
  it.each(allDatasets.map((dataset) => [dataset.id, dataset] as const))(
    'closes what %s has opened',
    async (_id, dataset) => {
      const before = tree.openSources();
      for await (const record of dataset(backup)) {
        expect(record).toBeTypeOf('object');
        break;
      }
      expect(tree.openSources()).toBe(before);
    },
  );

  it('closes the content of a stream', async () => {
    const file = await backup.files.get(sms);
    const before = tree.openSources();
    for await (const chunk of file?.stream() ?? []) {
      expect(chunk.length).toBeGreaterThan(0);
      break;
    }
    expect(tree.openSources()).toBe(before);
  });

  it('ends a query, and the database can be used on', async () => {
    await using database = await backup.openDatabase(sms);
    for await (const row of database.query('SELECT ROWID FROM message')) {
      expect(row['ROWID']).toBeDefined();
      break;
    }
    expect((await database.tables()).length).toBeGreaterThan(5);
  });
});

describe('what a closed database or content does', () => {
  it('throws DATABASE_CLOSED, also for the rest of a loop', async () => {
    const database = await backup.openDatabase(sms);
    const reading = async (): Promise<void> => {
      for await (const row of database.query('SELECT ROWID FROM message')) {
        expect(row).toBeDefined();
        await database.close();
      }
    };
    await expect(reading()).rejects.toMatchObject({ code: 'DATABASE_CLOSED' });
    await expect(database.columns('message')).rejects.toMatchObject({ code: 'DATABASE_CLOSED' });
    await database.close();
  });
});
