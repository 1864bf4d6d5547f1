/**
 * One scenario, played on one connection: the player says what to do next; this does it, and tells the player what came.
 *
 * The verdict ends it. What is left of the connection is then closed as a program would: FIN, and reading until the
 * target's, but not for longer than `closingMsMax`. Where the scenario did not hold, the connection is left by RST.
 */

import { Connection, connectTimeoutMsDefault, Deadline } from "@wirebook/net";
import type { ConnectionListener, ConnectionOutcome, Target } from "@wirebook/net";
import { encodeText, StreamRecord } from "@wirebook/protocol";
import { Player } from "@wirebook/scenario";
import type { Action, Scenario, StepResult, Verdict } from "@wirebook/scenario";
import { exportBounds, noteReset } from "../output/files.ts";

/** Milliseconds for which the target's FIN is waited for once a scenario has held. */
const closingMsMax = 1000;

/** Bytes that wait for the target; with more the player waits as well. */
const unsentBytesMax = 256 * 1024;

/** What is played, and how. */
export interface PlayOptions {
  /** How the scenario is called in what is said of it. */
  readonly file: string;
  readonly scenario: Scenario;
  readonly target: Target;
  readonly values: ReadonlyMap<string, string>;
  readonly pace: "recorded" | "fast";
  readonly timeout: number | undefined;
  readonly listenForInterrupt: (listener: () => void) => () => void;
}

/** How a scenario ended: at which line, unless it held, and why. */
interface PlayOutcome {
  readonly verdict: "held" | "failed" | "timed-out" | "broken" | "unreachable" | "interrupted";
  readonly line?: number | undefined;
  readonly message?: string;
}

export interface Played extends PlayOptions {
  readonly outcome: PlayOutcome;
  readonly results: readonly StepResult[];
  /** Milliseconds from the connecting to the verdict. */
  readonly ms: number;
  readonly record: StreamRecord;
}

/** Plays a scenario. Ctrl-C ends it. */
export function play(options: PlayOptions): Promise<Played> {
  return new Driver(options).over;
}

class Driver implements ConnectionListener {
  readonly over: Promise<Played>;
  readonly #resolve: (played: Played) => void;
  readonly #options: PlayOptions;
  readonly #player: Player;
  readonly #record = new StreamRecord(exportBounds);
  readonly #deadline = new Deadline(() => this.#passDeadline());
  readonly #connection: Connection;
  readonly #stopListening: () => void;
  #isOpen = false;
  #isOver = false;
  /** True while what comes next waits for the target to take what was sent. */
  #isStuck = false;
  #outcome: PlayOutcome | undefined;
  #decidedMs = 0;

  constructor(options: PlayOptions) {
    const { scenario, target, values, pace, timeout: timeoutMs } = options;
    ({ promise: this.over, resolve: this.#resolve } = Promise.withResolvers<Played>());
    this.#options = options;
    this.#player = new Player(scenario, { values, pace, timeoutMs });
    const connectTimeoutMs = timeoutMs ?? connectTimeoutMsDefault;
    const conversation = { message: new Uint8Array(0), connectTimeoutMs, record: this.#record };
    this.#connection = new Connection(target, conversation, this).connect();
    this.#stopListening = options.listenForInterrupt(() => {
      if (this.#outcome === undefined) this.#decide({ verdict: "interrupted", message: "interrupted" });
      else this.#connection.cancel();
    });
  }

  onOpen(): void {
    this.#isOpen = true;
    this.#goOn();
  }

  onRead(bytes: Uint8Array, atMs: number): void {
    this.#player.received(bytes, atMs);
    this.#goOn();
  }

  onWritten(): void {
    this.#goOn();
  }

  onFin(isFromTarget: boolean): void {
    if (isFromTarget) this.#player.ended("fin");
    this.#goOn();
  }

  onOver(how: ConnectionOutcome): void {
    this.#isOver = true;
    if (this.#outcome !== undefined) return this.#settle();
    if ("reason" in how) {
      if (how.reason === "fin") this.#player.ended("fin");
    } else if (!this.#isOpen) {
      return this.#decide({
        verdict: how.code === "connect-timeout" ? "timed-out" : "unreachable",
        message: how.message,
      });
    } else if (how.code === "connection-reset") {
      noteReset(this.#record);
      this.#player.ended("rst");
    } else this.#player.failed(how.message);
    this.#goOn();
  }

  get #unsentBytes(): number {
    return this.#isOver ? 0 : this.#connection.unsentBytes;
  }

  /** Does what the player says, until something must come first, or a time pass. */
  #goOn(): void {
    if (!this.#isOpen || this.#outcome !== undefined) return;
    while (this.#unsentBytes < unsentBytesMax) {
      const action = this.#player.advance(performance.now());
      if (action === undefined) break;
      this.#do(action);
    }
    const { verdict, deadlineMs = Infinity } = this.#player;
    // A scenario that ends with something to send has held once the target takes it.
    this.#isStuck = this.#unsentBytes >= (verdict?.kind === "held" ? 1 : unsentBytesMax);
    if (verdict !== undefined && !this.#isStuck) this.#decide(outcomeOf(verdict));
    else this.#deadline.set(this.#isStuck ? this.#timeoutMs : Math.max(0, deadlineMs - performance.now()));
  }

  #do({ kind, ...action }: Action): void {
    if ("bytes" in action) this.#connection.write(action.bytes);
    else if (kind === "end") this.#connection.end();
    // A Unix socket has no RST, and is closed.
    else if (kind === "reset" && !this.#connection.reset()) this.#connection.cancel();
    // After `close` nothing can follow: the verdict closes the connection.
  }

  get #timeoutMs(): number {
    return this.#options.timeout ?? this.#options.scenario.timeoutMs;
  }

  #passDeadline(): void {
    if (this.#outcome !== undefined) return this.#connection.cancel();
    if (!this.#isStuck) return this.#goOn();
    const { unsentBytes } = this.#connection;
    const message = `the target took nothing for ${this.#timeoutMs} ms, and ${unsentBytes} bytes wait to be sent`;
    this.#decide({ verdict: "timed-out", line: this.#player.next?.line, message });
  }

  #decide(outcome: PlayOutcome): void {
    if (this.#outcome !== undefined) return;
    this.#outcome = outcome;
    this.#decidedMs = performance.now();
    if (this.#isOver) return this.#settle();
    if (outcome.verdict !== "held") return this.#connection.cancel();
    this.#deadline.set(closingMsMax);
    this.#connection.end();
  }

  #settle(): void {
    this.#stopListening();
    this.#deadline.clear();
    hideSecret(this.#record, this.#player.secret);
    const { results } = this.#player;
    const ms = this.#decidedMs - (this.#record.at.connecting ?? 0);
    const outcome = this.#outcome as PlayOutcome;
    this.#resolve({ ...this.#options, outcome, results, ms, record: this.#record });
  }
}

function outcomeOf(verdict: Verdict): PlayOutcome {
  if (verdict.kind === "held") return { verdict: "held" };
  if (verdict.kind === "broken") return { verdict: "broken", message: verdict.sentence };
  const { step, difference } = verdict.result;
  return { verdict: verdict.kind, line: step.line, message: difference?.sentence ?? "" };
}

/** Puts asterisks in place of a key wherever it was sent or came back, across reads as well. */
function hideSecret({ events }: StreamRecord, secret = ""): void {
  const key = Buffer.from(encodeText(secret)).toString("latin1");
  if (key === "") return;
  for (const isFromTarget of [false, true]) {
    const ofOneWay = events.filter((event) => event.isFromTarget === isFromTarget && event.bytes !== undefined);
    const all = Buffer.concat(ofOneWay.map(({ bytes = new Uint8Array(0) }) => bytes)).toString("latin1");
    const hidden = Buffer.from(all.replaceAll(key, "*".repeat(key.length)), "latin1");
    let from = 0;
    for (const event of ofOneWay) event.bytes = hidden.subarray(from, (from += event.byteCount));
  }
}
