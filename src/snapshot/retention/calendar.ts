/** The periods of which a policy keeps one version each. */
export type Period = 'hourly' | 'daily' | 'weekly' | 'monthly' | 'yearly';

const hourMs = 3_600_000;
const dayMs = 24 * hourMs;

/** Names of the periods that a moment lies in, equal for moments in the same one. */
export type PeriodNames = Readonly<Record<Period, string>>;

/** Gives the periods of moments, in milliseconds since 1970, as the clocks of a time zone show them. */
export class Calendar {
  readonly #format: Intl.DateTimeFormat;

  /** @throws RangeError where `timeZone` is no time zone of IANA. */
  constructor(timeZone: string) {
    this.#format = new Intl.DateTimeFormat('en-US', {
      timeZone,
      calendar: 'gregory',
      numberingSystem: 'latn',
      hourCycle: 'h23',
      year: 'numeric',
      month: 'numeric',
      day: 'numeric',
      hour: 'numeric',
      minute: 'numeric',
      second: 'numeric',
    });
  }

  periodsOf(timeMs: number): PeriodNames {
    const offsetMs = this.#offsetOf(timeMs);
    // What the clocks show, as if it was UTC.
    const local = new Date(timeMs + offsetMs);
    const date = local.toISOString();
    return {
      // Counted from 1970, since an hour comes twice when the clocks are set back.
      hourly: String(Math.floor((timeMs + (offsetMs % hourMs)) / hourMs)),
      daily: date.slice(0, -14),
      weekly: isoWeekOf(local),
      monthly: date.slice(0, -17),
      yearly: date.slice(0, -20),
    };
  }

  #offsetOf(timeMs: number): number {
    const parts = new Map(this.#format.formatToParts(timeMs).map(({ type, value }) => [type, Number(value)]));
    const part = (type: Intl.DateTimeFormatPartTypes): number => parts.get(type) ?? 0;
    const date = [part('year'), part('month') - 1, part('day')] as const;
    const shown = Date.UTC(...date, part('hour'), part('minute'), part('second'));
    return shown - Math.floor(timeMs / 1000) * 1000;
  }
}

/** Year and week by ISO 8601: a week belongs to the year of its Thursday. */
function isoWeekOf(local: Date): string {
  const thursday = new Date(local);
  thursday.setUTCDate(local.getUTCDate() - ((local.getUTCDay() + 6) % 7) + 3);
  const year = thursday.getUTCFullYear();
  const week = 1 + Math.floor((thursday.getTime() - Date.UTC(year, 0)) / (7 * dayMs));
  return `${year}-W${week}`;
}
