/**
 * A scenario that is played against a target, on a stream like any other. The player of the library decides; this gives it the
 * bytes, the ends and the time, and does what it says until there is a verdict. Then it closes the connection.
 */

import { decodeText, encodeText, type AnnouncedTarget } from "@wirebook/protocol";
import { Player, secretName } from "@wirebook/scenario";
import type { Action, Pace, Scenario, StepResult, Verdict } from "@wirebook/scenario";
import type { GatewayConnection } from "../gateway/connection.svelte.ts";
import { playCloseMs, playStepsAtOnce, playTurnMs, playWaitingBytesMax } from "../limits.ts";
import { sentence } from "../streams/result.ts";
import type { Stream } from "../streams/stream.svelte.ts";
import type { Streams } from "../streams/streams.svelte.ts";
import { duration, plural } from "../ui/format.ts";
import { RedrawThrottle } from "../ui/redraw-throttle.svelte.ts";

export interface PlayOrder {
  readonly scenario: Scenario;
  readonly text: string;
  readonly target: AnnouncedTarget;
  readonly values: ReadonlyMap<string, string>;
  readonly pace: Pace;
}

type PlayConnection = Pick<GatewayConnection, "waitingBytes">;

export class Play {
  readonly order: PlayOrder;
  readonly stream: Stream;
  verdict = $state.raw<Verdict>();
  readonly #streams: Streams;
  readonly #connection: PlayConnection;
  readonly #player: Player;
  readonly #startedMs = performance.now();
  readonly #over = Promise.withResolvers<this>();
  /** Settles with the verdict. */
  readonly over = this.#over.promise;
  readonly #redraw = new RedrawThrottle();
  #hasBegun = false;
  /** True while it waits before it sends more. */
  #isResting = false;
  #timer: ReturnType<typeof setTimeout> | undefined;

  /** Connects and plays; `undefined` when there is no connection to the gateway. */
  static start(streams: Streams, connection: PlayConnection, order: PlayOrder): Play | undefined {
    const rest = { user: "", bytes: new Uint8Array(0), by: "user", purpose: "a play" } as const;
    const stream = streams.connect({ ...rest, target: order.target });
    return stream && new Play(streams, connection, stream, order);
  }

  private constructor(streams: Streams, connection: PlayConnection, stream: Stream, order: PlayOrder) {
    this.order = order;
    this.stream = stream;
    this.#streams = streams;
    this.#connection = connection;
    this.#player = new Player(order.scenario, order);
    stream.driver = {
      opened: () => this.#begin(),
      received: (bytes) => this.#take(() => this.#player.received(bytes, performance.now())),
      ended: () => this.#take(() => this.#player.ended("fin")),
    };
    void stream.over.then(() => this.#lose());
  }

  /** The results of the steps so far, in their order. */
  get results(): readonly StepResult[] {
    this.#redraw.listen();
    return this.#player.results;
  }

  /** The verdict in a sentence; empty while it plays. */
  get summary(): string {
    const { verdict, results } = this;
    if (verdict === undefined) return "";
    if (verdict.kind === "broken") return sentence(verdict.sentence);
    if (verdict.kind !== "held") return `Line ${verdict.line}: ${verdict.sentence}.`;
    const lastMs = results.at(-1)?.atMs ?? this.#startedMs;
    return `Held: ${plural(results.length, "step")} in ${duration(lastMs - this.#startedMs)}.`;
  }

  stop(): void {
    if (this.verdict !== undefined) return;
    this.#player.failed("you stopped the play");
    this.#reset();
    this.#go();
  }

  #begin(): void {
    this.#hasBegun = true;
    this.#go();
  }

  /** Something came: it may be what a step waits for. */
  #take(tell: () => void): void {
    tell();
    if (!this.#isResting) this.#go();
  }

  #lose(): void {
    const { failure, state } = this.stream;
    if (failure?.code === "connection-reset") this.#player.ended("rst");
    else if (failure !== undefined) this.#player.failed(failure.message);
    else if (state === "done") this.#player.ended("fin");
    else this.#player.failed("the connection was closed here before the play was over");
    this.#begin();
  }

  #go(): void {
    clearTimeout(this.#timer);
    this.#isResting = false;
    if (this.verdict !== undefined) return;
    const player = this.#player;
    if (this.#hasBegun) this.#advance();
    this.#redraw.mark();
    if (player.verdict !== undefined) return this.#finish(player.verdict);
    const deadlineMs = this.#isResting ? performance.now() + playTurnMs : player.deadlineMs;
    if (deadlineMs !== undefined) this.#timer = setTimeout(() => this.#go(), deadlineMs - performance.now());
  }

  /** Does what the player says, until it waits or has done enough for one go. */
  #advance(): void {
    for (let count = 0; ; count++) {
      this.#isResting = count === playStepsAtOnce || this.#connection.waitingBytes > playWaitingBytesMax;
      if (this.#isResting) return;
      const action = this.#player.advance(performance.now());
      if (action === undefined) return;
      this.#perform(action);
    }
  }

  #perform(action: Action): void {
    const { stream } = this;
    if (stream.state !== "running") this.#player.failed("the connection was over before this step");
    else if (action.kind === "send") this.#streams.write(stream, action.bytes, this.#withoutSecret(action.bytes));
    else if (action.kind === "end") this.#streams.close(stream, "end");
    else if (action.kind === "reset") this.#reset();
    // After `close` there is no step, and the verdict closes.
  }

  /** What the page keeps of bytes that it sends. */
  #withoutSecret(bytes: Uint8Array): Uint8Array {
    const secret = this.order.values.get(secretName) ?? "";
    if (secret === "") return bytes;
    return encodeText(decodeText(bytes).replaceAll(secret, "*".repeat(encodeText(secret).length)));
  }

  #reset(): void {
    // A Unix socket has no RST.
    const isUnix = this.stream.intent.target.transport === "unix";
    this.#streams.close(this.stream, isUnix ? "cancel" : "reset");
  }

  #finish(verdict: Verdict): void {
    const { stream } = this;
    this.verdict = verdict;
    this.#over.resolve(this);
    if (stream.state !== "running") return;
    if (!stream.isEnding) this.#streams.close(stream, "end");
    this.#timer = setTimeout(() => stream.state === "running" && this.#streams.close(stream, "cancel"), playCloseMs);
  }
}
