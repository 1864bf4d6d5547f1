/** The result of an exchange, in the words that cards, the wire and the live region share. */

import { errorPrefix } from "@wirebook/protocol";
import type { Hop } from "@wirebook/protocol";
import type { Exchange } from "./exchange.svelte.ts";

type Tone = "running" | "good" | "refused" | "failed" | "neutral";

export interface Result {
  readonly tone: Tone;
  /** One to three words. */
  readonly word: string;
}

const hopWords: Readonly<Record<Hop, string>> = {
  "page-gateway": "between this page and the gateway",
  gateway: "in the gateway",
  "gateway-server": "between the gateway and the server",
};

export function resultOf(exchange: Exchange): Result {
  switch (exchange.state) {
    case "running":
      if (exchange.receivedBytes > 0) return { tone: "running", word: exchange.isOpen ? "open" : "receiving" };
      return { tone: "running", word: exchange.at.established === undefined ? "sending" : "waiting" };
    case "cancelled":
      return { tone: "neutral", word: isReset(exchange) ? "reset" : "cancelled" };
    case "failed":
      return isLeftOpen(exchange) ? { tone: "refused", word: "not closed" } : { tone: "failed", word: "failed" };
    case "done":
      if (exchange.answer === "refused") return { tone: "refused", word: "refused" };
      return exchange.answer === "unauthenticated"
        ? { tone: "refused", word: "unauthenticated" }
        : { tone: "good", word: "done" };
  }
}

function isReset({ record: { outcome } }: Exchange): boolean {
  return outcome?.kind === "ended" && outcome.reason === "reset";
}

/** Where an exchange failed, why, and what that means for the request; `undefined` when it did not fail. */
export function explainFailure(exchange: Exchange): { where: string; why: string; consequence: string } | undefined {
  const { failure, at } = exchange;
  if (failure === undefined) return undefined;
  if (isLeftOpen(exchange)) {
    return {
      where: "The server answered but did not close the connection.",
      why: sentence(failure.message),
      consequence: "The gateway closed it. Read the reply before you send the message again.",
    };
  }
  return {
    where: `It failed ${hopWords[failure.hop]}.`,
    why: sentence(failure.message),
    consequence:
      failure.hop === "page-gateway"
        ? "The server may have received the message. Check the history before you send it again."
        : at.written === undefined
          ? "The gateway wrote nothing to the server. It is safe to send the message again."
          : "The server may have carried out the message. Check the history before you send it again.",
  };
}

/** True when the server answered and kept the connection open, as services do that take many commands. */
function isLeftOpen({ failure, receivedBytes }: Exchange): boolean {
  return failure?.code === "reply-timeout" && receivedBytes > 0;
}

/** Why a line that was to be deleted may still be there. */
export interface DeleteProblem {
  readonly result: string;
  readonly why: string;
}

/** What to say of a delete; `undefined` when it was carried out. */
export function explainDelete(exchange: Exchange): DeleteProblem | undefined {
  const refusal = refusalOf(exchange);
  const failure = explainFailure(exchange);
  if (failure === undefined)
    return refusal === undefined ? undefined : { result: "Nothing was deleted.", why: refusal };
  const isUnwritten = exchange.failure?.hop !== "page-gateway" && exchange.at.written === undefined;
  if (isUnwritten) return { result: "Nothing was deleted.", why: failure.why };
  return { result: "The line may have been deleted.", why: `${failure.why} ${failure.consequence}` };
}

/** The refusal of the server without its prefix; `undefined` when it did not refuse. */
export function refusalOf(exchange: Exchange): string | undefined {
  if (exchange.answer === "accepted") return undefined;
  return sentence(exchange.answerSentence.replace(errorPrefix, ""));
}

/** With a capital letter and a full stop. */
export function sentence(words: string): string {
  const text = words.trim();
  return text === "" ? "" : `${text[0]?.toUpperCase()}${text.slice(1)}${/[.?!]$/.test(text) ? "" : "."}`;
}
