/** What a person would say of two streams that were compared, in one sentence. */

import type { Comparison, StreamEnd, TurnPair } from "./compare.ts";

/** Replies that a sentence names; more of them are counted. */
const namedMax = 4;

const list = new Intl.ListFormat("en-GB");

export function summarize({ turns, ends, areEndsSame, isSame, missingBytes }: Omit<Comparison, "summary">): string {
  const clauses = [
    ...(isSame ? describeSame(turns) : describeDifferences(turns)),
    !areEndsSame && `${whoEnded(ends.one[0], "first")} and ${whoEnded(ends.other[0], "second")}`,
    missingBytes > 0 && `${plural(missingBytes, "byte")} of both together were not kept and are not compared`,
  ];
  const sentence = clauses.filter((clause) => clause !== false).join("; ");
  return `${sentence.charAt(0).toUpperCase()}${sentence.slice(1)}.`;
}

type Clause = string | false;

function describeSame(turns: readonly TurnPair[]): readonly Clause[] {
  if (turns.length === 0) return ["nothing was sent or received in either"];
  if (!turns.every(isSamePair)) return ["same bytes each way, but in other turns"];
  const [told, ...more] = turns.filter(({ isSame }) => !isSame);
  if (told === undefined) return ["same bytes, in the same reads and about the same time"];
  const [reads, otherReads] = [told.one?.received.sizes.length ?? 0, told.other?.received.sizes.length ?? 0];
  const parts = [
    reads !== otherReads && `${plural(otherReads, "read")} instead of ${reads}`,
    reads === otherReads && !told.areReadsSame && "reads that were cut at other places",
    told.longerMs !== 0 && `${milliseconds(Math.abs(told.longerMs))} ${told.longerMs > 0 ? "longer" : "less"}`,
  ];
  return [
    "same bytes",
    `${nameReplies([told])} took ${parts.filter((part) => part !== false).join(" and ")}`,
    more.length > 0 && `${plural(more.length, "more reply differs", "more replies differ")} in reads or time`,
  ];
}

function describeDifferences(turns: readonly TurnPair[]): readonly Clause[] {
  if (turns.every(isSamePair)) return ["what was kept of them is the same"];
  const both = turns.filter(({ one, other }) => one !== undefined && other !== undefined);
  const [onlyFirst, onlySecond] = [turns.filter(({ other }) => !other).length, turns.filter(({ one }) => !one).length];
  const sent = both.filter(({ isSentSame }) => !isSentSame).length;
  const replies = both.filter(({ isReceivedSame }) => !isReceivedSame);
  return [
    sent > 0 && `what was sent differs in ${sent} of ${plural(both.length, "turn")}`,
    sent + onlyFirst + onlySecond === 0 && "what was sent is the same",
    onlyFirst > 0 && `${plural(onlyFirst, "turn is", "turns are")} only in the first`,
    onlySecond > 0 && `${plural(onlySecond, "turn is", "turns are")} only in the second`,
    replies.length === 1 && `${nameReplies(replies)} differs`,
    replies.length > 1 &&
      `${replies.length} of ${both.length} replies differ${replies.length > namedMax ? "" : `: ${nameReplies(replies)}`}`,
    replies.length === 0 && (sent > 0 ? "what was received to them is the same" : "the rest is the same"),
  ];
}

/** `the greeting, reply 1 and reply 3` */
function nameReplies(pairs: readonly TurnPair[]): string {
  const numbers = pairs.map(({ one, other }) => (one ?? other)?.number ?? 0);
  return list.format(numbers.map((number) => (number === 0 ? "the greeting" : `reply ${number}`)));
}

function whoEnded(end: StreamEnd | undefined, which: string): string {
  if (end === undefined) return `the ${which} was not closed`;
  return `${end.isFromTarget ? "the target" : "the client"} ${end.kind === "fin" ? "closed" : "reset"} the ${which}`;
}

/** `FIN from the target at 12 ms, FIN from the client at 13 ms` */
export function describeEnds(ends: readonly StreamEnd[]): string {
  const texts = ends.map(({ kind, isFromTarget, atMs }) => {
    return `${kind.toUpperCase()} from the ${isFromTarget ? "target" : "client"} at ${milliseconds(atMs)}`;
  });
  return texts.length === 0 ? "not closed" : texts.join(", ");
}

/** `greeting`, `turn 2`; `turn 2 | turn 3` where other turns stand before it in the second stream. */
export function nameOfTurn({ one, other }: Pick<TurnPair, "one" | "other">): string {
  const numbers = new Set([one, other].flatMap((turn) => turn?.number ?? []));
  return Array.from(numbers, (number) => (number === 0 ? "greeting" : `turn ${number}`)).join(" | ");
}

function isSamePair({ isSentSame, isReceivedSame }: TurnPair): boolean {
  return isSentSame && isReceivedSame;
}

function milliseconds(ms: number): string {
  return ms < 10_000 ? `${Math.round(ms)} ms` : `${(ms / 1000).toFixed(1)} s`;
}

function plural(value: number, noun: string, nouns = `${noun}s`): string {
  return `${value} ${value === 1 ? noun : nouns}`;
}
