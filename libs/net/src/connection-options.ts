/** What the owner of a connection gives it, and what it is told. */

import type { EndReason, ReadRate, ScheduleStep, StreamRecord } from "@wirebook/protocol";
import type { Connection } from "./connection.ts";
import type { ExchangeError } from "./errors.ts";

/**
 * Milliseconds until a connection must be ready, for DNS, TCP and TLS together; beyond Linux's first two retransmits of
 * a SYN (1 s, 3 s).
 */
export const connectTimeoutMsDefault = 5000;

/** Milliseconds without a byte from the target, while it is being read, after which an exchange is given up. */
export const replyTimeoutMsDefault = 15_000;

/** Milliseconds for which a conversation stays half-open after the target's FIN. */
export const halfOpenMsDefault = 60_000;

/** How a connection begins and how long it may wait. Times are at most 2,147,483,647 ms, as `setTimeout` has it. */
export interface ConnectionOptions {
  /** Bytes written as soon as the connection is ready. */
  readonly message: Uint8Array;
  /** True to send FIN behind them; more bytes may follow through `write` otherwise. Default false. */
  readonly isEnded?: boolean;
  /** Bytes that belong to the connection and not to the message: written first, before TLS, and not counted. */
  readonly proxyHeader?: Uint8Array | undefined;
  /**
   * How the message is written, instead of at once; `isEnded` and `write` have no place beside it [G-11]. The target's
   * FIN ends the stream then, whatever is left of the schedule.
   */
  readonly schedule?: readonly ScheduleStep[] | undefined;
  /** How slowly the target is read. */
  readonly read?: ReadRate | undefined;
  readonly connectTimeoutMs?: number;
  /** Makes it an exchange: milliseconds without a byte while reading, `Infinity` for a reply that may fall silent. */
  readonly replyTimeoutMs?: number | undefined;
  /** For a conversation: milliseconds from the target's FIN until it is closed, if we have not sent ours by then. */
  readonly halfOpenMs?: number;
  /**
   * True when the listener copies what it keeps: the bytes of a read are then valid until `onRead` returns and no longer,
   * which spares a copy. The record must not keep bytes then. Default false.
   */
  readonly isReadBorrowed?: boolean;
  /** What is filled while the stream lives; by default one that keeps no bytes and no events. */
  readonly record?: StreamRecord;
}

/** How a stream ended: by the target's FIN (`fin`), because it was left or reset by this end, or by an error. */
export type ConnectionOutcome = { readonly reason: EndReason } | ExchangeError;

/** What the owner of a connection is told, after the record was. Times are those of `performance.now()`. */
export interface ConnectionListener {
  /** The connection is ready for bytes, TLS included. */
  onOpen?(connection: Connection): void;
  /** The kernel took one write. */
  onWritten?(byteCount: number, atMs: number, connection: Connection): void;
  /** What one read gave. The bytes are the listener's to keep, unless it only borrows them. */
  onRead(bytes: Uint8Array, atMs: number, connection: Connection): void;
  /** After a `write` that returned false: the kernel has taken all that was written. */
  onDrain?(connection: Connection): void;
  /** A FIN was received or sent, and the stream goes on in the other direction. */
  onFin?(isFromTarget: boolean, atMs: number, connection: Connection): void;
  /** It is over: called once, and nothing after it. */
  onOver(outcome: ConnectionOutcome, connection: Connection): void;
  /** One of the others threw. Without this the error is thrown on, and ends a process that expects none. */
  onInternalError?(error: unknown): void;
}
