/**
 * One WebSocket to the gateway [G-1]: frames become typed here, and the clock is kept.
 *
 * A socket connects once; to reconnect, make another one. A gateway that sends no hello, or does not answer a clock
 * frame, is given up: a connection whose other end vanished without a FIN looks open for minutes.
 */

import { decodeByteFrame, decodeGatewayFrame, encodeFrame, subprotocol } from "@wirebook/protocol";
import type { ByteFrame, FrameErrorCode, GatewayFrame, PageFrame } from "@wirebook/protocol";

/** Milliseconds within which a gateway must say hello. */
const helloTimeoutMs = 10_000;

/** Clock round trips made when a connection opens, the milliseconds between them, and between them afterwards. */
const clockRoundsAtOpen = 6;
const clockRoundGapMs = 60;
const clockIntervalMs = 15_000;

/** Milliseconds without an answer to a clock frame after which the gateway is given up. */
const clockSilenceMs = 10_000;

/** Clock round trips that are remembered; the best of them counts. */
export const clockRoundsKept = 16;

export type Hello = Extract<GatewayFrame, { type: "hello" }>;

/** A text frame, and when it was sent or came. */
export interface TimedText {
  readonly atMs: number;
  readonly text: string;
}

export interface GatewayListener {
  onHello(hello: Hello): void;
  onClock(reading: ClockReading): void;
  onFrame(frame: GatewayFrame, timed: TimedText): void;
  onBytes(frame: ByteFrame, atMs: number): void;
  /** It is over; called once, and nothing after it. The gateway may have said how long to wait. */
  onClose(code: number, reason: string, retryAfterMs: number | undefined): void;
  onProblem(problem: string): void;
}

/** Codes from 4000 are for private use; this one is the page's own. */
const silentCode = 4000;

/** Errors after which the gateway closes the connection [G-10]. */
const closingErrors: ReadonlySet<FrameErrorCode> = new Set([
  "frame-rate",
  "login-needed",
  "shutting-down",
  "too-many-websockets",
]);

export class GatewaySocket {
  readonly #socket: WebSocket;
  readonly #listener: GatewayListener;
  readonly #clock = new GatewayClock();
  #roundsLeft = clockRoundsAtOpen;
  #deadline: ReturnType<typeof setTimeout> | undefined;
  #nextRound: ReturnType<typeof setTimeout> | undefined;
  #retryAfterMs: number | undefined;
  #isOver = false;

  constructor(url: string, listener: GatewayListener) {
    this.#listener = listener;
    this.#socket = new WebSocket(url, subprotocol);
    this.#socket.binaryType = "arraybuffer";
    this.#socket.addEventListener("message", ({ data }) => this.#take(data, performance.now()));
    this.#socket.addEventListener("close", ({ code, reason }) => this.#finish(code, reason));
    this.#expect(helloTimeoutMs, "it sent no hello");
  }

  /** Sends a control frame; returns what went out, and when, or `undefined` when it is closing. */
  send(frame: PageFrame): TimedText | undefined {
    // It may be closing, before the close event.
    if (this.#socket.readyState !== WebSocket.OPEN) return undefined;
    const text = encodeFrame(frame);
    const atMs = performance.now();
    this.#socket.send(text);
    return { atMs, text };
  }

  /** Sends a byte frame; returns when, or `undefined` when it is closing. */
  sendBytes(frame: Uint8Array<ArrayBuffer>): number | undefined {
    if (this.#socket.readyState !== WebSocket.OPEN) return undefined;
    const atMs = performance.now();
    this.#socket.send(frame);
    return atMs;
  }

  /** Ends the connection; `onClose` is called before this returns. */
  close(code = 1000, reason = ""): void {
    this.#socket.close(code, reason);
    this.#finish(code, reason);
  }

  #take(data: unknown, atMs: number): void {
    if (this.#isOver) return;
    if (typeof data === "string") return this.#takeText(data, atMs);
    const decoded = decodeByteFrame(new Uint8Array(data as ArrayBuffer));
    if (typeof decoded === "string") this.#listener.onProblem(decoded);
    else this.#listener.onBytes(decoded, atMs);
  }

  #takeText(text: string, atMs: number): void {
    const decoded = decodeGatewayFrame(text);
    if ("problem" in decoded) return this.#listener.onProblem(decoded.problem);
    const { frame } = decoded;
    if (frame.type === "hello") this.#greet(frame);
    else if (frame.type === "clock") this.#noteRound(frame.at, frame.gatewayAt, atMs);
    else if (isClosingError(frame)) this.#retryAfterMs = frame.retryAfterMs;
    else this.#listener.onFrame(frame, { atMs, text });
  }

  #greet(hello: Hello): void {
    clearTimeout(this.#deadline);
    this.#startRound();
    this.#listener.onHello(hello);
  }

  #startRound(): void {
    this.send({ type: "clock", at: performance.now() });
    this.#expect(clockSilenceMs, "it did not answer a clock frame");
  }

  #noteRound(sentMs: number, gatewayMs: number, receivedMs: number): void {
    clearTimeout(this.#deadline);
    this.#listener.onClock(this.#clock.add(sentMs, gatewayMs, receivedMs));
    this.#roundsLeft = Math.max(0, this.#roundsLeft - 1);
    const gapMs = this.#roundsLeft > 0 ? clockRoundGapMs : clockIntervalMs;
    this.#nextRound = setTimeout(() => this.#startRound(), gapMs);
  }

  #expect(withinMs: number, otherwise: string): void {
    clearTimeout(this.#deadline);
    this.#deadline = setTimeout(() => this.close(silentCode, otherwise), withinMs);
  }

  #finish(code: number, reason: string): void {
    if (this.#isOver) return;
    this.#isOver = true;
    clearTimeout(this.#deadline);
    clearTimeout(this.#nextRound);
    this.#listener.onClose(code, reason, this.#retryAfterMs);
  }
}

/** True for an error that is about the connection: its closing says the rest. */
function isClosingError(frame: GatewayFrame): frame is Extract<GatewayFrame, { type: "error" }> {
  return frame.type === "error" && frame.id === null && closingErrors.has(frame.code);
}

/** Both in milliseconds. */
export interface ClockReading {
  /** What to take from a time of the gateway to get the page's. */
  readonly offsetMs: number;
  /** How wrong that may be, to either side. */
  readonly errorMs: number;
}

/**
 * How the gateway's clock relates to the page's.
 *
 * Both are monotonic and count from an arbitrary zero. A `clock` frame goes out at page time `sent`, the gateway notes
 * its own time, and the answer is back at page time `received`. The gateway's note belongs somewhere between the two;
 * taking the middle is wrong by at most half of the round trip (Cristian's algorithm). So the round trip that was the
 * shortest is the best, and its half is the error that the page states.
 */
export class GatewayClock {
  #readings: ClockReading[] = [];

  /** Notes a round trip and returns the best reading so far. */
  add(sentMs: number, gatewayMs: number, receivedMs: number): ClockReading {
    const reading = { offsetMs: gatewayMs - (sentMs + receivedMs) / 2, errorMs: (receivedMs - sentMs) / 2 };
    // Clocks drift, so old readings are dropped even when they were good.
    this.#readings = [...this.#readings, reading].slice(-clockRoundsKept);
    return this.#readings.reduce((best, each) => (each.errorMs < best.errorMs ? each : best));
  }
}
