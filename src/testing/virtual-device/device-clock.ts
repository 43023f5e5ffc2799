/** The clock of a device, which a host can set. */
export class DeviceClock {
  readonly #base: () => Date;
  #offsetMs = 0;

  /** `base` is the clock that it follows. */
  constructor(base: () => Date) {
    this.#base = base;
  }

  readonly now = (): Date => new Date(this.#base().getTime() + this.#offsetMs);

  /** Sets it, in seconds since 1970; nothing happens where that is no time. */
  set(seconds: number): void {
    const date = new Date(seconds * 1000);
    if (!Number.isNaN(date.getTime())) this.#offsetMs = date.getTime() - this.#base().getTime();
  }
}
