/**
 * Every bound that the gateway keeps by itself; those that a page must know too stand in libs/protocol.
 *
 * They are passed as one object, so that a test can stand at a bound and past it without sending a million frames.
 */

import { connectTimeoutMsDefault, replyTimeoutMsDefault } from "@wirebook/net";

/** The bounds of one gateway. */
export interface GatewayLimits {
  /** TCP connections from pages in all, WebSockets and plain HTTP together; the kernel's next one is closed. */
  readonly connectionsMax: number;
  /** TCP connections from one address, unless a trusted reverse proxy has it; the next one is closed [G-4]. */
  readonly connectionsPerAddressMax: number;
  /** WebSockets in all [G-4]. */
  readonly webSocketsMax: number;
  /** WebSockets from one address [G-4]. */
  readonly webSocketsPerAddressMax: number;
  /** WebSockets that may still be reading why they were turned away; a further one gets no more than a status [G-10]. */
  readonly refusalsMax: number;
  /** Milliseconds for the head of an HTTP request, and for the whole of it, from the connection or the last answer on. */
  readonly httpRequestMs: number;
  /** Milliseconds between two looks for HTTP connections whose time is over; less than `httpRequestMs`. */
  readonly httpLookMs: number;
  /** Milliseconds without a byte after which an HTTP connection that was answered is closed. */
  readonly httpKeepAliveMs: number;

  /** Frames that one page may send a second, pings included [G-4]. */
  readonly framesPerSecondMax: number;
  /** Frames that one page may send at once after a rest [G-4]. */
  readonly frameBurstMax: number;
  /** Frames that fit nowhere (malformed, unknown ids), at once after a rest; one more is forgiven each second [G-4]. */
  readonly faultBurstMax: number;
  /** Fragments of one WebSocket message. */
  readonly fragmentsMax: number;
  /** Pieces in which the bytes of one WebSocket frame may come. */
  readonly framePiecesMax: number;

  /** Exchanges that one WebSocket carries at once [G-5]. */
  readonly exchangesMax: number;
  /** Ended exchanges whose ids are remembered, so that frames that crossed their end are no fault [G-5]. */
  readonly endedIdsMax: number;
  /** Pages that can have their whole share of the connections to the server at once; a share is two at the least [G-5]. */
  readonly sharesAtLeast: number;
  /** Exchanges that wait for a connection to the server, over all pages [G-5]. */
  readonly queuedExchangesMax: number;
  /** Milliseconds that an exchange waits for a connection before it gets `busy` [G-5]. */
  readonly queueWaitMs: number;
  /** Milliseconds until the server must have accepted a connection [G-7]. */
  readonly connectTimeoutMs: number;
  /** Milliseconds that the server may be silent, while it is being read, in anything but a follow [G-7]. */
  readonly replyTimeoutMs: number;

  /** Bytes that wait for a page before the reading of its servers stops [G-9]. */
  readonly highWaterBytes: number;
  /** Bytes that still wait when it goes on [G-9]. */
  readonly lowWaterBytes: number;
  /** Bytes that wait for a page before its own frames are left unread, too [G-9]. */
  readonly overfullBytes: number;
  /** Bytes that wait for the server in one exchange before the page's frames are left unread [G-9]. */
  readonly unsentBytesMax: number;

  /** Milliseconds between two pings; a peer that showed no sign of life since the last one is dropped [G-10]. */
  readonly pingIntervalMs: number;
  /** Milliseconds for a page's answer to a close frame [G-10]. */
  readonly closeTimeoutMs: number;
  /** Milliseconds that running exchanges are given when the gateway stops [G-10]. */
  readonly drainMs: number;

  /** Milliseconds that a page is told to wait before it connects again to a gateway that stops [G-10]. */
  readonly retryStoppedMs: number;
  /** Milliseconds that a page is told to wait before it connects again when there are too many WebSockets [G-10]. */
  readonly retryFullMs: number;
  /** Milliseconds that a page is told to wait after `busy` [G-10]. */
  readonly retryBusyMs: number;

  /** Bytes of the file that `--pcap` writes; after them it stops. */
  readonly pcapBytesMax: number;
  /** Bytes that wait for the disk of that file; packets beyond them are left out. */
  readonly pcapQueuedBytesMax: number;

  /** Milliseconds for a sign of life from the server when /readyz tries it. */
  readonly readinessTimeoutMs: number;
  /** Milliseconds for which the answer of /readyz is kept, so that it cannot be used to hammer the server. */
  readonly readinessKeptMs: number;
}

/** What a gateway keeps to unless it is told otherwise. */
export const gatewayLimits: GatewayLimits = Object.freeze({
  connectionsMax: 10_000,
  connectionsPerAddressMax: 2048,
  webSocketsMax: 8192,
  webSocketsPerAddressMax: 1024,
  refusalsMax: 256,
  httpRequestMs: 10_000,
  httpLookMs: 1000,
  httpKeepAliveMs: 5000,

  framesPerSecondMax: 20_000,
  frameBurstMax: 20_000,
  faultBurstMax: 16,
  fragmentsMax: 64,
  framePiecesMax: 1024,

  exchangesMax: 1024,
  endedIdsMax: 1024,
  sharesAtLeast: 4,
  queuedExchangesMax: 4096,
  queueWaitMs: 10_000,
  connectTimeoutMs: connectTimeoutMsDefault,
  replyTimeoutMs: replyTimeoutMsDefault,

  highWaterBytes: 64 * 1024,
  lowWaterBytes: 16 * 1024,
  overfullBytes: 1024 * 1024,
  unsentBytesMax: 256 * 1024,

  pingIntervalMs: 25_000,
  closeTimeoutMs: 2000,
  drainMs: 5000,

  retryStoppedMs: 1000,
  retryFullMs: 10_000,
  retryBusyMs: 1000,

  pcapBytesMax: 1024 * 1024 * 1024,
  pcapQueuedBytesMax: 8 * 1024 * 1024,

  readinessTimeoutMs: 2000,
  readinessKeptMs: 1000,
});

/** TCP connections to the server at once, unless `--server-connections` says otherwise [G-5]. */
export const serverConnectionsDefault = 256;

/** The most that `--server-connections` may say: beyond it the ports of one address run out. */
export const serverConnectionsMax = 16_384;

/** Milliseconds in which the log says at most once that a trusted proxy's X-Forwarded-For is not understood. */
export const forwardedNoticeMs = 60_000;

/** Bytes of the server's answer that /readyz reads: one of ours is far shorter, one that never ends says enough by coming. */
export const probeReplyBytesMax = 64 * 1024;

/** Characters of a server's own reason that /readyz repeats. */
export const reasonCharactersMax = 300;

/** Characters of the log that are held back within one turn of the event loop, to leave in one write. */
export const heldLogCharactersMax = 64 * 1024;

/** Characters of a message that a line of the log shows. */
export const loggedCharactersMax = 256;

/** Upper bounds of the buckets into which the metrics sort times, in seconds. */
export const stepSecondsBuckets = [
  0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10,
] as const;

/** Bytes of the reason in a WebSocket's close frame (RFC 6455, section 5.5: 125, less two for the code). */
export const closeReasonBytesMax = 123;
