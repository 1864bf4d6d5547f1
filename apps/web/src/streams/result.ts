/** The result of an exchange or a conversation, in the words that all parts of the page share. */

import { errorPrefix, type Hop } from "@wirebook/protocol";
import type { Stream } from "./stream.svelte.ts";

type Tone = "running" | "good" | "refused" | "failed" | "neutral";

/** A service of somebody else need not be what this project calls the server: it is named. */
function peerOf({ intent, isWithServer }: Stream, article: "the" | "The"): string {
  return isWithServer ? `${article} server` : intent.target.name;
}

function failedWhere(stream: Stream, hop: Hop): string {
  if (hop === "gateway") return "It failed in the gateway.";
  return `It failed between ${hop === "page-gateway" ? "this page and the gateway" : `the gateway and ${peerOf(stream, "the")}`}.`;
}

/** How it is or went: a tone, and one to three words. */
export function resultOf(stream: Stream): { readonly tone: Tone; readonly word: string } {
  const { state, intent, isDialogue, record } = stream;
  const isFlow = intent.by === "flow";
  switch (state) {
    case "running":
      if (stream.isOpen) return { tone: "running", word: "open" };
      if (stream.receivedBytes > 0) return { tone: "running", word: "receiving" };
      return { tone: "running", word: stream.at.established === undefined ? "connecting" : "waiting" };
    case "cancelled": {
      if (record.outcome === undefined) return { tone: "neutral", word: "end unknown" };
      const isReset = record.outcome.kind === "ended" && record.outcome.reason === "reset";
      return { tone: "neutral", word: isReset ? "reset" : isFlow ? "cut off" : isDialogue ? "left" : "cancelled" };
    }
    case "failed":
      if (isFlow && stream.failure?.code === "gateway-lost") return { tone: "neutral", word: "end unknown" };
      if (isLeftOpen(stream)) return { tone: "good", word: "answered" };
      if (isDialogue && stream.failure?.code === "connection-reset") {
        return { tone: "refused", word: `reset by ${intent.target.name}` };
      }
      return { tone: "failed", word: "failed" };
    case "done":
      if (isDialogue) {
        const here = isFlow ? "client" : "you";
        return { tone: "neutral", word: `closed by ${isClosedByTarget(stream) ? intent.target.name : here}` };
      }
      if (stream.answer !== "accepted") return { tone: "refused", word: stream.answer };
      return { tone: "good", word: "done" };
  }
}

/** True when its FIN came before the one from here, or from the client of a flow. */
export function isClosedByTarget({ at: { fin, ended } }: Pick<Stream, "at">): boolean {
  return fin !== undefined && (ended === undefined || fin <= ended);
}

/** Where an exchange failed, why, and what that means for the request; `undefined` when it did not fail. */
export function explainFailure(stream: Stream): { where: string; why: string; consequence: string } | undefined {
  const { failure } = stream;
  if (failure === undefined) return undefined;
  if (isLeftOpen(stream)) {
    return {
      where: `${peerOf(stream, "The")} answered and kept the connection open.`,
      why: "The gateway closed it, because no more bytes came in time.",
      consequence: "To send more on the same connection, keep it open.",
    };
  }
  const isFlow = stream.intent.by === "flow";
  const isUnknown = isFlow && failure.code === "gateway-lost";
  return {
    where: isUnknown ? "How it ended is not known." : failedWhere(stream, failure.hop),
    why: sentence(failure.message),
    consequence: isFlow ? "" : consequenceOf(stream, failure.hop),
  };
}

function consequenceOf(stream: Stream, hop: Hop): string {
  const { at, isDialogue, isWithServer } = stream;
  const again = isDialogue ? "connect" : "send the message";
  if (hop !== "page-gateway" && at.written === undefined) {
    return `The gateway wrote nothing to ${peerOf(stream, "the")}. It is safe to ${again} again.`;
  }
  const may = hop === "page-gateway" ? "received" : "carried out";
  const what = isDialogue ? "what you sent" : "the message";
  // Only the logbook has a history to look at.
  const check = isWithServer ? "Check the history" : "Check what it did";
  return `${peerOf(stream, "The")} may have ${may} ${what}. ${check} before you send it again.`;
}

/** True when the server answered and kept the connection open, as services do that take many commands: no failure. */
export function isLeftOpen({ failure, receivedBytes }: Stream): boolean {
  return failure?.code === "reply-timeout" && receivedBytes > 0;
}

/** The refusal of the server without its prefix; `undefined` when it did not refuse. */
export function refusalOf(stream: Stream): string | undefined {
  if (stream.answer === "accepted") return undefined;
  return sentence(stream.answerSentence.replace(errorPrefix, ""));
}

/** With a capital letter and a full stop. */
export function sentence(words: string): string {
  const text = words.trim();
  return text === "" ? "" : `${text[0]?.toUpperCase()}${text.slice(1)}${/[.?!]$/.test(text) ? "" : "."}`;
}
