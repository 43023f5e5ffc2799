import { safeJson } from './text.js';

/**
 * A record of the library as one line of JSON: the same names and shape, with `Date` as ISO 8601 text, `Uint8Array` as base64,
 * `bigint` as a number where that is exact and else as text, `Map` as an object, `Set` as an array, an error as its name, message and
 * code. Functions and what is
 * `undefined` are left out. It holds no control character.
 */
export function toJsonLine(record: unknown): string {
  return safeJson(JSON.stringify(toJsonValue(record)) ?? 'null');
}

function toJsonValue(value: unknown): unknown {
  switch (typeof value) {
    case 'bigint':
      return Number.isSafeInteger(Number(value)) ? Number(value) : String(value);
    case 'function':
    case 'symbol':
      return undefined;
    case 'object':
      return value === null ? null : toJsonObject(value);
    default:
      return value;
  }
}

function toJsonObject(value: object): unknown {
  if (value instanceof Date) return Number.isNaN(value.getTime()) ? null : value.toISOString();
  if (value instanceof Uint8Array)
    return Buffer.from(value.buffer, value.byteOffset, value.byteLength).toString('base64');
  if (value instanceof Error)
    return { name: value.name, message: value.message, ...('code' in value ? { code: value.code } : {}) };
  if (Array.isArray(value) || value instanceof Set) return Array.from(value, (item) => toJsonValue(item) ?? null);
  const entries = value instanceof Map ? value.entries() : Object.entries(value);
  // Without a prototype `__proto__` is a key like others.
  const object = Object.create(null) as Record<string, unknown>;
  for (const [key, item] of entries) object[String(key)] = toJsonValue(item);
  return object;
}
