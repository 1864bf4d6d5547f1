import { expect, test } from "vitest";
import { encodeText, StreamRecord } from "@wirebook/protocol";
import { KeptBytes } from "../src/streams/kept-bytes.ts";

/** What was received, in reads of seven bytes. */
function received(text: string, bytesKept = 1e6): KeptBytes {
  const record = new StreamRecord({ firstEventsKept: 1000, lastEventsKept: 1000, bytesKept });
  const all = encodeText(text);
  for (let offset = 0; offset < all.length; offset += 7) record.read(all.subarray(offset, offset + 7), 0);
  return new KeptBytes(record, true);
}

test("is saved byte by byte, from any offset", async () => {
  const bytes = received("one\ntwo\nthr\u00fce");
  expect(await bytes.toBlob(4).text()).toBe("two\nthrüe");
  expect(bytes.toBlob().type).toBe("application/octet-stream");
  expect([bytes.missing(), bytes.missing(8)]).toEqual([0, 0]);
});

test("joins a character that was cut by a read", () => {
  expect(received("123456ü\n").toText()).toBe("123456ü\n");
});

test("counts what is not kept, and gives the rest in its place", async () => {
  const bytes = received("one\ntwo\nthree\nfour\n", 12);
  expect([bytes.missing(), bytes.missing(5), bytes.missing(7)]).toEqual([7, 2, 0]);
  expect(await bytes.toBlob().text()).toBe("\nthree\nfour\n");
  expect(bytes.slice(5, 9)).toEqual([undefined, undefined, 0x0a, 0x74]);
  expect(bytes.slice(17, 40)).toEqual([0x72, 0x0a]);
});

test("has the bytes that were sent as well", async () => {
  const record = new StreamRecord({ firstEventsKept: 10, lastEventsKept: 10, bytesKept: 100 });
  for (const text of ["EHLO x\r\n", "QUIT\r\n"]) {
    record.sending(encodeText(text));
    record.wrote(text.length, 1);
  }
  record.read(encodeText("250 ok\r\n"), 2);
  expect(await new KeptBytes(record, false).toBlob().text()).toBe("EHLO x\r\nQUIT\r\n");
});
