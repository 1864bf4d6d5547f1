/**
 * One WebSocket to the gateway [G-1]: frames become typed here, and the clock is kept.
 *
 * It speaks of itself through a listener and lives once: whoever wants another connection makes another one. A gateway
 * that does not say hello, or leaves a clock frame without an answer, is given up, because a connection whose other
 * end vanished without a FIN looks open for minutes.
 */

import { decodeBytes, decodeGatewayFrame, encodeFrame, subprotocol } from "@wirebook/protocol";
import type { FrameErrorCode, GatewayFrame, PageFrame } from "@wirebook/protocol";
import { clockIntervalMs, clockRoundGapMs, clockRoundsAtOpen, clockSilenceMs, helloTimeoutMs } from "../limits.ts";
import { GatewayClock } from "./clock.ts";
import type { ClockReading } from "./clock.ts";

/** The gateway's first frame. */
export type Hello = Extract<GatewayFrame, { type: "hello" }>;

/** A WebSocket message as it travelled. */
export interface TimedFrame {
  /** The page's time, in milliseconds. */
  readonly atMs: number;
  /** Its payload: text, or the bytes with the exchange's id before them. */
  readonly payload: string | Uint8Array;
}

/** Who is told what comes. */
export interface GatewayListener {
  onHello(hello: Hello): void;
  onClock(reading: ClockReading): void;
  onFrame(frame: GatewayFrame, carried: TimedFrame): void;
  onBytes(id: number, bytes: Uint8Array, carried: TimedFrame): void;
  /** It is over; called once, and nothing after it. The gateway may have said how long to wait. */
  onClose(code: number, reason: string, retryAfterMs: number | undefined): void;
  /** Something came that is not of the protocol. */
  onProblem(problem: string): void;
}

/** Codes from 4000 are for private use; this one is the page's own. */
const silentCode = 4000;

/** Errors behind which the gateway closes the connection [G-10]. */
const farewells: ReadonlySet<FrameErrorCode> = new Set(["frame-rate", "shutting-down", "too-many-websockets"]);

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
    this.#expect(helloTimeoutMs, "no hello came");
  }

  /** Sends a control frame; returns what went out, and when, or `undefined` when it is closing. */
  send(frame: PageFrame): TimedFrame | undefined {
    // It may be closing already, and only then tell.
    if (this.#socket.readyState !== WebSocket.OPEN) return undefined;
    const payload = encodeFrame(frame);
    const atMs = performance.now();
    this.#socket.send(payload);
    return { atMs, payload };
  }

  /** Ends the connection; `onClose` is called before this returns. */
  close(code = 1000, reason = ""): void {
    this.#socket.close(code, reason);
    this.#finish(code, reason);
  }

  #take(data: unknown, atMs: number): void {
    if (this.#isOver) return;
    if (typeof data === "string") return this.#takeText(data, atMs);
    const payload = new Uint8Array(data as ArrayBuffer);
    const decoded = decodeBytes(payload);
    if (decoded === undefined) this.#listener.onProblem("a byte frame was too short for an exchange's id");
    else this.#listener.onBytes(decoded.id, decoded.bytes, { atMs, payload });
  }

  #takeText(payload: string, atMs: number): void {
    const decoded = decodeGatewayFrame(payload);
    if ("problem" in decoded) return this.#listener.onProblem(decoded.problem);
    const { frame } = decoded;
    if (frame.type === "hello") this.#begin(frame);
    else if (frame.type === "clock") this.#noteRound(frame.at, frame.gatewayAt, atMs);
    else if (isFarewell(frame)) this.#retryAfterMs = frame.retryAfterMs;
    else this.#listener.onFrame(frame, { atMs, payload });
  }

  #begin(hello: Hello): void {
    clearTimeout(this.#deadline);
    this.#startRound();
    this.#listener.onHello(hello);
  }

  #startRound(): void {
    this.send({ type: "clock", at: performance.now() });
    this.#expect(clockSilenceMs, "it fell silent");
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

/** True for an error that concerns the whole connection, whose closing tells the user the rest. */
function isFarewell(frame: GatewayFrame): frame is Extract<GatewayFrame, { type: "error" }> {
  return frame.type === "error" && frame.id === null && farewells.has(frame.code);
}
