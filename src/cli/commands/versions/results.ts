import type { DeviceVersions, VersionInfo } from '../../../entry/snapshot.js';
import type { CliContext } from '../../context.js';
import { shortId } from '../../input/version-name.js';
import type { OpenLocation } from '../../open-store.js';
import type { CommonOptions } from '../../options.js';
import { formatBytes, formatLocalMinute } from '../../output/format.js';
import { toJsonLine } from '../../output/json.js';
import { plainRow } from '../../output/table.js';
import { escapeText } from '../../output/text.js';
import { changesOf, kindOf, marksOf, versionColumns } from '../../output/version-columns.js';

/** A version in words: `k3f9q2xw of 2026-11-23 02:48, capture, 1.4 GB, +3 ~12 -1`. */
export function versionInWords(version: VersionInfo): string {
  const { id, created, bytes } = version;
  return [
    `${shortId(id)} of ${formatLocalMinute(created)}`,
    kindOf(version),
    formatBytes(bytes),
    changesOf(version),
    ...marksOf(version),
  ]
    .filter((part) => part !== '')
    .join(', ');
}

/** Writes versions to which something was done, as they are now. */
export async function writeVersions(
  location: OpenLocation,
  { device, versions, did }: { device: DeviceVersions; versions: readonly VersionInfo[]; did: string },
  to: { options: CommonOptions; context: CliContext },
): Promise<void> {
  const now = new Map((await location.list(device, { deleted: true })).map((version) => [version.id, version]));
  for (const version of versions) await writeVersion(now.get(version.id) ?? version, did, to);
}

/** Writes a version to which something was done. */
export async function writeVersion(
  version: VersionInfo,
  did: string,
  { options, context: { output } }: { options: CommonOptions; context: CliContext },
): Promise<void> {
  if (options.json === true) await output.write(`${toJsonLine(version)}\n`);
  else if (output.isTerminal) await output.write(`${did} ${escapeText(versionInWords(version))}\n`);
  else await output.write(plainRow(versionColumns({ devices: true, sizes: true, asTable: false }), version));
}
