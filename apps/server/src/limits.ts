/** Every bound of the server that its operator may want to know, in one object, so that a test can shorten one. */

import { messageDeadlineMs, messageSilenceMs } from "@wirebook/protocol";

const defaults = {
  /** Silence, in milliseconds, that ends a message which its client did not terminate [W-5]. */
  messageSilenceMs,
  /** Milliseconds from the opening of a connection within which its message must have ended [W-6]. */
  messageDeadlineMs,
  /** Milliseconds that a connection stays open after FIN for the peer to close as well [W-17]. */
  lingerMs: 2000,
  /** Bytes behind the message that are read and thrown away so that closing needs no RST [W-17]. */
  discardedBytesMax: 1024 * 1024,
  /** Milliseconds in which a peer must take some bytes of its reply when there are more to come [W-16]. */
  replyStallMs: 30_000,
  /** Connections that are served at once; further ones get an error sentence [W-18]. */
  connectionsMax: 1024,
  /** Connections among them from one address, of IPv6 from one network of 64 bits [W-18]. */
  connectionsPerAddressMax: 512,
  /** Connections that may still be reading their refusal; the oldest is cut when another comes [W-18]. */
  refusalsMax: 64,
  /** Follows at once; a further one gets an error sentence [W-18]. */
  followersMax: 512,
  /** Milliseconds of silence on a follow until the kernel asks whether the peer still exists [W-15]. */
  followKeepAliveMs: 30_000,
  /** Milliseconds between two looks whether the connection of a follow still stands, after its client's FIN [W-15]. */
  followLookMs: 5000,
  /** Milliseconds that the answer to the first wrong key from an address waits; each further one doubles it [U-7]. */
  guessDelayMs: 125,
  /** Milliseconds that it waits at most. */
  guessDelayMsMax: 4000,
  /** Milliseconds without a wrong key after which those before are forgotten. */
  guessForgetMs: 60_000,
  /** Addresses whose wrong keys are remembered; the one that was quiet for longest goes first. */
  guessAddressesMax: 4096,
  /** Answers to wrong keys that are held at once; a further wrong key gets an error sentence. */
  guessesHeldMax: 128,
  /** The same for one address. */
  guessesHeldEachMax: 8,
  /** Connections that the kernel may hold ready to be accepted; Linux cuts this at net.core.somaxconn. */
  backlogMax: 4096,
  /** Milliseconds for everything accepted to finish after a request to stop [W-19]. */
  drainMs: 5000,
  /** Milliseconds for a message that has not ended at a request to stop [W-19]. */
  drainMessageMs: 1000,
};

export type Limits = { readonly [Name in keyof typeof defaults]: number };

/** The bounds of a server that may open as many files as it likes. */
export const limitsDefault: Limits = Object.freeze(defaults);

/** Descriptors that no connection uses: Node's own, the history, a rewrite of it, the log. */
const descriptorsReserved = 40;
/** Descriptors of one connection: its socket, and the file from which it reads. */
const descriptorsEach = 2;

/** Lowered for so many descriptors: without any left, Node closes new connections without a word. */
export function limitsWithin(descriptorsMax: number): Limits {
  const refusalsMax = Math.max(1, Math.min(limitsDefault.refusalsMax, Math.floor(descriptorsMax / 8)));
  const room = Math.floor((descriptorsMax - descriptorsReserved - refusalsMax) / descriptorsEach);
  const connectionsMax = Math.max(2, Math.min(limitsDefault.connectionsMax, room));
  return Object.freeze({
    ...limitsDefault,
    connectionsMax,
    connectionsPerAddressMax: Math.min(limitsDefault.connectionsPerAddressMax, Math.ceil(connectionsMax / 2)),
    refusalsMax,
    followersMax: Math.min(limitsDefault.followersMax, Math.floor(connectionsMax / 2)),
    guessesHeldMax: Math.min(limitsDefault.guessesHeldMax, Math.ceil(connectionsMax / 8)),
  });
}
