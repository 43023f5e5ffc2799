/** Microseconds from the first day of Windows, 1601, to that of Unix. */
const windowsEpochUs = 11_644_473_600_000_000n;

/** Seconds since 1970 with all decimals that are needed, as pax has them. */
export function paxTime(modifiedUs: number): string {
  const us = BigInt(modifiedUs);
  const absolute = us < 0n ? -us : us;
  const fraction = String(absolute % 1_000_000n)
    .padStart(6, '0')
    .replace(/0+$/, '');
  return `${us < 0n ? '-' : ''}${absolute / 1_000_000n}${fraction === '' ? '' : `.${fraction}`}`;
}

/** Whole microseconds since 1970, rounded down, of what pax says; `undefined` for no number. */
export function parsePaxTime(text: string): number | undefined {
  const [, sign, seconds = '', fraction = ''] = /^(-?)(\d{1,11})(?:\.(\d+))?$/.exec(text) ?? [];
  if (sign === undefined) return undefined;
  const whole = BigInt(seconds) * 1_000_000n + BigInt(fraction.slice(0, 6).padEnd(6, '0'));
  if (sign === '') return Number(whole);
  return Number(-whole - (/[1-9]/.test(fraction.slice(6)) ? 1n : 0n));
}

/** Steps of 100 ns since 1601, as NTFS counts; `undefined` before that. */
export function windowsTime(modifiedUs: number): bigint | undefined {
  const us = BigInt(modifiedUs) + windowsEpochUs;
  return us < 0n ? undefined : us * 10n;
}

/** Whole microseconds since 1970 of what NTFS counts. */
export function fromWindowsTime(steps: bigint): number {
  return Number(steps / 10n - windowsEpochUs);
}
