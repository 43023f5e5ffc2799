import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { Device } from './device.js';
import { createEngine, digestOf, type Engine } from './engines.js';
import { megabytes, pagesText, usageText, type Report } from './report.js';
import { diskUsage, median, typical, type Usage } from './usage.js';

/** What all phases need to know. */
export interface Bench {
  readonly report: Report;
  /** Empty folder on the file system that is measured. */
  readonly work: string;
  readonly scale: number;
  /** Repetitions of what can be repeated. */
  readonly runs: number;
  /** Length of the history that is measured. */
  readonly days: number;
  readonly encrypted: boolean;
  /** Names of the engines that are there. */
  readonly engines: readonly string[];
}

/** Days on which the peers are compared: with the first one, they make seven versions. */
const comparedDays = 6;
/** Which of seven versions are dropped. */
const dropped = [1, 2, 4, 5];
const memoryFiles = 100_000;
const memoryVersions = 47;

/** Every engine in turn, beginning with another one each time. */
function inTurn(engines: readonly Engine[], turn: number): Engine[] {
  const first = turn % engines.length;
  return [...engines.slice(first), ...engines.slice(0, first)];
}

class Usages {
  readonly #of = new Map<string, Usage[]>();

  add(engine: Engine, usage: Usage): void {
    this.of(engine.name).push(usage);
  }

  of(name: string): Usage[] {
    const usages = this.#of.get(name) ?? [];
    this.#of.set(name, usages);
    return usages;
  }
}

function sameDigest(what: string, expected: string, actual: string): void {
  if (expected !== actual) throw new Error(`${what} differs from what was stored`);
}

const kindOf = ({ encrypted }: Bench): string => (encrypted ? 'encrypted' : 'plain');

async function createDevice(bench: Bench, name: string): Promise<{ device: Device; folder: string }> {
  const folder = join(bench.work, `${name}-${kindOf(bench)}`);
  const device = await Device.create(folder, bench);
  bench.report.note(`${folder}: ${megabytes(diskUsage(device.backup))}`);
  return { device, folder };
}

/** Ours and the peers step by step on the same live backup. */
export async function compare(bench: Bench): Promise<void> {
  const { report, runs, encrypted } = bench;
  const kind = kindOf(bench);
  const { device, folder } = await createDevice(bench, 'compared');
  const engines: Engine[] = [];
  for (const name of bench.engines)
    engines.push(await createEngine(name, { device, encrypted }, join(folder, 'engines')));
  const names = engines.map(({ name }) => name);

  // Reading everything once also makes the cache warm for all of them.
  const original = digestOf(device.backup);
  const first = new Usages();
  for (let turn = 0; turn < runs; turn += 1) {
    for (const engine of inTurn(engines, turn)) {
      await engine.reset();
      first.add(engine, engine.first());
    }
  }
  for (const engine of engines)
    report.step(`First version, ${kind}`, engine.name, first.of(engine.name), engine.bytes());

  // Linking changes a time of the live files: whoever looked before looks once more.
  for (const engine of engines) engine.version();
  const again = new Usages();
  for (let turn = 0; turn < runs; turn += 1) {
    for (const engine of inTurn(engines, turn)) again.add(engine, engine.version());
  }
  for (const engine of engines) {
    report.step(`Nothing changed, ${kind}`, engine.name, again.of(engine.name));
    const extra = engine.ids().slice(1);
    if (extra.length > 0) engine.forget(extra);
  }

  const daily = await compareDays(bench, device, engines);

  const oldest = new Map(engines.map((engine) => [engine.name, engine.ids()]));
  const idsOf = (engine: Engine): string[] => {
    const ids = oldest.get(engine.name) ?? [];
    if (ids.length !== comparedDays + 1) throw new Error(`${engine.name} has ${ids.length} versions`);
    return ids;
  };
  const opened = new Usages();
  for (let turn = 0; turn < runs; turn += 1) {
    for (const engine of inTurn(engines, turn)) opened.add(engine, await engine.open(idsOf(engine)[0] ?? ''));
  }
  for (const engine of engines) {
    sameDigest(`The oldest version of ${engine.name}`, original, await engine.digest(idsOf(engine)[0] ?? ''));
    report.step(`Opening the oldest of 7 versions, ${kind}`, engine.name, opened.of(engine.name));
  }

  const newest = digestOf(device.backup);
  const drops = new Usages();
  for (const engine of engines) {
    const ids = idsOf(engine);
    const before = engine.bytes();
    drops.add(engine, engine.drop(dropped.map((index) => ids[index] ?? '')));
    report.step(`Dropping 4 of 7 versions, ${kind}`, engine.name, drops.of(engine.name), engine.bytes() - before);
    const left = engine.ids();
    if (left.length !== ids.length - dropped.length) throw new Error(`${engine.name} kept ${left.length} versions`);
    sameDigest(
      `The oldest version of ${engine.name} after dropping others`,
      original,
      await engine.digest(left[0] ?? ''),
    );
    sameDigest(`The newest version of ${engine.name}`, newest, await engine.digest(left.at(-1) ?? ''));
  }
  for (const { what, usages, ...target } of [
    { what: 'First version', usages: first, target: 4, faster: true },
    { what: 'Nothing changed', usages: again, target: 0.35 },
    { what: 'Daily version', usages: daily, target: 0.3 },
    { what: 'Opening an old version', usages: opened, target: 0.15 },
    { what: 'Dropping 4 of 7 versions', usages: drops, target: 0.2 },
  ]) {
    report.ratio(`${what}, ${kind}`, { ours: usages.of('ours'), peer: usages.of('restic'), ...target });
  }
  if (names.includes('borg') && names.includes('ours')) {
    const against = (usages: Usages): string =>
      (typical(usages.of('ours')).seconds / typical(usages.of('borg')).seconds).toFixed(2);
    report.note(
      `Ours against borg, ${kind}: first ${against(first)}x, nothing changed ${against(again)}x, daily ${against(daily)}x, ` +
        `opening ${against(opened)}x, dropping ${against(drops)}x`,
    );
  }
  await rm(folder, { recursive: true });
}

/** Six days. Gives what a version takes; what the background takes is reported beside. */
async function compareDays(bench: Bench, device: Device, engines: readonly Engine[]): Promise<Usages> {
  const { report } = bench;
  const kind = kindOf(bench);
  const daily = new Usages();
  const background = new Usages();
  const growth = new Map(engines.map(({ name }) => [name, [] as number[]]));
  // From evening to evening: what a day replaces belongs to history alone from that moment on.
  const sizes = new Map(engines.map((engine) => [engine.name, engine.bytes()]));
  for (let day = 0; day < comparedDays; day += 1) {
    const pages = await device.churn();
    if (day === 0 && Object.keys(pages).length > 0) report.note(`Pages that one day changes: ${pagesText(pages)}`);
    for (const engine of inTurn(engines, day)) {
      daily.add(engine, engine.version());
      const later = engine.background?.();
      if (later !== undefined) background.add(engine, later);
      const size = engine.bytes();
      growth.get(engine.name)?.push(size - (sizes.get(engine.name) ?? 0));
      sizes.set(engine.name, size);
    }
  }
  for (const engine of engines) {
    const grown = median(growth.get(engine.name) ?? []);
    report.step(`Daily version, ${kind}`, engine.name, daily.of(engine.name), grown);
    const later = background.of(engine.name);
    if (later.length > 0) report.step(`Daily background work, ${kind}`, engine.name, later);
  }
  const peer = daily.of('restic');
  if (background.of('ours').length > 0 && peer.length > 0) {
    const both = typical(daily.of('ours')).seconds + typical(background.of('ours')).seconds;
    report.note(`A day with its background work, ${kind}: ${(both / typical(peer).seconds).toFixed(2)}x restic`);
  }
  return daily;
}

/** What a month of history of ours takes on the disk. */
export async function measureHistory(bench: Bench): Promise<void> {
  const { report, days, encrypted } = bench;
  const what = `History of ${days} days, ${kindOf(bench)}`;
  const target = 0.25;
  if (!bench.engines.includes('ours')) {
    report.share(what, undefined, 1, target);
    return;
  }
  const { device, folder } = await createDevice(bench, 'history');
  const engine = await createEngine('ours', { device, encrypted }, join(folder, 'engines'));
  engine.first();
  const background: Usage[] = [];
  for (let day = 0; day < days; day += 1) {
    await device.churn();
    engine.version();
    const later = engine.background?.();
    if (later !== undefined) background.push(later);
  }
  report.step(`Background work of ${days} days, each`, engine.name, background);
  report.share(what, engine.bytes(), diskUsage(device.backup), target);
  await rm(folder, { recursive: true });
}

/** The peak of memory of everything that ours does, with many files and many versions. */
export async function measureMemory(bench: Bench): Promise<void> {
  const { report, scale, encrypted } = bench;
  const files = Math.round(memoryFiles * scale);
  const what = `Peak memory, ${files} files, ${memoryVersions} versions`;
  const target = 160;
  if (!bench.engines.includes('ours')) {
    report.memory(what, undefined, target);
    return;
  }
  const folder = join(bench.work, 'memory');
  const device = await Device.create(folder, { scale, encrypted, files, small: true });
  const engine = await createEngine('ours', { device, encrypted }, join(folder, 'engines'));
  const versions = [engine.first()];
  while (versions.length < memoryVersions) {
    await device.churn();
    versions.push(engine.version());
  }
  const compaction = engine.background?.() ?? { seconds: 0, cpu: 0, peakMiB: 0 };
  const ids = engine.ids();
  const steps = {
    versions: typical(versions),
    compaction,
    opening: await engine.open(ids[0] ?? ''),
    dropping: engine.drop(ids.filter((_id, index) => index % 2 === 1)),
  };
  for (const [name, usage] of Object.entries(steps)) report.note(`${what}: ${name} ${usageText(usage)}`);
  report.memory(what, Math.max(...Object.values(steps).map(({ peakMiB }) => peakMiB)), target);
  await rm(folder, { recursive: true });
}
