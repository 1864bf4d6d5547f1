/**
 * Every bound of the TCP server, in one object so that a test can shorten one without touching the others.
 *
 * Bounds that both ends of the wire must know stand in @wirebook/protocol.
 */

import { messageDeadlineMs, messageSilenceMs } from "@wirebook/protocol";

/** The bounds of one server. */
export interface Limits {
  /** Silence, in milliseconds, that ends a message which its client did not terminate [W-5]. */
  readonly messageSilenceMs: number;
  /** Milliseconds from the opening of a connection within which its message must have ended [W-6]. */
  readonly messageDeadlineMs: number;
  /** Milliseconds that a connection stays open after FIN for the peer to close as well [W-17]. */
  readonly lingerMs: number;
  /** Bytes behind the message that are read and thrown away so that closing needs no RST [W-17]. */
  readonly discardedBytesMax: number;
  /** Milliseconds in which a peer must take some bytes of its reply when there are more to come [W-16]. */
  readonly replyStallMs: number;
  /** Connections that are served at once; further ones get an error sentence [W-18]. */
  readonly connectionsMax: number;
  /** Connections among them from one address, of IPv6 from one network of 64 bits [W-18]. */
  readonly connectionsPerAddressMax: number;
  /** Connections that may still be reading their refusal; the oldest is cut when another comes [W-18]. */
  readonly refusalsMax: number;
  /** Follows at once; a further one gets an error sentence [W-18]. */
  readonly followersMax: number;
  /** Milliseconds of silence on a follow until the kernel asks whether the peer still exists [W-15]. */
  readonly followKeepAliveMs: number;
  /** Milliseconds between two looks whether the connection of a follow still stands, after its client's FIN [W-15]. */
  readonly followLookMs: number;
  /** Milliseconds that the answer to the first wrong key from an address waits; each further one doubles it [U-7]. */
  readonly guessDelayMs: number;
  /** Milliseconds that it waits at most. */
  readonly guessDelayMsMax: number;
  /** Milliseconds without a wrong key after which those before are forgotten. */
  readonly guessForgetMs: number;
  /** Addresses whose wrong keys are remembered; the one that was quiet for longest goes first. */
  readonly guessAddressesMax: number;
  /** Answers to wrong keys that are held at once; a further wrong key gets an error sentence. */
  readonly guessesHeldMax: number;
  /** The same for one address. */
  readonly guessesHeldEachMax: number;
  /** Listening sockets on the one port: as many connections are accepted in a turn of the event loop. */
  readonly listenersMax: number;
  /** Connections that the kernel may hold ready for each of these; Linux cuts this at net.core.somaxconn. */
  readonly backlogMax: number;
  /** Milliseconds for everything accepted to finish after a request to stop [W-19]. */
  readonly drainMs: number;
  /** Milliseconds for a message that has not ended at a request to stop [W-19]. */
  readonly drainMessageMs: number;
}

/** The bounds of a server that may open as many files as it likes. */
export const limitsDefault: Limits = Object.freeze({
  messageSilenceMs,
  messageDeadlineMs,
  lingerMs: 2000,
  discardedBytesMax: 1024 * 1024,
  replyStallMs: 30_000,
  connectionsMax: 1024,
  connectionsPerAddressMax: 512,
  refusalsMax: 64,
  followersMax: 512,
  followKeepAliveMs: 30_000,
  followLookMs: 5000,
  listenersMax: 4,
  guessDelayMs: 125,
  guessDelayMsMax: 4000,
  guessForgetMs: 60_000,
  guessAddressesMax: 4096,
  guessesHeldMax: 128,
  guessesHeldEachMax: 8,
  backlogMax: 4096,
  drainMs: 5000,
  drainMessageMs: 1000,
});

/** Characters of a key; each is one of 32 and so holds 5 bits [U-5]. */
export const keyCharacters = 26;

/** Digits that a key has at least, and letters: a few may be lost or mistyped and it is still known for one. */
export const keyDigitsMin = 6;

/** Names that are tried with numbers of one length before the numbers get longer. */
export const nameTriesMax = 32;

/** Milliseconds for answers that are on their way when the history's storage has failed. */
export const failureDrainMs = 500;

/**
 * Milliseconds in which a second signal is taken for the first one: npm passes a Ctrl-C on to a program that the
 * terminal has already told of it.
 */
export const repeatedSignalMs = 500;

/** Bytes that wait for a terminal which takes none; further lines are counted instead. */
export const logBytesMax = 256 * 1024;

/** Milliseconds until a terminal that took nothing is tried again. */
export const logRetryMs = 10;

/** Milliseconds that the end of the process waits for the terminal to take the last lines. */
export const logCloseMs = 500;

/** Descriptors that are no connection's: Node's own, the history, a rewrite of it, the terminal. */
const descriptorsReserved = 40;

/** Descriptors of one connection: its socket, and the file from which it reads. */
const descriptorsEach = 2;

/**
 * The default limits, lowered so that the process never runs out of descriptors: where it did, Node would close new
 * connections without a word. Half of the connections stay free of follows.
 *
 * @param descriptorsMax files that the process may have open
 */
export function limitsWithin(descriptorsMax: number): Limits {
  const refusalsMax = Math.max(1, Math.min(limitsDefault.refusalsMax, Math.floor(descriptorsMax / 8)));
  const room = Math.floor((descriptorsMax - descriptorsReserved - refusalsMax) / descriptorsEach);
  const connectionsMax = Math.max(2, Math.min(limitsDefault.connectionsMax, room));
  const connectionsPerAddressMax = Math.min(limitsDefault.connectionsPerAddressMax, Math.ceil(connectionsMax / 2));
  const followersMax = Math.min(limitsDefault.followersMax, Math.floor(connectionsMax / 2));
  const guessesHeldMax = Math.min(limitsDefault.guessesHeldMax, Math.ceil(connectionsMax / 8));
  return Object.freeze({
    ...limitsDefault,
    connectionsMax,
    connectionsPerAddressMax,
    refusalsMax,
    followersMax,
    guessesHeldMax,
  });
}
