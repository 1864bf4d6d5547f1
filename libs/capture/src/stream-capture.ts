/** One stream on its way into a capture, while it happens. */

import type { EndReason, StreamRecord } from "@wirebook/protocol";
import type { Capture } from "./capture.ts";
import type { Conversation } from "./conversation.ts";

/** Why a stream has no proper end. */
export interface Failed {
  readonly code: string;
  readonly message: string;
}

/** What a capture must know of a stream beforehand. */
interface StreamCaptureOptions {
  /** Milliseconds since 1970 at which the clock of the record read 0. */
  readonly originMs: number;
  /** How the target is reached. */
  readonly transport: "tcp" | "tls" | "unix";
  /** True for a stream to a Wirebook server: its keys are hidden. */
  readonly hasKeys: boolean;
}

/**
 * Tells a capture what a stream does. What never became a connection leaves no packet.
 *
 * The record must keep the bytes of its newest event: those are what is written down.
 */
export class StreamCapture {
  readonly #capture: Capture;
  readonly #options: StreamCaptureOptions;
  #conversation: Conversation | undefined;

  constructor(capture: Capture, options: StreamCaptureOptions) {
    this.#capture = capture;
    this.#options = options;
  }

  /**
   * The connection stands.
   *
   * @param proxyHeader what this end said before everything else
   */
  open({ at, local, remote, tls }: StreamRecord, proxyHeader?: Uint8Array): void {
    const { transport, hasKeys } = this.#options;
    const ends = local && remote && { client: local, server: remote };
    if (at.established === undefined || (ends === undefined && transport !== "unix")) return;
    this.#conversation = this.#capture.conversation({ ends, tls, hasKeys });
    const establishedMs = this.#since(at.established);
    this.#conversation.open(this.#since(at.connecting ?? at.established), establishedMs);
    if (proxyHeader !== undefined) this.#conversation.sentProxyHeader(establishedMs, proxyHeader);
  }

  /** Something happened to the stream: the newest event of its record. */
  note({ latest }: StreamRecord): void {
    if (latest === undefined) return;
    const { kind, isFromTarget, byteCount, bytes } = latest;
    const atMs = this.#since(latest.atMs);
    const side = isFromTarget ? "server" : "client";
    if (kind === "fin") this.#conversation?.ended(side, atMs);
    else if (kind === "rst") this.#conversation?.reset(side, atMs);
    else if (bytes === undefined) this.#conversation?.skipped(side, byteCount);
    else if (isFromTarget) this.#conversation?.read(atMs, bytes);
    else this.#conversation?.wrote(atMs, bytes);
  }

  /** It is over. */
  over(how: { readonly reason: EndReason } | Failed, record: StreamRecord): void {
    // A handshake of TLS that failed opened no stream, but there was a connection.
    if (this.#conversation === undefined) this.open(record);
    const { fin, closed = fin } = record.at;
    if (this.#conversation === undefined || closed === undefined) return;
    const reason = "reason" in how ? how.reason : how;
    close(this.#conversation, reason, this.#since(fin ?? closed), this.#since(closed));
  }

  #since(atMs: number): number {
    return this.#options.originMs + atMs;
  }
}

/** Writes the last packets of a connection. */
export function close(conversation: Conversation, how: EndReason | Failed, finMs: number, closedMs: number): void {
  if (how === "fin") {
    conversation.ended("server", finMs, "The server ended: it has said everything.");
    conversation.ended("client", closedMs);
  } else if (how === "reset") {
    conversation.reset("client", closedMs, "This end broke off with RST, as it was told to.");
  } else if (how === "cancelled") {
    conversation.reset("client", closedMs, "This end broke off with RST, before the server had ended.");
  } else if (how.code === "connection-reset") {
    conversation.reset("server", closedMs, `The connection broke: ${how.message}`);
  } else conversation.reset("client", closedMs, `This end gave up with RST (${how.code}): ${how.message}`);
}
