import { expect, test } from "vitest";
import { encodeBytes, encodeText } from "@wirebook/protocol";
import { FrameLog } from "../src/exchanges/frame-log.ts";
import { blobOf, previewOf } from "../src/exchanges/preview.ts";

/** A log of a reply that came in reads of seven bytes. */
function logOf(text: string): FrameLog {
  const log = new FrameLog();
  const all = encodeText(text);
  for (let offset = 0; offset < all.length; offset += 7) {
    const bytes = all.subarray(offset, offset + 7);
    const payload = encodeBytes(1, bytes);
    const read = { index: offset / 7, offset, bytes: bytes.length };
    log.add({ direction: "received", kind: "binary", name: "bytes", atMs: 0, bytes: payload.length, read, payload });
  }
  return log;
}

test("a response at the bound is shown whole, and one past it with its beginning and its end", () => {
  const text = "one\ntwo\nthree\nfour\n";
  expect(previewOf(logOf(text), 0, 19, 19)).toEqual({ head: text, hiddenBytes: 0, tail: "" });
  expect(previewOf(logOf(text), 0, 19, 18)).toEqual({ head: "one\ntwo\n", hiddenBytes: 7, tail: "our\n" });
});

test("is cut between lines, and what is hidden is counted exactly", () => {
  const text = Array.from({ length: 50 }, (_, n) => `line ${n}\n`).join("");
  const { head, hiddenBytes, tail } = previewOf(logOf(text), 0, text.length, 100);
  expect([text.startsWith(head), text.endsWith(tail), head.endsWith("\n"), tail.startsWith("line")]).toEqual([
    true,
    true,
    true,
    true,
  ]);
  expect(head.length + hiddenBytes + tail.length).toBe(text.length);
});

test("is cut within a line when there is only one", () => {
  const { head, hiddenBytes, tail } = previewOf(logOf("x".repeat(100)), 0, 100, 20);
  expect([head.length, hiddenBytes, tail.length]).toEqual([15, 80, 5]);
});

test("joins a character that was cut by a read, and shows what would move a cursor", () => {
  expect(previewOf(logOf("123456ü\u001b[2J\n"), 0, 13, 100).head).toBe("123456ü\\u001b[2J\n");
});

test("is saved byte by byte", async () => {
  expect(await blobOf(logOf("one\ntwo\nthree"), 4, 13).text()).toBe("two\nthree");
});
