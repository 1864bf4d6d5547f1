/** What somebody sets out to do in an exchange, and the words for what may come of it. */

import type { FrameErrorCode, Hop, PlanStep, ReadPace } from "@wirebook/protocol";

/** A time of the gateway's, and a number of bytes. */
export type Timed = readonly [atMs: number, bytes: number];

/** What failed, where, and the sentence for it. */
export interface Failure {
  readonly hop: Hop;
  readonly code: FrameErrorCode | "gateway-lost";
  readonly message: string;
}

/** How far an exchange has come. */
export type ExchangeState = "running" | "done" | "cancelled" | "failed";

/** What the server's response says of the request. */
export type Answer = "accepted" | "refused" | "stranger";

/** Where an exchange comes from that did not happen on this page just now. */
interface LoadedFrom {
  readonly fileName: string;
  readonly startedAt: Date;
  /** What is missing in it; empty when nothing is. */
  readonly note: string;
}

/** What somebody set out to do. */
export interface Intent {
  readonly user: string;
  /** The message with its line feed, as it goes over TCP. */
  readonly message: string;
  /** The page makes exchanges of its own, and says so. */
  readonly by: "user" | "page";
  /** What the page makes it for. */
  readonly purpose?: string;
  /** How the gateway is to write the message and to read the reply, where that was said [G-11]. */
  readonly plan?: readonly PlanStep[];
  readonly read?: ReadPace;
  /** Set when it is the record of an exchange, played again. */
  readonly loaded?: LoadedFrom;
  /** The time of the newest line of the history that the page knew then. */
  readonly after?: string | undefined;
  /** Gets the `name~key` that the server answers to operation 4; the exchange itself keeps and shows no key. */
  readonly onKey?: (user: string) => void;
  /** Gets the bytes of the response as they come. */
  readonly onResponse?: (bytes: Uint8Array) => void;
}
