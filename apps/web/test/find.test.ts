import fc from "fast-check";
import { expect, test } from "vitest";
import { encodeText } from "@wirebook/protocol";
import { Find } from "../src/conversation/find.svelte.ts";
import { Stream } from "../src/streams/stream.svelte.ts";
import { findMatchesMax } from "../src/limits.ts";
import { readOf, writtenOf } from "./gateway-peer.ts";
import { server } from "./stream-samples.ts";

function streamOf(message: string, ...reads: readonly string[]): Stream {
  const intent = { target: { ...server, name: "mail" }, user: "", message, by: "user" } as const;
  const stream = new Stream(1, intent, "connect", { atMs: 0, text: "" });
  stream.takeBytes(writtenOf(message.length), 1, undefined);
  for (const read of reads) give(stream, read);
  return stream;
}

function give(stream: Stream, text: string): void {
  stream.takeBytes(readOf(encodeText(text)), 1, undefined);
}

function findIn(text: string, ...list: Stream[]): Find {
  const find = new Find({ list });
  find.text = text;
  find.refresh();
  return find;
}

const placesOf = ({ matches }: Find) =>
  matches.map(({ isFromTarget, offset }) => `${isFromTarget ? "<" : ">"}${offset}`);

test("finds in both directions, whatever the case, and where reads cut it", () => {
  expect(placesOf(findIn("ehlo", streamOf("EHLO x\r\n", "250 EH", "L", "o, ehlo\r\n")))).toEqual([">0", "<4", "<10"]);
  expect(placesOf(findIn("ü", streamOf("", "aü")))).toEqual(["<1"]);
});

test("cutting the bytes into other reads changes nothing of what is found", () => {
  const text = "abcabcabab";
  fc.assert(
    fc.property(fc.array(fc.integer({ min: 1, max: 4 }), { minLength: 10 }), (sizes) => {
      let at = 0;
      const reads = sizes.map((size) => text.slice(at, (at += size))).filter((read) => read !== "");
      for (const needle of ["ab", "abca", "bab"]) {
        expect(placesOf(findIn(needle, streamOf("", ...reads)))).toEqual(placesOf(findIn(needle, streamOf("", text))));
      }
    }),
  );
});

test("finds what comes later, once", () => {
  const stream = streamOf("", "one ");
  const find = findIn("on", stream);
  find.refresh();
  give(stream, "on");
  give(stream, "e");
  find.refresh();
  expect(placesOf(find)).toEqual(["<0", "<4"]);
});

test("goes from the newest match on, around, and begins again with another text", () => {
  const find = findIn("a", streamOf("", "a b"), streamOf("", "a"));
  find.move(1);
  const newest = find.current;
  expect(newest?.stream).toBe(find.matches[1]?.stream);
  find.move(1);
  expect(find.current).toBe(find.matches[0]);
  find.move(-1);
  expect(find.current).toStrictEqual(newest);
  find.text = "b";
  find.refresh();
  expect([find.current, placesOf(find)]).toEqual([undefined, ["<2"]]);
  find.close();
  expect(find.matches).toEqual([]);
});

test("keeps a bounded number of matches", () => {
  const find = findIn("x", streamOf("", "x".repeat(findMatchesMax)), streamOf("", "x"));
  expect([find.matches.length, find.status]).toEqual([findMatchesMax, "10,000 or more"]);
});
