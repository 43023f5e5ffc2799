import { checkPrime, createPrivateKey, type KeyObject } from 'node:crypto';
import { promisify } from 'node:util';
import { base64Encode, hexDecode, hexEncode } from '../../core/bytes.js';
import { SeededRandom } from '../backup-builder/seeded-random.js';

const isPrime = promisify(checkPrime);
const primeBytes = 128;
const exponent = 65_537n;

const smallPrimes = Array.from({ length: 2000 }, (_, i) => i).filter(
  (n) => n > 2 && !Array.from({ length: Math.floor(Math.sqrt(n)) - 1 }, (_, i) => i + 2).some((d) => n % d === 0),
);

/** Keys that were made; the same seed always gives the same, and making one takes longer than all else of a device. */
const keys = new Map<string, Promise<KeyObject>>();
const mostKeys = 32;

/** The RSA key of 2048 bits of the device of a seed. Not for real secrets. */
export async function seededDeviceKey(seed: number | string): Promise<KeyObject> {
  const name = String(seed);
  const key = keys.get(name) ?? makeKey(new SeededRandom(seed).fork('device key'));
  const [oldest] = keys.keys();
  if (keys.size >= mostKeys && oldest !== undefined) keys.delete(oldest);
  keys.set(name, key);
  return await key;
}

async function makeKey(random: SeededRandom): Promise<KeyObject> {
  const p = await prime(random);
  const q = await prime(random);
  const d = inverse(exponent, (p - 1n) * (q - 1n));
  return createPrivateKey({
    format: 'jwk',
    key: {
      kty: 'RSA',
      n: base64url(p * q),
      e: base64url(exponent),
      d: base64url(d),
      p: base64url(p),
      q: base64url(q),
      dp: base64url(d % (p - 1n)),
      dq: base64url(d % (q - 1n)),
      qi: base64url(inverse(q, p)),
    },
  });
}

/** The next prime from a random start, with both upper bits set so that a product of two has twice as many bits. */
async function prime(random: SeededRandom): Promise<bigint> {
  const bytes = random.bytes(primeBytes);
  bytes[0] = (bytes[0] ?? 0) | 0xc0;
  bytes[primeBytes - 1] = (bytes[primeBytes - 1] ?? 0) | 1;
  const start = BigInt(`0x${hexEncode(bytes)}`);
  const remainders = smallPrimes.map((small) => Number(start % BigInt(small)));
  for (let step = 0; ; step += 2) {
    if (smallPrimes.some((small, i) => ((remainders[i] ?? 0) + step) % small === 0)) continue;
    const candidate = start + BigInt(step);
    if ((candidate - 1n) % exponent !== 0n && (await isPrime(candidate))) return candidate;
  }
}

/** The inverse of `value` modulo `modulus`, by Euclid's algorithm. */
function inverse(value: bigint, modulus: bigint): bigint {
  let [a, b] = [value % modulus, modulus];
  let [x, y] = [1n, 0n];
  while (b !== 0n) {
    const quotient = a / b;
    [a, b] = [b, a % b];
    [x, y] = [y, x - quotient * y];
  }
  return ((x % modulus) + modulus) % modulus;
}

function base64url(value: bigint): string {
  const digits = value.toString(16);
  const bytes = hexDecode(digits.length % 2 === 0 ? digits : `0${digits}`) ?? new Uint8Array();
  return base64Encode(bytes).replaceAll('+', '-').replaceAll('/', '_').replaceAll('=', '');
}
