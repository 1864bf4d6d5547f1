import { expect, test } from "vitest";
import { compareStreams } from "@wirebook/scenario";
import { comparedOf } from "../src/compare/compared-of.ts";
import { Stream } from "../src/streams/stream.svelte.ts";
import { server } from "./stream-samples.ts";

/** A stream whose gateway's clock is ahead of the page's by a minute; it sent `PING` and received `PONG`, a millisecond each. */
function ping(sentAtMs: number): Stream {
  const intent = { target: { ...server, name: "redis" }, user: "", message: "PING\r\n", by: "user" } as const;
  const stream = new Stream(1, intent, "connect", { atMs: sentAtMs, text: "" });
  const clock = { offsetMs: 60_000, errorMs: 0.1 };
  const frame = { leg: "target", isAfterGap: false, queuedKiB: 0, writtenBytes: 6, bytes: new Uint8Array(0) } as const;
  const atMs = sentAtMs + 60_000;
  stream.takeBytes({ ...frame, kind: "written", isFromTarget: false, atMs: atMs + 1 }, undefined, clock);
  const bytes = new TextEncoder().encode("+PONG\r\n");
  stream.takeBytes({ ...frame, kind: "data", isFromTarget: true, atMs: atMs + 2, bytes }, sentAtMs + 3, clock);
  return stream;
}

test("times count from the moment at which the page sent, on the gateway's clock", () => {
  const { isSame, turns } = compareStreams(comparedOf(ping(500)), comparedOf(ping(9000)));
  expect(isSame).toBe(true);
  expect(turns).toMatchObject([{ one: { atMs: 1, replyMs: 1 }, other: { atMs: 1, replyMs: 1 }, isSame: true }]);
});

test("bytes that the page let go of, and those of which no event tells, are not called the same", () => {
  const released = ping(0);
  released.release();
  expect(compareStreams(comparedOf(ping(0)), comparedOf(released))).toMatchObject({ isSame: false, missingBytes: 13 });
  const cutOff = ping(0);
  cutOff.noteGap(6, 100);
  expect(compareStreams(comparedOf(cutOff), comparedOf(ping(0)))).toMatchObject({ isSame: false, missingBytes: 93 });
});
