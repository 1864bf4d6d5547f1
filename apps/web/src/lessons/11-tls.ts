import { duration, plural } from "../ui/format.ts";
import { rfc, type Lesson, type TwoRuns } from "./lesson.ts";
import type { Facts } from "./facts.ts";

type Cost = "none" | "less" | "more";

/** What TLS added to the TCP handshake of the same stream. */
function costOf([, { handshakeMs = 0, securedMs }]: TwoRuns): Cost {
  if (securedMs === undefined) return "none";
  return securedMs < handshakeMs ? "less" : "more";
}

function costText([, { handshakeMs = 0, securedMs }]: TwoRuns): string {
  const added =
    securedMs === undefined ? "and no TLS handshake came to its end" : `and TLS ${duration(securedMs)} more`;
  return `On your stream 2 the handshake of TCP took ${duration(handshakeMs)}, ${added}.`;
}

function plainText({ handshakeMs, writes: [first] }: Facts): string {
  if (handshakeMs === undefined) return "Stream 1 was not connected.";
  return `Plain TCP: connected after ${duration(handshakeMs)}. The word ${first === undefined ? "was not written" : `was written after ${duration(first.ms)}`}.`;
}

function tlsText({ handshakeMs, securedMs, writes: [first] }: Facts): string {
  if (handshakeMs === undefined || securedMs === undefined) return "Stream 2 had no TLS handshake that succeeded.";
  return `With TLS: connected after ${duration(handshakeMs)}, then ${duration(securedMs)} for the second handshake. The word ${first === undefined ? "was not written" : `was written after ${duration(first.ms)}`}.`;
}

function factsText({ tls }: Facts): string {
  if (tls === undefined) return "Of TLS nothing is known on stream 2.";
  const { version, cipher, peer } = tls;
  return `They agreed on ${version} with \`${cipher}\`. The certificate is for \`${peer.subject}\`. \`${peer.issuer}\` signed it, an authority that the gateway trusts for this target alone.`;
}

function sameText([plain, tls]: TwoRuns): string {
  return `${plural(plain.receivedBytes, "byte")} came back on stream 1, and ${plural(tls.receivedBytes, "byte")} on stream 2. The inspector shows what the gateway has decrypted. On stream 2 TCP carried more bytes than that, in which the word cannot be read.`;
}

export const lesson: Lesson<Cost, TwoRuns> = {
  intro: [
    "TLS stands between a program and TCP. It encrypts what goes through, notices changes, and verifies who is at the other end.",
    "Run sends the word `hello` to two services that send it back. Stream 1 is plain TCP, and stream 2 is the same with TLS in front. Both run on the gateway's own machine.",
  ],
  orders: () => [
    { name: "Stream 1", target: "lesson-echo", writes: ["hello\n"], end: true },
    { name: "Stream 2", target: "lesson-tls", writes: ["hello\n"], end: true },
  ],
  question: "On stream 2, how long does the word have to wait once TCP is connected?",
  choices: {
    none: ["Not at all: TLS encrypts each message as it goes.", "not at all"],
    less: ["For a second handshake, shorter than that of TCP.", "a shorter handshake"],
    more: ["For a second handshake, longer than that of TCP.", "a longer handshake"],
  },
  answer: costOf,
  correct: costText,
  observe: ([plain, tls]) => [
    { text: plainText(plain), run: 0, mark: { arrows: ["connect", "established"], name: "the handshake" } },
    { text: tlsText(tls), run: 1, mark: { arrows: ["established", "secured"], name: "both handshakes" } },
    { text: factsText(tls), run: 1, mark: { arrows: ["secured"], name: "TLS" } },
    { text: sameText([plain, tls]), run: 1, mark: { arrows: ["reads"], name: "what came back" } },
  ],
  why: [
    "TLS has a handshake of its own, and it begins when that of TCP is done. The two ends agree on a cipher, make a key that only they know, and the server proves with its certificate who it is. No byte of your program may go before that.",
    "On one machine a round trip costs almost nothing, so you see the price of the computing. Over a distance each round trip counts: one for TCP, one more for TLS 1.3, two more for TLS 1.2. That is why connections to websites are kept open.",
    "Encryption alone does not say who is at the other end. The certificate does, if it is verified. The gateway always verifies: the authority, the name, the dates. The private key of this service stands in Wirebook's source, where everybody can read it. So stream 2 was encrypted, and protected nothing.",
  ],
  standards: [rfc(8446, "2", "Protocol Overview")],
};
