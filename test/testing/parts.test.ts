import { inflateSync } from 'node:zlib';
import { describe, expect, test } from 'vitest';
import { EntryFactory } from '../../src/testing/backup-builder/entry-record.js';
import { encodeMbdbRecord } from '../../src/testing/backup-builder/mbdb-writer.js';
import { gradientPng } from '../../src/testing/backup-builder/png.js';
import { iosProfile } from '../../src/testing/backup-builder/profiles.js';
import { samplePeople } from '../../src/testing/backup-builder/sample-people.js';
import { SeededRandom } from '../../src/testing/backup-builder/seeded-random.js';
import { WriteQueue } from '../../src/testing/backup-builder/write-queue.js';
import { domainHasDigests, parentFolders } from '../../src/testing/backup-builder/domains.js';

describe('SeededRandom', () => {
  test('gives the same stream whatever the sizes of its parts', () => {
    const whole = new SeededRandom('s').bytes(20_000);
    const parts = new SeededRandom('s');
    const joined = Buffer.concat([parts.bytes(1), parts.bytes(4095), parts.bytes(10_000), parts.bytes(5904)]);
    expect(Buffer.compare(joined, whole)).toBe(0);
  });

  test('forks do not depend on what was drawn', () => {
    const [fresh, used] = [new SeededRandom(1), new SeededRandom(1)];
    used.bytes(100);
    expect(used.fork('x').hex(32)).toBe(fresh.fork('x').hex(32));
    expect(fresh.fork('y').hex(32)).not.toBe(fresh.fork('x').hex(32));
  });

  test('stays within its bounds', () => {
    const random = new SeededRandom(2);
    const drawn = new Set(Array.from({ length: 500 }, () => random.between(3, 5)));
    expect(drawn).toEqual(new Set([3, 4, 5]));
    expect(random.uuid()).toMatch(/^[0-9A-F]{8}-[0-9A-F]{4}-4[0-9A-F]{3}-[89AB][0-9A-F]{3}-[0-9A-F]{12}$/);
    expect(random.digits(15)).toMatch(/^\d{15}$/);
    expect(() => random.pick([])).toThrow(RangeError);
  });
});

describe('iosProfile', () => {
  test.each([
    ['4.0', 'mbdb'],
    ['9.3.6', 'mbdb'],
    ['10.0', 'database-obfuscated'],
    ['10.1.1', 'database-plain'],
    ['10.2', 'database'],
    ['10.10', 'database'],
    ['26.1', 'database'],
    ['99', 'database'],
  ])('compares versions as numbers: %s has the generation %s', (ios, generation) => {
    expect(iosProfile(ios).generation).toBe(generation);
  });

  test.each(['', '3.9', '17.x', '17.4.1.2', '-1', '17 '])('refuses %j', (ios) => {
    expect(() => iosProfile(ios)).toThrow(RangeError);
  });
});

describe('parentFolders', () => {
  test.each<[string, string[]]>([
    ['', []],
    ['a', ['']],
    ['a/b/c', ['', 'a', 'a/b']],
    ['../a', []],
    ['a//b', []],
    ['/a', []],
  ])('of %j', (path, parents) => {
    expect(parentFolders(path)).toEqual(parents);
  });
});

test('digests are those of system domains without the media', () => {
  for (const domain of ['HomeDomain', 'KeychainDomain', 'HealthDomain']) expect(domainHasDigests(domain)).toBe(true);
  for (const domain of ['CameraRollDomain', 'MediaDomain', 'AppDomain-x', 'AppDomainGroup-x', 'SysContainerDomain-x']) {
    expect(domainHasDigests(domain)).toBe(false);
  }
});

describe('encodeMbdbRecord', () => {
  const entries = new EntryFactory(new SeededRandom(1), new Date('2016-08-30T00:00:00Z'));
  const base = { domain: 'D', relativePath: 'p', modified: new Date(1_000_000), mode: 0o600, inode: 7 };

  test('lays out a record as the format says', () => {
    const entry = entries.create({ ...base, userId: -2, extendedAttributes: { n: Uint8Array.of(1, 2) } });
    const record = encodeMbdbRecord({ ...entry, size: 5 });
    expect(Buffer.from(record).toString('hex')).toBe(
      [
        '000144000170ffffffffffff', // domain, path, no target, no digest, no key
        '8180', // mode
        '0000000000000007', // inode
        'fffffffe', // owner
        '000001f5', // group
        '000003e8', // last modified
        '000003e8', // last status change
        '00000000', // birth, not before 1970
        '0000000000000005', // size
        '03', // protection class
        '01', // extended attributes
        '00016e00020102',
      ].join(''),
    );
  });

  test('refuses what its fields cannot say', () => {
    for (const time of ['1969-12-31T23:59:59Z', '2106-02-07T06:28:16Z']) {
      expect(() => encodeMbdbRecord(entries.create({ ...base, created: new Date(time) }))).toThrow(RangeError);
    }
    expect(() => encodeMbdbRecord(entries.create({ ...base, relativePath: 'x'.repeat(65_535) }))).toThrow(RangeError);
    const many = Object.fromEntries(Array.from({ length: 256 }, (_unused, i) => [`n${i}`, new Uint8Array()]));
    expect(() => encodeMbdbRecord(entries.create({ ...base, extendedAttributes: many }))).toThrow(RangeError);
  });
});

test('a gradient is a PNG whose pixels inflate to the size of the picture', () => {
  const png = Buffer.from(gradientPng(200, Uint8Array.of(0, 0, 0), Uint8Array.of(255, 255, 255)));
  expect(png.subarray(1, 4).toString()).toBe('PNG');
  expect([png.readUInt32BE(16), png.readUInt32BE(20)]).toEqual([200, 200]);
  const data = png.subarray(41, 41 + png.readUInt32BE(33));
  const pixels = inflateSync(data);
  expect(pixels).toHaveLength(200 * 601);
  expect([pixels[1], pixels.at(-1)]).toEqual([0, 254]);
});

test('sample people have different numbers of the reserved range and addresses of a reserved domain', () => {
  const people = samplePeople(300, new SeededRandom(1));
  expect(new Set(people.map(({ phone }) => phone)).size).toBe(300);
  expect(new Set(people.map(({ email }) => email)).size).toBe(300);
  for (const { phone, email } of people) {
    expect(phone).toMatch(/^\+1\d{3}55501\d{2}$/);
    expect(email).toMatch(/^[a-z0-9.]+@example\.org$/);
  }
});

describe('WriteQueue', () => {
  test('runs at most 16 writes at a time', async () => {
    const queue = new WriteQueue();
    let running = 0;
    let most = 0;
    const write = async (): Promise<void> => {
      most = Math.max(most, ++running);
      await new Promise((resolve) => setImmediate(resolve));
      running -= 1;
    };
    for (let i = 0; i < 100; i += 1) await queue.add(1, write);
    await queue.drain();
    expect([most, running]).toEqual([16, 0]);
  });

  test('lets a write that is larger than its bound run alone', async () => {
    const queue = new WriteQueue();
    const order: string[] = [];
    const write = (name: string) => async (): Promise<void> => {
      order.push(`${name} begins`);
      await new Promise((resolve) => setImmediate(resolve));
      order.push(`${name} ends`);
    };
    await queue.add(1, write('small'));
    await queue.add(2 ** 31, write('large'));
    await queue.drain();
    expect(order).toEqual(['small begins', 'small ends', 'large begins', 'large ends']);
  });

  test('gives the first failure to later calls', async () => {
    const queue = new WriteQueue();
    const failure = new Error('first');
    await queue.add(1, async () => {
      throw failure;
    });
    await queue.settle();
    await expect(queue.add(1, async () => {})).rejects.toBe(failure);
    await expect(queue.drain()).rejects.toBe(failure);
  });
});
