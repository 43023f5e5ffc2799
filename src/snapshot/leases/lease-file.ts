import { join } from 'node:path';
import { utf8Decode, utf8Encode } from '../../core/bytes.js';
import type { StoreFs } from '../fs/store-fs.js';
import type { ProcessIdentity } from './process-identity.js';

/**
 * A lease file is one line of JSON, which says who holds the lease, and one more byte for each beat. Appending never changes
 * what is there, and never reaches a file that another one has put in its place, as writing by name would.
 */
export interface LeaseHeader {
  /** Names the lease. */
  readonly token: string;
  /** What it is needed for. */
  readonly purpose: string;
  readonly holder: ProcessIdentity;
}

/** One look at a lease file. */
export interface LeaseState {
  /** Who holds it; `undefined` where the file does not say, e.g. because it is being written. */
  readonly header: LeaseHeader | undefined;
  /** Differs after each beat. */
  readonly mark: string;
}

/** Bytes that the first line may have. */
const headerLimit = 4096;

/** Characters of a text that are believed. */
const textLimit = 200;

/** Largest number of an exclusive lease: they start at 1 whenever nobody holds one. */
export const lastNumber = 999_999;

/** The parts of the name of a lease file. */
export interface LeaseName {
  readonly scope: string;
  readonly kind: 'exclusive' | 'shared' | 'draft';
  /** Number of an exclusive lease. */
  readonly number: number;
}

const namePattern = /^([A-Za-z0-9-]{1,128})\.(?:(exclusive)-([1-9]\d{0,5})|(shared|draft)-[0-9a-f-]{36})$/;

/** Takes the name of a file in the folder of leases apart; `undefined` where it is none of ours. */
export function parseLeaseName(name: string): LeaseName | undefined {
  const [, scope, exclusive, number, other] = namePattern.exec(name) ?? [];
  if (scope === undefined) return undefined;
  if (exclusive !== undefined) return { scope, kind: 'exclusive', number: Number(number) };
  return { scope, kind: other === 'shared' ? 'shared' : 'draft', number: 0 };
}

/** Path of a lease file. */
export function leasePath(folder: string, scope: string, part: `${LeaseName['kind']}-${string}`): string {
  return join(folder, `${scope}.${part}`);
}

/** @throws TypeError where it cannot be part of a name. */
export function checkScope(scope: string): void {
  if (!/^[A-Za-z0-9-]{1,128}$/.test(scope)) throw new TypeError(`scope ${JSON.stringify(scope)} is no name of a lease`);
}

/** The first line of a lease file. */
export function encodeHeader({ token, purpose, holder }: LeaseHeader): Uint8Array {
  return utf8Encode(`${JSON.stringify({ token, ...holder, purpose: purpose.slice(0, textLimit) })}\n`);
}

/** Looks at a lease file; `undefined` where there is none, or something that is no file. Content of any kind is no error. */
export function readLease(fs: StoreFs, path: string): LeaseState | undefined {
  const source = fs.open(path);
  if (source === undefined) return undefined;
  try {
    const bytes = new Uint8Array(Math.min(source.size, headerLimit));
    const text = utf8Decode(bytes.subarray(0, source.readSync?.(0, bytes) ?? 0));
    const end = text.indexOf('\n');
    const line = end === -1 ? text : text.slice(0, end);
    return { header: end === -1 ? undefined : parseHeader(line), mark: `${source.size} ${line}` };
  } finally {
    void source.close();
  }
}

function parseHeader(line: string): LeaseHeader | undefined {
  let value: unknown;
  try {
    value = JSON.parse(line);
  } catch {
    return undefined;
  }
  if (typeof value !== 'object' || value === null) return undefined;
  const { token, purpose, pid, uptime, ...rest } = value as Readonly<Record<string, unknown>>;
  const [host, machine] = [textOf(rest['host']), textOf(rest['machine'])];
  // Zero and negative numbers mean groups of processes.
  if (typeof pid !== 'number' || !Number.isInteger(pid) || pid < 1 || pid > 0x7fff_ffff) return undefined;
  if (typeof token !== 'string' || token === '' || typeof uptime !== 'number') return undefined;
  if (host === undefined || machine === undefined) return undefined;
  const optional = { started: textOf(rest['started']), boot: textOf(rest['boot']), space: textOf(rest['space']) };
  return { token, purpose: textOf(purpose) ?? '', holder: { pid, uptime, host, machine, ...optional } };
}

function textOf(value: unknown): string | undefined {
  // It is shown to people: no line breaks, no codes for terminals.
  return typeof value === 'string' ? value.slice(0, textLimit).replaceAll(/\p{C}/gu, ' ') : undefined;
}

/** Who holds a lease, in words. */
export function describeHolder(header: LeaseHeader | undefined): string {
  if (header === undefined) return 'a program that did not say which';
  const { holder, purpose } = header;
  return `process ${holder.pid} on ${holder.host}${purpose === '' ? '' : ` (${purpose})`}`;
}
