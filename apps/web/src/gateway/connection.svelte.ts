import type { PageFrame } from "@wirebook/protocol";
import { backoffMs, Countdown } from "./countdown.svelte.ts";
import { GatewaySocket } from "./gateway-socket.ts";
import type { ClockReading, GatewayListener, Hello, TimedText } from "./gateway-socket.ts";

export type ConnectionListener = Pick<GatewayListener, "onFrame" | "onBytes"> & {
  onOpen(hello: Hello): void;
  /** It was open and is lost. */
  onLost(reason: string): void;
  onProblem(): void;
};

/** The connection to the gateway: it is made again whenever it is lost, for as long as the page is open. */
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
  readonly countdown = new Countdown();
  readonly #url: string;
  #listener: ConnectionListener | undefined;
  #socket: GatewaySocket | undefined;
  #attempts = 0;

  constructor(url: string) {
    this.#url = url;
  }

  /** Connects, and reconnects from now on. */
  start(listener: ConnectionListener): void {
    this.#listener = listener;
    this.#connect();
  }

  retryNow(): void {
    this.countdown.finish();
  }

  /** Sends a frame; `undefined` when there is no connection to send it on. */
  send(frame: PageFrame): TimedText | undefined {
    return this.state === "open" ? this.#socket?.send(frame) : undefined;
  }

  /** Sends a byte frame, and gives the page's time at which it did; `undefined` when there is no connection. */
  sendBytes(frame: Uint8Array<ArrayBuffer>): number | undefined {
    return this.state === "open" ? this.#socket?.sendBytes(frame) : undefined;
  }

  #connect(): void {
    this.state = "connecting";
    this.#socket = new GatewaySocket(this.#url, {
      onHello: (hello) => this.#open(hello),
      onClock: (reading) => (this.clock = reading),
      onFrame: (frame, timed) => this.#listener?.onFrame(frame, timed),
      onBytes: (frame, atMs) => this.#listener?.onBytes(frame, atMs),
      onClose: (code, reason, retryAfterMs) => {
        this.needsLogin = code === loginNeededCode;
        this.#lose(closeText(code, reason), retryAfterMs);
      },
      onProblem: (problem) => {
        this.problem = problem;
        this.#listener?.onProblem();
      },
    });
  }

  #open(hello: Hello): void {
    this.#attempts = 0;
    this.hello = hello;
    this.reason = "";
    this.needsLogin = false;
    this.state = "open";
    this.#listener?.onOpen(hello);
  }

  #lose(reason: string, retryAfterMs: number | undefined): void {
    const wasOpen = this.state === "open";
    this.state = "waiting";
    this.reason = reason;
    this.clock = undefined;
    this.#attempts += 1;
    this.countdown.start(backoffMs(this.#attempts, Math.random(), retryAfterMs), () => this.#connect());
    if (wasOpen) this.#listener?.onLost(reason);
  }
}

const loginNeededCode = 4001;

/** What the code with which a WebSocket closed means to a user (RFC 6455, section 7.4.1, and the IANA registry). */
const meanings: Readonly<Record<number, string>> = {
  1000: "the gateway closed the connection",
  1001: "the gateway is shutting down",
  1002: "the gateway got an invalid WebSocket frame",
  1003: "the gateway does not accept this kind of frame",
  1005: "the gateway closed the connection without a reason",
  1006: "the gateway cannot be reached, or the connection broke",
  1007: "the gateway got text that is not UTF-8",
  1008: "the gateway refused this page",
  1009: "a frame was too large for the gateway",
  1011: "the gateway had an internal error",
  1012: "the gateway is restarting",
  1013: "the gateway is too busy",
  4000: "the gateway did not answer",
  4001: "the gateway wants you to log in, so reload the page",
};

/** A reason starts with a code for programs [G-10]. */
const codePrefix = /^[a-z-]+: /;

/** Why the connection to the gateway ended, as part of a sentence, with the code. */
export function closeText(code: number, reason: string): string {
  const meaning = meanings[code] ?? "the gateway closed the connection";
  const why = reason.replace(codePrefix, "");
  return `${meaning}${why === "" ? "" : `: ${why}`} (WebSocket code ${code})`;
}
