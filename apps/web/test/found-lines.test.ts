import { beforeEach, describe, expect, test } from "vitest";
import { encodeRequestEntry, encodeTime } from "@wirebook/protocol";
import { Stream } from "../src/streams/stream.svelte.ts";
import { HistoryReplica } from "../src/history/replica/history-replica.ts";
import { FoundLines } from "../src/history/found-lines.ts";
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
  let copy: HistoryReplica;
  let lines: FoundLines;

  beforeEach(() => {
    copy = new HistoryReplica();
    lines = new FoundLines();
    for (const n of [1, 2, 3]) copy.append(lineAt(n));
  });

  test("are not older ones with the same words, although their own come only after the reply", () => {
    const stream = over(3);
    expect(lines.find(stream, copy)).toBeUndefined();
    copy.append(lineAt(4, "otter"));
    expect(lines.find(stream, copy)).toBeUndefined();
    copy.append(lineAt(5));
    expect(lines.find(stream, copy)?.position).toBe(5);
  });

  test("move up when a line above is deleted, and are gone when they are deleted", () => {
    const stream = over(2);
    expect(lines.find(stream, copy)?.position).toBe(3);
    copy.delete(1, timeAt(1));
    expect(lines.find(stream, copy)?.position).toBe(2);
    copy.delete(2, timeAt(3));
    copy.append(lineAt(6));
    expect(lines.find(stream, copy)).toBeUndefined();
  });

  test("are found among lines that were read afterwards, where nothing was held", () => {
    const later = new HistoryReplica(10);
    const stream = over(undefined, "heron\n");
    later.append(lineAt(11));
    expect(lines.find(stream, later)).toBeUndefined();
    later.put(9, [lineAt(9, "heron"), lineAt(10)]);
    expect(lines.find(stream, later)?.position).toBe(9);
  });

  test("are looked for anew when the line up to which there was none is deleted", () => {
    const stream = over(3, "heron\n");
    expect(lines.find(stream, copy)).toBeUndefined();
    copy.delete(3, timeAt(3));
    copy.append(lineAt(7, "heron"));
    expect(lines.find(stream, copy)?.position).toBe(3);
  });
});
