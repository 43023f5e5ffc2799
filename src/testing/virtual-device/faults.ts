import type { CableFault, FaultTarget, ReplyFault, VirtualFaults } from './types.js';

/** What may be done to one reply. */
export type ReplyDamage = ReplyFault['damage'];

/** A count that rules keep while messages or bytes pass. */
interface Countdown {
  readonly service: string | undefined;
  left: number;
}

function positive(value: number, name: string): number {
  if (!Number.isSafeInteger(value) || value < 1) throw new RangeError(`${name} must be 1 or more, not ${value}`);
  return value;
}

function concerns(rule: FaultTarget, service: string): boolean {
  return rule.service === undefined || rule.service === service;
}

/** The fault script of one device. Connections ask it as messages and bytes pass. */
export class FaultScript implements VirtualFaults {
  readonly #pullCable: () => void;
  readonly #refusals = new Map<string, { error: string; left: number }>();
  #messageCuts: Countdown[] = [];
  #byteCuts: Countdown[] = [];
  #silences: Countdown[] = [];
  #delays: (FaultTarget & { ms: number })[] = [];
  #throttles: (FaultTarget & { bytesPerSecond: number })[] = [];
  #damages: (Countdown & { damage: ReplyDamage })[] = [];
  #onResume = new Set<() => void>();

  constructor(pullCable: () => void) {
    this.#pullCable = pullCable;
  }

  refuseService(service: string, error: string, options: { times?: number | undefined } = {}): void {
    this.#refusals.set(service, { error, left: options.times ?? Infinity });
  }

  pullCableAfter({ service, messages, bytes }: CableFault): void {
    if ((messages === undefined) === (bytes === undefined))
      throw new TypeError('pullCableAfter takes either messages or bytes');
    if (messages !== undefined) this.#messageCuts.push({ service, left: positive(messages, 'messages') });
    if (bytes !== undefined) this.#byteCuts.push({ service, left: positive(bytes, 'bytes') });
  }

  delayReplies(fault: FaultTarget & { ms: number }): void {
    this.#delays.push({ ...fault, ms: positive(fault.ms, 'ms') });
  }

  throttle(fault: FaultTarget & { bytesPerSecond: number }): void {
    this.#throttles.push({ ...fault, bytesPerSecond: positive(fault.bytesPerSecond, 'bytesPerSecond') });
  }

  goSilent(fault: FaultTarget & { afterMessages?: number | undefined } = {}): void {
    this.#silences.push({ service: fault.service, left: fault.afterMessages ?? 0 });
  }

  resume(): void {
    this.#silences = [];
    const waiting = this.#onResume;
    this.#onResume = new Set();
    for (const wake of waiting) wake();
  }

  damageReply(fault: ReplyFault): void {
    const { service, damage, message = 1 } = fault;
    this.#damages.push({ service, damage, left: positive(message, 'message') });
  }

  clear(): void {
    this.#refusals.clear();
    this.#messageCuts = [];
    this.#byteCuts = [];
    this.#delays = [];
    this.#throttles = [];
    this.#damages = [];
    this.resume();
  }

  /** The error with which lockdownd refuses this start of a service. */
  refusal(service: string): string | undefined {
    const refusal = this.#refusals.get(service);
    if (refusal === undefined) return undefined;
    refusal.left -= 1;
    if (refusal.left <= 0) this.#refusals.delete(service);
    return refusal.error;
  }

  /** The damage of the message that a service is about to send. */
  replyDamage(service: string): ReplyDamage | undefined {
    const due = this.#damages.filter((rule) => concerns(rule, service)).filter((rule) => (rule.left -= 1) === 0);
    this.#damages = this.#damages.filter((rule) => rule.left > 0);
    return due[0]?.damage;
  }

  /** Milliseconds to wait before the next message of a service. */
  replyDelay(service: string): number {
    return this.#delays.filter((rule) => concerns(rule, service)).reduce((sum, rule) => sum + rule.ms, 0);
  }

  /** Settles when a service may send: at once, after the silence, or when the connection has ended. */
  async untilHeard(service: string, signal: AbortSignal): Promise<void> {
    while (!signal.aborted && this.#silences.some((rule) => rule.left <= 0 && concerns(rule, service))) {
      await new Promise<void>((resolve) => {
        const wake = (): void => {
          signal.removeEventListener('abort', wake);
          this.#onResume.delete(wake);
          resolve();
        };
        this.#onResume.add(wake);
        signal.addEventListener('abort', wake, { once: true });
      });
    }
  }

  /** Whether the cable may be pulled as this service's messages pass, so that they must be flushed before they count. */
  watchesMessages(service: string): boolean {
    return this.#messageCuts.some((rule) => concerns(rule, service));
  }

  /** Counts a message of a service, and pulls the cable where it was the last one. */
  countMessage(service: string): void {
    for (const rule of this.#silences) if (concerns(rule, service)) rule.left -= 1;
    let isCut = false;
    for (const rule of this.#messageCuts) {
      if (!concerns(rule, service)) continue;
      rule.left -= 1;
      if (rule.left === 0) isCut = true;
    }
    this.#messageCuts = this.#messageCuts.filter((rule) => rule.left > 0);
    if (isCut) this.#pullCable();
  }

  /** What applies to the bytes of a connection that is being opened; `undefined` where nothing does. */
  meterFor(service: string): ByteMeter | undefined {
    const cuts = this.#byteCuts.filter((rule) => concerns(rule, service));
    const rates = this.#throttles.filter((rule) => concerns(rule, service)).map((rule) => rule.bytesPerSecond);
    if (cuts.length === 0 && rates.length === 0) return undefined;
    return {
      bytesPerSecond: Math.min(Infinity, ...rates),
      take: (length) => {
        const allowed = Math.min(length, ...cuts.map((rule) => rule.left));
        for (const rule of cuts) rule.left -= allowed;
        this.#byteCuts = this.#byteCuts.filter((rule) => rule.left > 0);
        return allowed;
      },
      isSpent: () => cuts.some((rule) => rule.left <= 0),
      pullCable: this.#pullCable,
    };
  }
}

/** What applies to the bytes of one connection. */
export interface ByteMeter {
  /** Infinite where there is no limit. */
  readonly bytesPerSecond: number;
  /** How many of `length` bytes may pass; they count as passed. */
  take(length: number): number;
  /** Whether the last byte has passed. */
  isSpent(): boolean;
  /** Ends everything; to be called when the last byte is out. */
  pullCable(): void;
}
