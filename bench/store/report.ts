import { typical, type Usage } from './usage.js';

const seconds = (value: number): string => `${value.toFixed(2)} s`;
const percent = (value: number): string => `${(value * 100).toFixed(1)} %`;

/** Bytes for people. */
export const megabytes = (bytes: number): string => `${(bytes / 1e6).toFixed(bytes < 1e8 ? 1 : 0)} MB`;

/** What something cost in one line. */
export function usageText(usage: Usage): string {
  return `${seconds(usage.seconds)}, CPU ${seconds(usage.cpu)}, peak ${usage.peakMiB.toFixed(0)} MiB`;
}

interface Target {
  what: string;
  measured: string;
  target: string;
  met: boolean | undefined;
}

/** Collects what was measured, and what it was to be. */
export class Report {
  readonly #steps: string[][] = [];
  readonly #targets: Target[] = [];

  /** One step of one engine: medians, with the growth on the disk where there is one. */
  step(what: string, engine: string, usages: readonly Usage[], growth?: number): void {
    const usage = typical(usages);
    const row = [
      what,
      engine,
      seconds(usage.seconds),
      seconds(usage.cpu),
      `${usage.peakMiB.toFixed(0)} MiB`,
      growth === undefined ? '' : megabytes(growth),
    ];
    this.#steps.push(row);
    console.log(row.filter(Boolean).join(' | '));
  }

  /** The time of ours as a part of another one's; `undefined` where one of them was not measured. */
  ratio(what: string, part: { ours: Usage[]; peer: Usage[]; target: number; faster?: boolean }): void {
    const { ours, peer, target, faster = false } = part;
    const name = faster ? `>= ${target}x faster than restic` : `<= ${target}x restic`;
    if (ours.length === 0 || peer.length === 0) {
      this.#add({ what, measured: 'not measured', target: name, met: undefined });
      return;
    }
    const [a, b] = [typical(ours), typical(peer)];
    const ratio = faster ? b.seconds / a.seconds : a.seconds / b.seconds;
    const cpu = faster ? b.cpu / a.cpu : a.cpu / b.cpu;
    this.#add({
      what,
      measured: `${ratio.toFixed(2)}x (CPU ${cpu.toFixed(2)}x; ${seconds(a.seconds)} and ${seconds(b.seconds)})`,
      target: name,
      met: faster ? ratio >= target : ratio <= target,
    });
  }

  /** A part of one backup on the disk. */
  share(what: string, bytes: number | undefined, of: number, target: number): void {
    const name = `<= ${target} of one backup`;
    if (bytes === undefined) this.#add({ what, measured: 'not measured', target: name, met: undefined });
    else {
      const measured = `${(bytes / of).toFixed(3)} (${megabytes(bytes)} of ${megabytes(of)})`;
      this.#add({ what, measured, target: name, met: bytes / of <= target });
    }
  }

  /** A peak of memory. */
  memory(what: string, peakMiB: number | undefined, target: number): void {
    const name = `<= ${target} MiB`;
    if (peakMiB === undefined) this.#add({ what, measured: 'not measured', target: name, met: undefined });
    else this.#add({ what, measured: `${peakMiB.toFixed(0)} MiB`, target: name, met: peakMiB <= target });
  }

  /** Something to know beside the targets. */
  note(text: string): void {
    console.log(text);
  }

  #add(target: Target): void {
    this.#targets.push(target);
    const { what, measured, target: name, met } = target;
    console.log(`${what}: ${measured} (target ${name})${met === false ? ' MISSED' : ''}`);
  }

  /** Both tables. */
  tables(): string {
    const verdict = (met: boolean | undefined): string => {
      if (met === undefined) return 'NOT MEASURED';
      return met ? 'met' : 'MISSED';
    };
    const steps = table([['Step', 'Engine', 'Time', 'CPU', 'Peak', 'Growth'], ...this.#steps]);
    const targets = table([
      ['What', 'Measured', 'Target', ''],
      ...this.#targets.map(({ what, measured, target, met }) => [what, measured, target, verdict(met)]),
    ]);
    return `${steps}\n\n${targets}`;
  }

  /** Whether a target was measured and missed. */
  get missed(): boolean {
    return this.#targets.some(({ met }) => met === false);
  }
}

function table([head = [], ...rows]: string[][]): string {
  return [head, head.map(() => '---'), ...rows].map((row) => `| ${row.join(' | ')} |`).join('\n');
}

/** Pages that a day changed in each database. */
export function pagesText(pages: Record<string, { share: number }>): string {
  return Object.entries(pages)
    .map(([name, { share }]) => `${name} ${percent(share)}`)
    .join(', ');
}
