/**
 * What the operator sees: a short line for each event on a TTY, a JSON line otherwise.
 *
 * Logging never delays serving. The lines of one turn of the event loop go out in one write, and a terminal that is gone
 * does not stop the server.
 */

import { closeSync, constants, fstatSync, openSync, writeSync } from "node:fs";
import { Writable } from "node:stream";
import { setTimeout as pause } from "node:timers/promises";
import { plainText, quoteText } from "@wirebook/protocol";

/** Bytes that wait for a terminal that takes none; further lines are only counted. */
export const logBytesMax = 256 * 1024;
/** Milliseconds between two lines that tell of refusals, of which a flood makes thousands a second. */
const refusalsMs = 1000;
/** Milliseconds until a terminal that took nothing is tried again. */
const logRetryMs = 10;
/** Milliseconds that the end of the process waits for the terminal to take the last lines. */
const logCloseMs = 500;

/** docs/reference/log-events.md says what each is. */
export type LogEvent =
  | Readonly<{ event: "listening"; host: string; port: number; history: string; users: string }>
  | {
      readonly event: "request";
      readonly time: string;
      readonly address: string;
      readonly message: string;
      readonly isCut: boolean;
      /** The verb of what was done, or `error`, `unknown` (an unknown user), `broken` (before the message ended). */
      readonly outcome: string;
      readonly code?: string;
      readonly sentence?: string;
      readonly detail?: string | undefined;
    }
  /** With how many others there were since the last line that told of one. */
  | Readonly<{ event: "refused"; address: string; code: string; more?: number }>
  | { readonly event: "notice" | "failure" | "stopping"; readonly message: string }
  | { readonly event: "not-shown"; readonly lines: number };

export class RequestLog implements AsyncDisposable {
  readonly #stream: Writable;
  readonly #encode: (event: LogEvent) => string;
  readonly #bytesMax: number;
  #gathered = "";
  #linesNotShown = 0;
  /** Until when refusals are counted instead of shown, and how many were. */
  #countsUntilMs = 0;
  #refusals = 0;
  #isGone = false;

  constructor(stream: Writable, isTty: boolean, bytesMax: number = logBytesMax) {
    this.#stream = stream;
    this.#encode = isTty ? describe : encodeJson;
    this.#bytesMax = bytesMax;
    stream.on("error", () => (this.#isGone = true));
  }

  /** Shows an event, or counts it when too much is waiting. Never waits and never throws. */
  write(event: LogEvent): void {
    if (event.event !== "refused") return this.#show(event);
    const nowMs = performance.now();
    if (nowMs < this.#countsUntilMs) return void (this.#refusals += 1);
    this.#countsUntilMs = nowMs + refusalsMs;
    this.#show(this.#refusals > 0 ? { ...event, more: this.#refusals } : event);
    this.#refusals = 0;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#flush();
    if (this.#isGone || this.#stream.writableLength === 0) return;
    const written = new Promise<void>((resolve) => this.#stream.write("", () => resolve()));
    await Promise.race([written, pause(logCloseMs, undefined, { ref: false })]);
  }

  #show(event: LogEvent): void {
    if (this.#isGone) return;
    if (this.#isFull() || this.#linesNotShown > 0) this.#linesNotShown += 1;
    else this.#gather(event);
  }

  #gather(event: LogEvent): void {
    if (this.#gathered === "") setImmediate(() => this.#flush());
    this.#gathered += this.#encode(event);
  }

  #flush(): void {
    const lines = this.#gathered;
    this.#gathered = "";
    if (lines !== "" && !this.#isGone) this.#stream.write(lines, () => this.#showCount());
  }

  #isFull(): boolean {
    return this.#gathered.length + this.#stream.writableLength >= this.#bytesMax;
  }

  /** Called when the terminal has taken something: only then there may be room. */
  #showCount(): void {
    if (this.#linesNotShown === 0 || this.#isFull()) return;
    const lines = this.#linesNotShown;
    this.#linesNotShown = 0;
    this.#gather({ event: "not-shown", lines });
  }
}

/** One JSON object a line, in which nothing is left that acts on a terminal. */
function encodeJson(event: LogEvent): string {
  return `${plainText(JSON.stringify(event))}\n`;
}

/** The same for a person: the time, the event, and `name=value` for each member. */
function describe(shown: LogEvent): string {
  const { event, time = new Date().toISOString(), ...members }: { event: string; time?: string } = shown;
  const pairs = Object.entries(members).map(([name, value]) => {
    const text = String(value);
    return `${name}=${/[\s"]/u.test(text) ? quoteText(text) : plainText(text)}`;
  });
  return `${[time.slice(11, 23), event, ...pairs].join(" ")}\n`;
}

/**
 * A stream to the TTY or pipe behind a descriptor, opened once more, since Node writes to both synchronously: Ctrl-S or a
 * stopped pager would stop the server. `undefined` for anything else, and where that fails.
 */
export function openLogStream(descriptor: number): Writable | undefined {
  let own: number;
  try {
    const stats = fstatSync(descriptor);
    if (!stats.isCharacterDevice() && !stats.isFIFO()) return undefined;
    own = openSync(`/dev/fd/${descriptor}`, constants.O_WRONLY | constants.O_NONBLOCK | constants.O_NOCTTY);
  } catch {
    return undefined;
  }
  return new Writable({
    write: (bytes: Buffer, _encoding, done) => writeWhole(own, bytes, done),
    destroy: (error, done) => {
      closeSync(own);
      done(error);
    },
  });
}

function writeWhole(descriptor: number, bytes: Buffer, done: (error?: Error) => void): void {
  let taken = 0;
  try {
    taken = writeSync(descriptor, bytes);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "EAGAIN") return done(error as Error);
  }
  if (taken === bytes.length) return done();
  setTimeout(() => writeWhole(descriptor, bytes.subarray(taken), done), logRetryMs);
}
