/**
 * What one gateway grants to its clients, to its targets and to itself; docs/reference/limits.md says of each what it bounds.
 * One object, so that a test can pass a bound without a million frames. Those that a page must know are in libs/protocol.
 */

import { connectTimeoutMsDefault, replyTimeoutMsDefault } from "@wirebook/net";

export const gatewayLimits = Object.freeze({
  // Connections and WebSockets of clients [G-4], [G-10].
  connectionsMax: 10_000,
  connectionsPerAddressMax: 2048,
  webSocketsMax: 8192,
  webSocketsPerAddressMax: 1024,
  refusalsMax: 256,
  httpRequestMs: 10_000,
  httpLookMs: 1000,
  httpKeepAliveMs: 5000,
  httpStalledMs: 180_000,

  // Logins [G-14].
  sessionMs: 12 * 3_600_000,
  sessionIdleMs: 2 * 3_600_000,
  sessionsKeptMax: 10_000,
  guessesPerAddressMax: 60,
  guessAddressRefillMs: 10_000,
  guessesPerNameMax: 10,
  guessNameRefillMs: 60_000,
  guessersMax: 4096,
  passwordChecksMax: 128,
  usersLookMs: 1000,

  // Frames of a page [G-4].
  framesPerSecondMax: 20_000,
  frameBurstMax: 20_000,
  faultBurstMax: 16,
  fragmentsMax: 64,
  framePiecesMax: 1024,

  // Streams [G-5], [G-6], [G-7]. A share of the connections is at least two; a follow has no reply timeout.
  streamsMax: 1024,
  sharesAtLeast: 4,
  queuedStreamsMax: 4096,
  queueWaitMs: 10_000,
  connectTimeoutMs: connectTimeoutMsDefault,
  replyTimeoutMs: replyTimeoutMsDefault,
  halfOpenMs: 60_000,

  // Flows through listening ports [G-15].
  flowsMax: 2048,
  flowsPerAddressMax: 1024,

  // Presentations [G-16].
  presentationsMax: 16,
  presentedFlowsMax: 50,
  presenterAbsenceMs: 60_000,
  guestsMax: 4096,
  guestWatchMs: 10_000,

  // Lessons [G-17].
  lessonServicesMax: 128,
  lessonStreamsMax: 16,
  lessonConnectionMs: 60_000,
  lessonBytesMax: 64 * 1024,

  // Relays [G-13].
  relayMessageBytesMax: 1024 * 1024,
  relayMissedPingsMax: 11,
  relayLingerMs: 5000,

  // Flow control [G-9].
  highWaterBytes: 64 * 1024,
  lowWaterBytes: 16 * 1024,
  overfullBytes: 1024 * 1024,
  unsentBytesMax: 256 * 1024,

  // Heartbeat, and the end of the gateway [G-10].
  pingIntervalMs: 25_000,
  closeTimeoutMs: 2000,
  drainMs: 5000,

  // What a page is told to wait [G-10].
  retryStoppedMs: 1000,
  retryFullMs: 10_000,
  retryBusyMs: 1000,

  // The capture of `--pcap`.
  pcapBytesMax: 1024 * 1024 * 1024,
  pcapQueuedBytesMax: 8 * 1024 * 1024,

  // /readyz.
  readinessTimeoutMs: 2000,
  readinessKeptMs: 1000,
});

/** The same bounds with other values, as a test sets them. */
export type GatewayLimits = { readonly [Name in keyof typeof gatewayLimits]: number };

/** Defaults and bounds of `--watch-memory`, in MiB, and `--connections` [G-5]: beyond it the ports of an address run out. */
export const watchMemoryDefault = 64;
export const watchMemoryMost = 4096;
export const connectionsDefault = 256;
export const connectionsMostPossible = 16_384;
