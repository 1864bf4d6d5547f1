/**
 * The connection to the gateway [G-1], made again whenever it is lost. One whose other end vanished without a FIN looks open
 * for minutes, so a silent gateway is given up. An answer may wait behind a long reply: all that comes is a sign of life.
 */

import { decodeByteFrame, decodeGatewayFrame, encodeFrame, subprotocol } from "@wirebook/protocol";
import type { ByteFrame, FrameErrorCode, GatewayFrame, PageFrame } from "@wirebook/protocol";
import { backoffMs, Retry } from "./retry.svelte.ts";

/** Clock round trips made when a connection opens, the milliseconds between them, and between them afterwards. */
const clockRoundsAtOpen = 6;
const clockRoundGapMs = 60;
const clockIntervalMs = 15_000;

/** Clock round trips that are remembered. */
export const clockRoundsKept = 16;

/** Milliseconds of silence, while a hello or the answer to a clock frame is awaited, after which a gateway is given up. */
const silenceMs = 10_000;

/** Codes from 4000 are for private use: the page's own, and the gateway's for a session that is over [G-14]. */
const silentCode = 4000;
const loginNeededCode = 4001;

/** Errors after which the gateway closes the connection [G-10]. */
const closingErrors: ReadonlySet<FrameErrorCode> = new Set([
  "frame-rate",
  "login-needed",
  "shutting-down",
  "too-many-websockets",
]);

export type Hello = Extract<GatewayFrame, { type: "hello" }>;

/** A text frame, and when it was sent or came. */
export interface TimedText {
  readonly atMs: number;
  readonly text: string;
}

export interface ConnectionListener {
  onOpen(hello: Hello): void;
  /** It was open and is lost. */
  onLost(reason: string): void;
  onFrame(frame: GatewayFrame, timed: TimedText): void;
  onBytes(frame: ByteFrame, atMs: number): void;
  onProblem(): void;
}

export class GatewayConnection {
  state = $state<"connecting" | "open" | "waiting">("connecting");
  hello = $state.raw<Hello>();
  clock = $state.raw<ClockReading>();
  /** Why it was lost, or why the last attempt failed. */
  reason = $state("");
  /** True when the gateway closed it because the session of its user is over [G-14]. */
  needsLogin = $state(false);
  /** What was wrong with the latest invalid frame. */
  problem = $state("");
  readonly retry = new Retry();
  readonly #url: string;
  #listener: ConnectionListener | undefined;
  #socket: WebSocket | undefined;
  #attempts = 0;
  #rounds = new GatewayClock();
  #roundsLeft = 0;
  #deadline: ReturnType<typeof setTimeout> | undefined;
  /** When the gateway last sent anything, or was asked. */
  #heardMs = 0;
  #nextRound: ReturnType<typeof setTimeout> | undefined;
  #retryAfterMs: number | undefined;

  constructor(url: string) {
    this.#url = url;
  }

  /** Connects, and reconnects from now on. */
  start(listener: ConnectionListener): void {
    this.#listener = listener;
    this.#connect();
  }

  stop(): void {
    const socket = this.#socket;
    this.#socket = undefined;
    clearTimeout(this.#deadline);
    clearTimeout(this.#nextRound);
    this.retry.stop();
    this.state = "waiting";
    this.reason = "";
    socket?.close();
  }

  get waitingBytes(): number {
    return this.#socket?.bufferedAmount ?? 0;
  }

  /** Sends a frame; returns what went out, and when, or `undefined` when there is no connection to send it on. */
  send(frame: PageFrame): TimedText | undefined {
    const text = encodeFrame(frame);
    const atMs = this.#transmit(text);
    return atMs === undefined ? undefined : { atMs, text };
  }

  /** Sends a byte frame; returns when it did, or `undefined` when there is no connection. */
  sendBytes(frame: Uint8Array<ArrayBuffer>): number | undefined {
    return this.#transmit(frame);
  }

  #transmit(data: string | Uint8Array<ArrayBuffer>): number | undefined {
    // It may be closing, before the close event.
    if (this.state !== "open" || this.#socket?.readyState !== WebSocket.OPEN) return undefined;
    const atMs = performance.now();
    this.#socket.send(data);
    return atMs;
  }

  #connect(): void {
    const socket = new WebSocket(this.#url, subprotocol);
    socket.binaryType = "arraybuffer";
    socket.addEventListener("message", ({ data }) => {
      if (socket === this.#socket) this.#take(data, performance.now());
    });
    socket.addEventListener("close", ({ code, reason }) => this.#lose(socket, code, reason));
    this.state = "connecting";
    this.#socket = socket;
    this.#rounds = new GatewayClock();
    this.#roundsLeft = clockRoundsAtOpen;
    this.#retryAfterMs = undefined;
    this.#expect(socket, "it sent no hello");
  }

  #take(data: unknown, atMs: number): void {
    this.#heardMs = atMs;
    if (typeof data === "string") return this.#takeText(data, atMs);
    const decoded = decodeByteFrame(new Uint8Array(data as ArrayBuffer));
    if (typeof decoded === "string") this.#complain(decoded);
    else this.#listener?.onBytes(decoded, atMs);
  }

  #takeText(text: string, atMs: number): void {
    const decoded = decodeGatewayFrame(text);
    if ("problem" in decoded) return this.#complain(decoded.problem);
    const { frame } = decoded;
    if (frame.type === "hello") this.#open(frame);
    else if (frame.type === "clock") this.#noteRound(frame.at, frame.gatewayAt, atMs);
    // It is about the connection: its closing says the rest.
    else if (frame.type === "error" && frame.id === null && closingErrors.has(frame.code))
      this.#retryAfterMs = frame.retryAfterMs;
    else this.#listener?.onFrame(frame, { atMs, text });
  }

  #complain(problem: string): void {
    this.problem = problem;
    this.#listener?.onProblem();
  }

  #open(hello: Hello): void {
    this.#attempts = 0;
    this.hello = hello;
    this.reason = "";
    this.needsLogin = false;
    this.state = "open";
    this.#startRound();
    this.#listener?.onOpen(hello);
  }

  #startRound(): void {
    this.send({ type: "clock", at: performance.now() });
    if (this.#socket !== undefined) this.#expect(this.#socket, "it did not answer a clock frame");
  }

  #noteRound(sentMs: number, gatewayMs: number, receivedMs: number): void {
    clearTimeout(this.#deadline);
    this.clock = this.#rounds.add(sentMs, gatewayMs, receivedMs);
    this.#roundsLeft = Math.max(0, this.#roundsLeft - 1);
    const gapMs = this.#roundsLeft > 0 ? clockRoundGapMs : clockIntervalMs;
    this.#nextRound = setTimeout(() => this.#startRound(), gapMs);
  }

  #expect(socket: WebSocket, otherwise: string): void {
    this.#heardMs = performance.now();
    clearTimeout(this.#deadline);
    const look = (): void => {
      const leftMs = this.#heardMs + silenceMs - performance.now();
      if (leftMs > 0) return void (this.#deadline = setTimeout(look, leftMs));
      socket.close(silentCode, otherwise);
      this.#lose(socket, silentCode, otherwise);
    };
    look();
  }

  #lose(socket: WebSocket, code: number, reason: string): void {
    // One that was given up says so again when it closes.
    if (socket !== this.#socket) return;
    this.#socket = undefined;
    clearTimeout(this.#deadline);
    clearTimeout(this.#nextRound);
    const wasOpen = this.state === "open";
    this.state = "waiting";
    this.needsLogin = code === loginNeededCode;
    this.reason = closeText(code, reason);
    this.clock = undefined;
    this.#attempts += 1;
    const waitMs = backoffMs(this.#attempts, Math.random(), this.#retryAfterMs);
    this.retry.start(waitMs, () => this.#connect());
    if (wasOpen) this.#listener?.onLost(this.reason);
  }
}

/** What the code with which a WebSocket closed means to a user (RFC 6455, section 7.4.1), where the reason does not say it. */
const meanings: Readonly<Record<number, string>> = {
  1001: "the gateway is shutting down",
  1006: "the gateway cannot be reached, or the connection broke",
  1008: "the gateway refused this page",
  1013: "the gateway is too busy",
  4000: "the gateway did not answer",
  4001: "the gateway wants you to log in, so reload the page",
};

/** Why the connection ended, as part of a sentence. */
export function closeText(code: number, reason: string): string {
  const meaning = meanings[code] ?? "the gateway closed the connection";
  // A reason starts with a code for programs [G-10].
  const why = reason.replace(/^[a-z-]+: /, "");
  return `${meaning}${why === "" ? "" : `: ${why}`} (WebSocket code ${code})`;
}

export interface ClockReading {
  /** To take from a time of the gateway to get the page's. */
  readonly offsetMs: number;
  /** How wrong that may be, to either side. */
  readonly errorMs: number;
}

/**
 * How the gateway's monotonic clock relates to the page's. The gateway's time in a `clock` frame belongs somewhere between
 * sending and receiving; taking the middle is wrong by at most half of the round trip (Cristian's algorithm).
 */
export class GatewayClock {
  #readings: ClockReading[] = [];

  /** Notes a round trip, and returns the reading of the shortest one. */
  add(sentMs: number, gatewayMs: number, receivedMs: number): ClockReading {
    const reading = { offsetMs: gatewayMs - (sentMs + receivedMs) / 2, errorMs: (receivedMs - sentMs) / 2 };
    // Clocks drift, so old readings are dropped even when they were good.
    this.#readings = [...this.#readings, reading].slice(-clockRoundsKept);
    return this.#readings.reduce((best, each) => (each.errorMs < best.errorMs ? each : best));
  }
}
