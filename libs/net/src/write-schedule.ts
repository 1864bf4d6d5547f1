/**
 * Carries out a write schedule [G-11]: each step waits for the one before, then for its own time.
 *
 * A write begins only when the kernel has taken the one before. Node would join writes that wait for each other, and
 * each of them shall be one segment of its own (with TCP_NODELAY, RFC 9293, section 3.7.4).
 */

import type { ScheduleStep } from "@wirebook/protocol";

export interface ScheduleActions {
  /** Writes, and calls back when the kernel has taken the bytes. */
  write(bytes: Uint8Array, onTaken: () => void): void;
  end(): void;
  reset(): void;
}

export class WriteSchedule {
  readonly #steps: readonly ScheduleStep[];
  readonly #message: Uint8Array;
  readonly #actions: ScheduleActions;
  #next = 0;
  #offset = 0;
  #timer: NodeJS.Timeout | undefined;

  /** @param message what the steps write, one part after the other */
  constructor(steps: readonly ScheduleStep[], message: Uint8Array, actions: ScheduleActions) {
    this.#steps = steps;
    this.#message = message;
    this.#actions = actions;
  }

  /** The connection stands: the first step's time begins. */
  begin(): void {
    const step = this.#steps[this.#next++];
    if (step === undefined) return;
    if (step.afterMs === 0) this.#do(step);
    else this.#timer = setTimeout(() => this.#do(step), step.afterMs);
  }

  stop(): void {
    clearTimeout(this.#timer);
    this.#next = this.#steps.length;
  }

  #do(step: ScheduleStep): void {
    if ("bytes" in step) {
      const part = this.#message.subarray(this.#offset, (this.#offset += step.bytes));
      this.#actions.write(part, () => this.begin());
    } else if (step.do === "end") this.#actions.end();
    else this.#actions.reset();
  }
}
