/** What a person would say of two streams that were compared, in one sentence. */

import type { Comparison, StreamEnd, TurnPair } from "./compare.ts";

/** Replies that a sentence names; more of them are counted. */
const namedMax = 4;

const list = new Intl.ListFormat("en-GB");

export function summarize({ turns, ends, areEndsSame, isSame, missingBytes }: Omit<Comparison, "summary">): string {
  const clauses = [
    ...(isSame ? describeSame(turns) : describeDifferences(turns)),
    ...(areEndsSame ? [] : [`${whoEnded(ends.one[0], "first")} and ${whoEnded(ends.other[0], "second")}`]),
    ...(missingBytes === 0
      ? []
      : [`${plural(missingBytes, "byte")} of both together were not kept and are not compared`]),
  ];
  const sentence = clauses.join("; ");
  return `${sentence.charAt(0).toUpperCase()}${sentence.slice(1)}.`;
}

function describeSame(turns: readonly TurnPair[]): readonly string[] {
  if (turns.length === 0) return ["nothing was sent or received in either"];
  if (!turns.every(isSamePair)) {
    const count = (side: "one" | "other") => turns.filter((pair) => pair[side] !== undefined).length;
    const isCount = count("one") !== count("other");
    return [
      `same bytes each way, but in ${isCount ? `${plural(count("other"), "turn")} instead of ${count("one")}` : "other turns"}`,
    ];
  }
  const [told, ...more] = turns.filter(({ areReadsSame, longerMs }) => !areReadsSame || longerMs !== 0);
  if (told === undefined) return ["same bytes, in the same reads and about the same time"];
  const rest =
    more.length === 0 ? [] : [`${plural(more.length, "more reply differs", "more replies differ")} in reads or time`];
  return ["same bytes", describeReply(told), ...rest];
}

/** `reply 2 took 3 reads instead of 1 and 14 ms longer` */
function describeReply(pair: TurnPair): string {
  const [reads, otherReads] = [pair.one?.received.count ?? 0, pair.other?.received.count ?? 0];
  const times = `${milliseconds(Math.abs(pair.longerMs))} ${pair.longerMs > 0 ? "longer" : "less"}`;
  const hasMore = reads !== otherReads;
  const parts = [
    hasMore && `took ${plural(otherReads, "read")} instead of ${reads}`,
    !hasMore && !pair.areReadsSame && "was cut into reads at other places",
    pair.longerMs !== 0 && (hasMore ? times : `took ${times}`),
  ];
  return `${nameReplies([pair])} ${parts.filter((part) => part !== false).join(" and ")}`;
}

function describeDifferences(turns: readonly TurnPair[]): readonly string[] {
  if (turns.every(isSamePair)) return ["what was kept of them is the same"];
  const both = turns.filter(({ one, other }) => one !== undefined && other !== undefined);
  const sent = both.filter(({ isSentSame }) => !isSentSame);
  const replies = both.filter(({ isReceivedSame }) => !isReceivedSame);
  const alone = [
    { pairs: turns.filter(({ other }) => other === undefined), where: "first" },
    { pairs: turns.filter(({ one }) => one === undefined), where: "second" },
  ].filter(({ pairs }) => pairs.length > 0);
  return [
    sent.length + alone.length === 0 && "what was sent is the same",
    sent.length > 0 && `what was sent differs in ${sent.length} of ${plural(both.length, "turn")}`,
    ...alone.map(({ pairs, where }) => `${plural(pairs.length, "turn is", "turns are")} only in the ${where}`),
    replies.length > 0 && describeReplies(replies, both.length),
    replies.length === 0 && (sent.length > 0 ? "what was received to them is the same" : "the rest is the same"),
  ].filter((clause) => clause !== false);
}

function describeReplies(differing: readonly TurnPair[], total: number): string {
  const { length } = differing;
  if (length === 1) return `${nameReplies(differing)} differs`;
  return `${length} of ${total} replies differ${length > namedMax ? "" : `: ${nameReplies(differing)}`}`;
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

function isSamePair({ isSentSame, isReceivedSame }: TurnPair): boolean {
  return isSentSame && isReceivedSame;
}

/** `greeting`, `turn 2`; `turn 2 | turn 3` where other turns stand before it in the second stream. */
export function nameOfTurn({ one, other }: Pick<TurnPair, "one" | "other">): string {
  const numbers = new Set([one, other].filter((turn) => turn !== undefined).map(({ number }) => number));
  return Array.from(numbers, (number) => (number === 0 ? "greeting" : `turn ${number}`)).join(" | ");
}

function milliseconds(ms: number): string {
  return ms < 10_000 ? `${Math.round(ms)} ms` : `${(ms / 1000).toFixed(1)} s`;
}

function plural(value: number, noun: string, nouns = `${noun}s`): string {
  return `${value} ${value === 1 ? noun : nouns}`;
}
