import { beforeEach, describe, expect, test } from "vitest";
import { encodeRequestEntry, encodeTime } from "@wirebook/protocol";
import { Stream } from "../src/streams/stream.svelte.ts";
import type { Streams } from "../src/streams/streams.svelte.ts";
import type { LineCache } from "../src/history/replica/line-cache.svelte.ts";
import { findExchange, findOwnLine } from "../src/history/own-lines.ts";
import { deleteLine, openScene } from "./app-fixture.ts";
import { lose, server } from "./stream-samples.ts";

const nowMicroseconds = Date.now() * 1000;
const timeAt = (n: number) => encodeTime(nowMicroseconds + n);
const lineAt = (n: number, message = "brick") => encodeRequestEntry(timeAt(n), "127.0.0.1", message, false);

/** An exchange that is over, sent when the newest line that was known was that of `after`. */
function over(after: number | undefined, message = "brick\n"): Stream {
  const intent = {
    target: server,
    user: "brick",
    message,
    by: "user",
    after: after === undefined ? undefined : timeAt(after),
  } as const;
  const stream = new Stream(1, intent, "request", { atMs: 0, text: "{}" });
  lose(stream, "", 1);
  return stream;
}

describe("the lines that exchanges left", () => {
  let cache: LineCache;
  let streams: Streams;

  beforeEach(() => {
    ({ cache, streams } = openScene());
    for (const n of [1, 2, 3]) cache.apply(lineAt(n));
  });

  test("are not older ones with the same words, although their own come only after the reply", () => {
    const stream = over(3);
    expect(findOwnLine(cache, stream)).toBeUndefined();
    cache.apply(lineAt(4, "otter"));
    expect(findOwnLine(cache, stream)).toBeUndefined();
    cache.apply(lineAt(5));
    expect(findOwnLine(cache, stream)).toEqual({ line: lineAt(5), position: 5 });
    for (const each of [over(3, "otter\n"), stream]) streams.adopt(() => each);
    expect(findExchange(cache, streams.list, lineAt(5))).toBe(stream);
    expect(findExchange(cache, streams.list, lineAt(3))).toBeUndefined();
  });

  test("are the nearest in time of those with the same words", () => {
    const far = 3_600_000_000;
    cache.apply(lineAt(far));
    expect(findOwnLine(cache, over(2))?.position).toBe(3);
    expect(findOwnLine(cache, over(3))?.position).toBe(4);
  });

  test("are none with other words, or of another form", () => {
    cache.apply('brick 2 at noon 127.0.0.1 "heron"');
    expect(findOwnLine(cache, over(undefined, "heron\n"))).toBeUndefined();
  });

  test("move up when a line above is deleted, and are gone when they are deleted", () => {
    const stream = over(2);
    expect(findOwnLine(cache, stream)?.position).toBe(3);
    deleteLine(cache, 1, timeAt(6));
    expect(findOwnLine(cache, stream)?.position).toBe(2);
    deleteLine(cache, 2, timeAt(7));
    cache.apply(lineAt(8));
    expect(findOwnLine(cache, stream)).toBeUndefined();
  });

  test("are found among lines that were read afterwards, where nothing was held", () => {
    cache.reset(10);
    const stream = over(undefined, "heron\n");
    cache.apply(lineAt(11));
    expect(findOwnLine(cache, stream)).toBeUndefined();
    cache.put(9, [lineAt(9, "heron"), lineAt(10)]);
    expect(findOwnLine(cache, stream)?.position).toBe(9);
  });

  test("are looked for anew when the line up to which there was none is deleted", () => {
    const stream = over(3, "heron\n");
    expect(findOwnLine(cache, stream)).toBeUndefined();
    deleteLine(cache, 3, timeAt(6));
    cache.apply(lineAt(7, "heron"));
    expect(findOwnLine(cache, stream)?.position).toBe(4);
  });
});
