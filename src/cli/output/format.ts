const units = ['B', 'kB', 'MB', 'GB', 'TB', 'PB'];

/** A size for people, in powers of 1,000: `1.2 MB`. */
export function formatBytes(bytes: number): string {
  let value = bytes;
  let unit = 0;
  while (value >= 999.5 && unit < units.length - 1) {
    value /= 1000;
    unit += 1;
  }
  const digits = unit > 0 && value < 9.95 ? 1 : 0;
  return `${value.toFixed(digits)} ${units[unit]}`;
}

/** A time for people in the local time zone: `2024-05-06 07:08:09`. */
export function formatLocalTime(date: Date): string {
  const two = (value: number): string => String(value).padStart(2, '0');
  const day = `${date.getFullYear()}-${two(date.getMonth() + 1)}-${two(date.getDate())}`;
  return `${day} ${two(date.getHours())}:${two(date.getMinutes())}:${two(date.getSeconds())}`;
}

/** A time for people to the minute, in the local time zone: `2024-05-06 07:08`. */
export function formatLocalMinute(date: Date): string {
  return formatLocalTime(date).slice(0, 16);
}

const ages: readonly (readonly [unit: string, seconds: number])[] = [
  ['year', 365 * 86_400],
  ['month', 30 * 86_400],
  ['week', 7 * 86_400],
  ['day', 86_400],
  ['hour', 3600],
  ['minute', 60],
];

/** How long ago something was, for people, in the largest unit of which it is at least one: `3 days`, `1 month`, `now`. */
export function formatAge(date: Date, now: Date = new Date()): string {
  const seconds = (now.getTime() - date.getTime()) / 1000;
  for (const [unit, length] of ages) {
    const count = Math.floor(seconds / length);
    if (count >= 1) return `${count} ${unit}${count === 1 ? '' : 's'}`;
  }
  return seconds < -60 ? 'future' : 'now';
}

/** The same as a sentence has it: `3 days ago`. */
export function formatAgo(date: Date, now: Date = new Date()): string {
  const age = formatAge(date, now);
  if (age === 'future') return 'in the future';
  return age === 'now' ? age : `${age} ago`;
}

/** A duration for people: `0:07`, `12:34`, `1:02:03`. */
export function formatDuration(seconds: number): string {
  const whole = Math.max(0, Math.round(seconds));
  const two = (value: number): string => String(value).padStart(2, '0');
  const hours = Math.floor(whole / 3600);
  const minutes = Math.floor((whole % 3600) / 60);
  return hours > 0 ? `${hours}:${two(minutes)}:${two(whole % 60)}` : `${minutes}:${two(whole % 60)}`;
}

const typeLetters: Readonly<Record<number, string>> = { 0o04: 'd', 0o10: '-', 0o12: 'l' };

/** Mode bits as `ls -l` writes them: `-rw-r--r--`. */
export function formatMode(mode: number): string {
  const letters = Array.from('rwxrwxrwx', (letter, index) => ((mode >> (8 - index)) & 1 ? letter : '-'));
  return `${typeLetters[mode >> 12] ?? '?'}${letters.join('')}`;
}
