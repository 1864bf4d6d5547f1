import type { PageFrame } from "@wirebook/protocol";
import { backoffMs } from "./backoff.ts";
import type { ClockReading } from "./clock.ts";
import { closeText } from "./close-text.ts";
import { Countdown } from "./countdown.svelte.ts";
import { GatewaySocket } from "./gateway-socket.ts";
import type { TimedFrame, GatewayListener, Hello } from "./gateway-socket.ts";

/** What the rest of the page hears of the connection. */
export type ConnectionListener = Pick<GatewayListener, "onFrame" | "onBytes"> & {
  onOpen(hello: Hello): void;
  /** It was open and is lost; the words say why. */
  onLost(words: string): void;
  /** A frame came that was not understood. */
  onProblem(): void;
};

/** The connection to the gateway: it is made again whenever it is lost, for as long as the page is open. */
export class GatewayConnection {
  state = $state<"connecting" | "open" | "waiting">("connecting");
  hello = $state.raw<Hello>();
  clock = $state.raw<ClockReading>();
  /** Why it was lost, or why the last attempt failed. */
  words = $state("");
  /** A frame that was not understood, in words. */
  problem = $state("");
  readonly countdown = new Countdown();
  readonly #url: string;
  #listener: ConnectionListener | undefined;
  #socket: GatewaySocket | undefined;
  #attempts = 0;

  constructor(url: string) {
    this.#url = url;
  }

  /** Connects, and from now on connects again by itself. */
  start(listener: ConnectionListener): void {
    this.#listener = listener;
    this.#connect();
  }

  /** Waits no longer for the next attempt. */
  retryNow(): void {
    this.countdown.finish();
  }

  /** Sends a frame; `undefined` when there is no connection to send it on. */
  send(frame: PageFrame): TimedFrame | undefined {
    return this.state === "open" ? this.#socket?.send(frame) : undefined;
  }

  #connect(): void {
    this.state = "connecting";
    this.#socket = new GatewaySocket(this.#url, {
      onHello: (hello) => this.#open(hello),
      onClock: (reading) => (this.clock = reading),
      onFrame: (frame, carried) => this.#listener?.onFrame(frame, carried),
      onBytes: (id, bytes, carried) => this.#listener?.onBytes(id, bytes, carried),
      onClose: (code, reason, retryAfterMs) => this.#lose(closeText(code, reason), retryAfterMs),
      onProblem: (problem) => {
        this.problem = problem;
        this.#listener?.onProblem();
      },
    });
  }

  #open(hello: Hello): void {
    this.#attempts = 0;
    this.hello = hello;
    this.words = "";
    this.state = "open";
    this.#listener?.onOpen(hello);
  }

  #lose(words: string, retryAfterMs: number | undefined): void {
    const wasOpen = this.state === "open";
    this.state = "waiting";
    this.words = words;
    this.clock = undefined;
    this.#attempts += 1;
    this.countdown.start(backoffMs(this.#attempts, Math.random(), retryAfterMs), () => this.#connect());
    if (wasOpen) this.#listener?.onLost(words);
  }
}
