import { SeededRandom } from '../../src/testing/backup-builder/seeded-random.js';

/** How large generated files are: log-normal, as the files of a phone. */
export interface FileSizes {
  /** Half of the files are smaller, in bytes. */
  readonly median: number;
  /** Standard deviation of the logarithm. */
  readonly spread: number;
}

/** Median 8 KiB, mean 42 KB: 50,000 files hold about 2.09 GB. */
export const phoneSizes: FileSizes = { median: 8192, spread: 1.805 };
/** For what costs by the file and not by the byte. */
export const smallSizes: FileSizes = { median: 200, spread: 0.5 };

const largest = 64 * 1024 * 1024;
/** One of so many files is empty, as on a phone. */
const emptyOneIn = 200;

/** 4,096 tokens of eight letters: text in which a compressor finds a third to a half. */
const tokens = (() => {
  const letters = new SeededRandom('tokens').bytes(4096 * 8).map((byte) => {
    const letter = byte % 27;
    return letter === 26 ? 0x20 : 0x61 + letter;
  });
  return new BigUint64Array(letters.buffer);
})();

function text(random: SeededRandom, size: number): Uint8Array {
  const words = Math.ceil(size / 8);
  const choices = new Uint16Array(random.bytes(words * 2).buffer);
  const out = new BigUint64Array(words);
  for (let i = 0; i < words; i += 1) out[i] = tokens[(choices[i] ?? 0) & 4095] ?? 0n;
  return new Uint8Array(out.buffer, 0, size);
}

function sizeFrom(random: SeededRandom, sizes: FileSizes): number {
  if (random.below(emptyOneIn) === 0) return 0;
  const [u, v] = [(random.below(2 ** 32) + 1) / 2 ** 32, random.below(2 ** 32) / 2 ** 32];
  const normal = Math.sqrt(-2 * Math.log(u)) * Math.cos(2 * Math.PI * v);
  return Math.min(largest, Math.round(sizes.median * Math.exp(sizes.spread * normal)));
}

/** Content of one generation of a file; one in three compresses. The same seed gives the same bytes. */
export function contentOf(seed: string, sizes: FileSizes): Uint8Array {
  const random = new SeededRandom(seed);
  const size = sizeFrom(random, sizes);
  return random.below(3) === 0 ? text(random, size) : random.bytes(size);
}
