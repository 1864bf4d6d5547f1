/**
 * What one gateway grants to its clients, to its targets and to itself. The bounds that a page must know too are in libs/protocol;
 * a constant that only one file needs is in that file.
 *
 * They are one object, so that a test can reach and pass a bound without sending a million frames.
 */

import { connectTimeoutMsDefault, replyTimeoutMsDefault } from "@wirebook/net";

/** The bounds of a gateway, as docs/reference/limits.md lists them. */
export const gatewayLimits = Object.freeze({
  /** TCP connections from pages in all, WebSockets and plain HTTP together; the kernel's next one is closed. */
  connectionsMax: 10_000,
  /** TCP connections from one address (of IPv6: a /64), unless it is a trusted reverse proxy; the next one is closed [G-4]. */
  connectionsPerAddressMax: 2048,
  /** WebSockets in all [G-4]. */
  webSocketsMax: 8192,
  /** WebSockets from one address (of IPv6: a /64) [G-4]. */
  webSocketsPerAddressMax: 1024,
  /** Rejected WebSockets that are being told why; a further one gets only an HTTP status [G-10]. */
  refusalsMax: 256,
  /** Milliseconds for the head of an HTTP request, and for the whole of it, from the connection or the last answer on. */
  httpRequestMs: 10_000,
  /** Milliseconds between two checks for HTTP connections whose time is over; less than `httpRequestMs`. */
  httpLookMs: 1000,
  /** Milliseconds without a byte after which an HTTP connection that was answered is closed. */
  httpKeepAliveMs: 5000,
  /** Milliseconds without a byte after which an HTTP connection is closed whose answer is not read, or does not come: more than a login waits. */
  httpStalledMs: 180_000,

  /** Milliseconds after a login at which the session ends, and so do its WebSockets [G-14]. */
  sessionMs: 12 * 3_600_000,
  /** Milliseconds without a request or a frame that uses a target after which a session ends [G-14]. */
  sessionIdleMs: 2 * 3_600_000,
  /** Sessions whose last use, or whose logout, is remembered. */
  sessionsKeptMax: 10_000,
  /** Wrong passwords at once from one address, and milliseconds until there may be one more. */
  guessesPerAddressMax: 60,
  guessAddressRefillMs: 10_000,
  /** Wrong passwords at once for one name, and milliseconds until there may be one more. */
  guessesPerNameMax: 10,
  guessNameRefillMs: 60_000,
  /** Addresses, and names, whose wrong passwords are remembered. */
  guessersMax: 4096,
  /** Passwords that are checked or wait for it; a further one is refused. */
  passwordChecksMax: 128,
  /** Milliseconds between two looks whether the file of the users has changed. */
  usersLookMs: 1000,

  /** Frames that one page may send a second, pings included [G-4]. */
  framesPerSecondMax: 20_000,
  /** Frames that one page may send at once after a rest [G-4]. */
  frameBurstMax: 20_000,
  /** Faulty frames (malformed, unknown ids) at once after a rest; one more is allowed each second [G-4]. */
  faultBurstMax: 16,
  /** Fragments of one WebSocket message. */
  fragmentsMax: 64,
  /** Pieces in which the bytes of one WebSocket frame may come. */
  framePiecesMax: 1024,

  /** Streams that one WebSocket carries at once [G-5]. */
  streamsMax: 1024,
  /** WebSockets that can have their whole share of the connections to targets at once; a share is at least two [G-5]. */
  sharesAtLeast: 4,
  /** Streams that wait for a connection to a target, over all WebSockets [G-5]. */
  queuedStreamsMax: 4096,
  /** Milliseconds that a stream waits for a connection before it gets `busy` [G-5]. */
  queueWaitMs: 10_000,
  /** Milliseconds until a connection to a target must be ready, TLS included [G-7]. */
  connectTimeoutMs: connectTimeoutMsDefault,
  /** Milliseconds that the server may be silent, while it is being read, in an exchange that is no follow [G-7]. */
  replyTimeoutMs: replyTimeoutMsDefault,
  /** Milliseconds for which a conversation stays half-open after the target's FIN [G-6]. */
  halfOpenMs: 60_000,

  /** Connections through listening ports in all, and from one address (of IPv6: a /64); the next one is reset [G-15]. */
  flowsMax: 2048,
  flowsPerAddressMax: 1024,

  /** Presentations at once [G-16]. */
  presentationsMax: 16,
  /** Newest flows of a presentation that a latecomer gets [G-16]. */
  presentedFlowsMax: 50,
  /** Milliseconds for which a presentation waits for its presenter to come back [G-16]. */
  presenterAbsenceMs: 60_000,
  /** WebSockets at once of guests, who watch a presentation without a login [G-16]. */
  guestsMax: 4096,
  /** Milliseconds within which a guest must have named a presentation [G-16]. */
  guestWatchMs: 10_000,

  /** Services of lessons that run, over all pages, and streams of a page to one of them [G-17]. */
  lessonServicesMax: 128,
  lessonStreamsMax: 16,
  /** Milliseconds after which such a service closes a connection, and bytes that it reads of one [G-17]. */
  lessonConnectionMs: 60_000,
  lessonBytesMax: 64 * 1024,

  /** Bytes of one message from a client of the relay [G-13]; a page's may be smaller only. */
  relayMessageBytesMax: 1024 * 1024,
  /** Pings that a client of a relay may leave unanswered while it does not read [G-13]. */
  relayMissedPingsMax: 11,
  /** Milliseconds for which a target may go on sending after the client of a relay has gone [G-13]. */
  relayLingerMs: 5000,

  /** Bytes that wait for a client before the gateway stops reading its targets [G-9]. */
  highWaterBytes: 64 * 1024,
  /** Bytes that still wait when it goes on [G-9]. */
  lowWaterBytes: 16 * 1024,
  /** Bytes that wait for a client before its own frames are left unread, too [G-9]. */
  overfullBytes: 1024 * 1024,
  /** Bytes that wait for the target in one stream before the client's frames are left unread [G-9]. */
  unsentBytesMax: 256 * 1024,

  /** Milliseconds between two pings; a page that showed no sign of life since the last one is dropped [G-10]. */
  pingIntervalMs: 25_000,
  /** Milliseconds for a page's answer to a close frame [G-10]. */
  closeTimeoutMs: 2000,
  /** Milliseconds for running exchanges to end when the gateway stops [G-10]. */
  drainMs: 5000,

  /** Milliseconds that a page is told to wait before it connects again to a gateway that stops [G-10]. */
  retryStoppedMs: 1000,
  /** Milliseconds that a page is told to wait before it connects again when there are too many WebSockets [G-10]. */
  retryFullMs: 10_000,
  /** Milliseconds that a page is told to wait after `busy` [G-10]. */
  retryBusyMs: 1000,

  /** Bytes of the file that `--pcap` writes; after them it stops. */
  pcapBytesMax: 1024 * 1024 * 1024,
  /** Bytes that wait for the disk of that file; packets beyond them are left out. */
  pcapQueuedBytesMax: 8 * 1024 * 1024,

  /** Milliseconds for a sign of life from the server when /readyz tries it. */
  readinessTimeoutMs: 2000,
  /** Milliseconds for which the answer of /readyz is kept, so that it cannot be used to flood the server. */
  readinessKeptMs: 1000,
});

/** The same bounds with other values, as a test sets them. */
export type GatewayLimits = { readonly [Name in keyof typeof gatewayLimits]: number };

/** Mebibytes of flows that are kept for those who watch, unless `--watch-memory` says otherwise, and the most it may say. */
export const watchMemoryDefault = 64;
export const watchMemoryMost = 4096;

/** Connections to targets at once, unless `--connections` says otherwise [G-5]. */
export const connectionsDefault = 256;

/** The most that `--connections` may say: beyond it the ports of one address run out. */
export const connectionsMostPossible = 16_384;
