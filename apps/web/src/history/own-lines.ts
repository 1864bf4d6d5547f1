/** Which lines of the history the exchanges of this page left there [W-8]. */

import { decodeText, decodeTime, encodeText, quoteText, redactMessage } from "@wirebook/protocol";
import type { Stream } from "../streams/stream.svelte.ts";
import type { LineCache } from "./replica/line-cache.svelte.ts";
import { timeOf } from "./view/line-text.ts";

export interface FoundLine {
  readonly line: string;
  readonly position: number;
}

/** Lines that are searched, from the newest back. */
const searchedMax = 5000;

/** Those that were found: a line's timestamp is its identity. */
const found = new WeakMap<Stream, string>();

/** The line of an exchange: of those with its message that came after it was sent, the nearest in time. */
export function findOwnLine(cache: LineCache, stream: Stream | undefined): FoundLine | undefined {
  if (!stream?.isWithServer || stream.flow !== undefined) return undefined;
  const known = found.get(stream);
  // What was known when it was sent is older than its line, by any clock [H-2].
  const until = known === undefined ? (stream.intent.after ?? "") : timeOf(known);
  const tail = tailOf(stream);
  const { last } = cache;
  let best: FoundLine | undefined;
  let bestDistance = Infinity;
  for (let position = last; position > last - searchedMax; position--) {
    const line = cache.at(position);
    if (line === undefined) break;
    if (line === known) return { line, position };
    const time = timeOf(line);
    if (time !== "" && time <= until) break;
    if (known !== undefined || !line.endsWith(tail)) continue;
    const distance = Math.abs((decodeTime(time) ?? Infinity) / 1000 - stream.sentAt.getTime());
    if (distance < bestDistance) [best, bestDistance] = [{ line, position }, distance];
  }
  // Before the reply a nearer line may still come.
  if (best !== undefined && (stream.state !== "running" || stream.receivedBytes > 0)) found.set(stream, best.line);
  return best;
}

export function findExchange(cache: LineCache, streams: readonly Stream[], line: string): Stream | undefined {
  return streams.findLast((stream) => line.endsWith(tailOf(stream)) && findOwnLine(cache, stream)?.line === line);
}

/** How the line of an exchange ends: the message as far as the server got it, without a key and a line ending [H-3], [H-5]. */
function tailOf({ intent, record, state, failure }: Stream): string {
  const isKnown = state !== "running" && failure?.code !== "gateway-lost";
  const sent = decodeText(encodeText(intent.message).subarray(0, isKnown ? record.sentBytes : undefined));
  const message = (sent.split("\n", 1)[0] ?? "").replace(/\r$/, "");
  return ` ${quoteText(redactMessage(message))}`;
}
