/** One exchange on its way into a capture, while it happens. */

import type { EndReason, Endpoint, Step, StepTimes } from "@wirebook/protocol";
import type { Capture } from "./capture.ts";
import type { Conversation } from "./conversation.ts";

/** What an exchange notes of itself, as the `Trace` of @wirebook/net does; times are on the caller's clock. */
export interface Noted {
  readonly at: StepTimes;
  /** The end that connected; absent when the connection never stood. */
  readonly local: Endpoint | undefined;
  readonly remote: Endpoint | undefined;
}

/** Why an exchange has no proper end. */
export interface Failed {
  readonly code: string;
  readonly message: string;
}

/** Tells a capture what an exchange does. What never became a connection leaves no packet. */
export class ExchangeCapture {
  readonly #capture: Capture;
  readonly #originMs: number;
  #conversation: Conversation | undefined;

  /** @param originMs milliseconds since 1970 at which the caller's clock read 0 */
  constructor(capture: Capture, originMs: number) {
    this.#capture = capture;
    this.#originMs = originMs;
  }

  /** A step happened: the connection stands, or this end sent its FIN. */
  step(step: Step, noted: Noted): void {
    if (step === "established") this.#open(noted);
    else if (step === "ended") this.#conversation?.ended("client", this.#since(noted.at.ended ?? 0));
  }

  /** What this end says before any message, as soon as the connection stands. */
  sentProxyHeader(atMs: number, bytes: Uint8Array): void {
    this.#conversation?.sentProxyHeader(this.#since(atMs), bytes);
  }

  /** The kernel took bytes. */
  wrote(atMs: number, bytes: Uint8Array): void {
    this.#conversation?.wrote(this.#since(atMs), bytes);
  }

  /** A read gave bytes. */
  read(atMs: number, bytes: Uint8Array): void {
    this.#conversation?.read(this.#since(atMs), bytes);
  }

  /** It is over. */
  over(how: EndReason | Failed, { at }: Noted): void {
    const closedMs = at.closed ?? at.fin;
    if (this.#conversation === undefined || closedMs === undefined) return;
    close(this.#conversation, how, this.#since(at.fin ?? closedMs), this.#since(closedMs));
  }

  #open({ at, local, remote }: Noted): void {
    if (at.established === undefined || local === undefined || remote === undefined) return;
    this.#conversation = this.#capture.conversation({ client: local, server: remote });
    this.#conversation.open(this.#since(at.connecting ?? at.established), this.#since(at.established));
  }

  #since(atMs: number): number {
    return this.#originMs + atMs;
  }
}

/** Writes the last packets of a connection. */
export function close(conversation: Conversation, how: EndReason | Failed, finMs: number, closedMs: number): void {
  if (how === "fin") {
    conversation.ended("server", finMs, "The server ended: its reply is whole.");
    conversation.ended("client", closedMs);
  } else if (how === "reset") {
    conversation.reset("client", closedMs, "This end broke off with RST, as its plan has it.");
  } else if (how === "cancelled") {
    conversation.reset("client", closedMs, "This end broke off with RST, before the server had ended.");
  } else if (how.code === "connection-reset") {
    conversation.reset("server", closedMs, `The connection broke: ${how.message}`);
  } else conversation.reset("client", closedMs, `This end gave up with RST (${how.code}): ${how.message}`);
}
