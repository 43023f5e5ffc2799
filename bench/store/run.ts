// npm run bench:store [-- OPTIONS]: keeping versions, as ratios against restic and borg in the same run, on the same file system
// and on the same live backup. Ends with status 1 where a target is missed.
//
//   --scale 1         part of the full size: 50,000 files (2.1 GB) and databases of 1.4 GB
//   --days 30         length of the history that is measured
//   --runs 3          repetitions of what can be repeated
//   --dir FOLDER      where to work; needs five times the size of the backup
//   --encrypted       the encrypted twin too, with its password known
//   --engines LIST    ours,restic,borg
//   --phases LIST     compare,history,memory
//   --quick           a twentieth of the size, a week, one run
import { cpus, tmpdir } from 'node:os';
import { mkdtemp, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { engineNames, sortedByPresence } from './engines.js';
import { compare, measureHistory, measureMemory, type Bench } from './phases.js';
import { Report } from './report.js';

const { values } = parseArgs({
  options: {
    scale: { type: 'string' },
    days: { type: 'string' },
    runs: { type: 'string' },
    dir: { type: 'string', default: tmpdir() },
    encrypted: { type: 'boolean', default: false },
    engines: { type: 'string', default: engineNames.join(',') },
    phases: { type: 'string', default: 'compare,history,memory' },
    quick: { type: 'boolean', default: false },
  },
});
const scale = Number(values.scale ?? (values.quick ? 0.05 : 1));
const days = Number(values.days ?? (values.quick ? 7 : 30));
const runs = Number(values.runs ?? (values.quick ? 1 : 3));
const phases = new Set(values.phases.split(','));

const { present, absent } = sortedByPresence(values.engines.split(','));
const warning =
  absent.length === 0 ? undefined : `!!! NOT THERE AND NOT MEASURED: ${absent.join(', ').toUpperCase()} !!!`;
if (warning !== undefined) console.error(warning);

const report = new Report();
const work = await mkdtemp(join(values.dir, 'ios-backup-kit-bench-'));
try {
  console.log(
    `Node ${process.version}, ${cpus().length} x ${cpus()[0]?.model ?? 'unknown CPU'}, scale ${scale}, median of ${runs} alternating runs`,
  );
  for (const encrypted of values.encrypted ? [false, true] : [false]) {
    const bench: Bench = { report, work, scale, runs, days, encrypted, engines: present };
    if (phases.has('compare')) await compare(bench);
    if (phases.has('history')) await measureHistory(bench);
    if (phases.has('memory') && !encrypted) await measureMemory(bench);
  }
} finally {
  await rm(work, { recursive: true, force: true });
}
console.log(`\n${report.tables()}`);
if (warning !== undefined) console.error(`\n${warning}`);
process.exitCode = report.missed ? 1 : 0;
