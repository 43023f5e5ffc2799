import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { cpuTimer } from '../../support/cpu-timer.js';
import { HashIndex } from '../../../src/snapshot/contents/hash-index.js';
import { sha256 } from './pack-support.js';

const keyOf = (value: number): Uint8Array => sha256(Buffer.from(String(value)));
const hex = (bytes: Uint8Array): string => Buffer.from(bytes).toString('hex');

describe('HashIndex', () => {
  it('behaves as a map', () => {
    const steps = fc.array(fc.tuple(fc.nat({ max: 60 }), fc.nat({ max: 2 ** 32 - 1 }), fc.boolean()), {
      maxLength: 200,
    });
    fc.assert(
      fc.property(steps, (list) => {
        const index = new HashIndex();
        const map = new Map<string, number>();
        for (const [name, value, replace] of list) {
          const key = keyOf(name);
          const known = map.has(hex(key));
          expect(index.has(key)).toBe(known);
          if (replace) index.set(key, value);
          else expect(index.add(key, value)).toBe(!known);
          if (replace || !known) map.set(hex(key), value);
          expect(index.get(key)).toBe(map.get(hex(key)));
        }
        expect(index.size).toBe(map.size);
        expect([...index.entries()].map(([key, value]) => [hex(key), value])).toEqual([...map]);
      }),
    );
  });

  it('holds many keys, also ones that differ in a single byte, in little memory', () => {
    const index = new HashIndex(250_000);
    const keys = new Uint8Array(40);
    const view = new DataView(keys.buffer);
    const count = 300_000;
    for (const at of [0, 8]) {
      for (let i = 0; i < count; i += 1) {
        view.setUint32(at + 28, i);
        index.add(keys, i, at);
      }
      view.setUint32(at + 28, 0);
      keys.fill(1, 8);
    }
    expect(index.size).toBe(2 * count);
    expect(index.memoryBytes / index.size).toBeLessThan(50);
    view.setUint32(36, 77);
    expect(index.get(keys, 8)).toBe(77);
    view.setUint32(36, count);
    expect(index.get(keys, 8)).toBeUndefined();
    expect(() => index.has(keys, 9)).toThrow(RangeError);
    expect(() => index.has(new Uint8Array(31))).toThrow(RangeError);
  });

  it.each([0, 1, 256, 2 ** 24, -(2 ** 31)])('takes time by the number of keys also with the seed %i', (word) => {
    const cpu = cpuTimer();
    const index = new HashIndex(50_000, new Int32Array(8).fill(word));
    const key = Buffer.alloc(32);
    for (let i = 0; i < 50_000; i += 1) {
      key.writeUInt32BE(i, 28);
      index.add(key, i);
    }
    expect(index.size).toBe(50_000);
    expect(cpu()).toBeLessThan(2000);
  });
});
