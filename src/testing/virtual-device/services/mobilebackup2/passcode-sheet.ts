import type { VirtualDevice } from '../../types.js';
import { backupFailure } from './failure.js';
import type { PasscodeAnswer } from './types.js';

/** The sheet on the device that asks for the passcode before a backup. */
export class PasscodeSheet {
  readonly #device: Pick<VirtualDevice, 'hasPasscode' | 'notifications'>;
  readonly #patienceMs: number;
  #answer: PasscodeAnswer;
  #settle: ((isEntered: boolean) => void) | undefined;

  constructor(
    device: Pick<VirtualDevice, 'hasPasscode' | 'notifications'>,
    answer: PasscodeAnswer,
    patienceMs: number,
  ) {
    this.#device = device;
    this.#answer = answer;
    this.#patienceMs = patienceMs;
  }

  /** Whether it is on the screen. */
  get isShown(): boolean {
    return this.#settle !== undefined;
  }

  /** What the owner does from now on, also with a sheet that is shown. */
  answerWith(answer: PasscodeAnswer): void {
    this.#answer = answer;
    if (answer !== 'wait') this.#settle?.(answer === 'enter');
  }

  /** Shows it and waits for the owner. @throws BackupFailure 208 where the passcode is not entered in time. */
  async ask(signal: AbortSignal): Promise<void> {
    if (!this.#device.hasPasscode) return;
    this.#device.notifications.post('com.apple.LocalAuthentication.ui.presented');
    try {
      const isEntered = this.#answer === 'wait' ? await this.#wait(signal) : this.#answer === 'enter';
      if (!isEntered) throw backupFailure('locked', 'Device locked');
    } finally {
      this.#device.notifications.post('com.apple.LocalAuthentication.ui.dismissed');
    }
  }

  async #wait(signal: AbortSignal): Promise<boolean> {
    const giveUp = (): void => this.#settle?.(false);
    const timer = setTimeout(giveUp, this.#patienceMs);
    signal.addEventListener('abort', giveUp, { once: true });
    try {
      return await new Promise<boolean>((resolve) => {
        this.#settle = resolve;
        if (signal.aborted) resolve(false);
      });
    } finally {
      this.#settle = undefined;
      clearTimeout(timer);
      signal.removeEventListener('abort', giveUp);
    }
  }
}
