import { expect, test } from "vitest";
import { encodeText, StreamRecord } from "@wirebook/protocol";
import { blobOf, droppedBytes, previewOf } from "../src/exchanges/preview.ts";

/** The record of a reply that came in reads of seven bytes. */
function recordOf(text: string, bytesKept = 1e6): StreamRecord {
  const record = new StreamRecord({ firstEventsKept: 1000, lastEventsKept: 1000, bytesKept });
  const all = encodeText(text);
  for (let offset = 0; offset < all.length; offset += 7) record.read(all.subarray(offset, offset + 7), 0);
  return record;
}

test("a response at the bound is shown whole, and one past it with its beginning and its end", () => {
  const text = "one\ntwo\nthree\nfour\n";
  expect(previewOf(recordOf(text), 0, 19, 19)).toEqual({ head: text, hiddenBytes: 0, tail: "" });
  expect(previewOf(recordOf(text), 0, 19, 18)).toEqual({ head: "one\ntwo\n", hiddenBytes: 7, tail: "our\n" });
});

test("is cut between lines, and what is hidden is counted exactly", () => {
  const text = Array.from({ length: 50 }, (_, n) => `line ${n}\n`).join("");
  const { head, hiddenBytes, tail } = previewOf(recordOf(text), 0, text.length, 100);
  expect([text.startsWith(head), text.endsWith(tail), head.endsWith("\n"), tail.startsWith("line")]).toEqual([
    true,
    true,
    true,
    true,
  ]);
  expect(head.length + hiddenBytes + tail.length).toBe(text.length);
});

test("is cut within a line when there is only one", () => {
  const { head, hiddenBytes, tail } = previewOf(recordOf("x".repeat(100)), 0, 100, 20);
  expect([head.length, hiddenBytes, tail.length]).toEqual([15, 80, 5]);
});

test("joins a character that was cut by a read, and shows what would move a cursor", () => {
  expect(previewOf(recordOf("123456ü\u001b[2J\n"), 0, 13, 100).head).toBe("123456ü\\u001b[2J\n");
});

test("is saved byte by byte", async () => {
  expect(await blobOf(recordOf("one\ntwo\nthree"), 4, 13).text()).toBe("two\nthree");
});

test("counts what is not kept of a reply, and shows the rest in its place", () => {
  const record = recordOf("one\ntwo\nthree\nfour\n", 12);
  expect(droppedBytes(record)).toBe(7);
  expect(previewOf(record, 0, 19, 100)).toEqual({ head: "\nthree\nfour\n", hiddenBytes: 0, tail: "" });
});
