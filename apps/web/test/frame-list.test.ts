import { encodeText, StreamRecord } from "@wirebook/protocol";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { EventWindow } from "../src/inspector/event-window.svelte.ts";
import { FrameList } from "../src/inspector/frame-list.ts";
import type { FrameRow, RowSource } from "../src/inspector/frame-list.ts";
import { Stream } from "../src/streams/stream.svelte.ts";
import { readOf, writtenOf } from "./gateway-peer.ts";
import { server } from "./stream-samples.ts";

const told = ({ number, frame, event, ms, span }: FrameRow) => [
  number,
  frame?.name,
  frame?.bytes,
  event?.kind,
  ms,
  span && `${span.stream} ${span.from}-${span.to}`,
];

const clock = { offsetMs: 0, errorMs: 0.1 };

/** A stream of which only some events are kept, and control frames at such times. */
function sourceOf(reads: number, controlsAt: readonly number[] = []): RowSource {
  const record = new StreamRecord({ firstEventsKept: 20, lastEventsKept: 20, bytesKept: 1000 });
  for (let ms = 0; ms < reads; ms++) record.read(encodeText("x"), ms, { arrivedMs: ms });
  const controls = controlsAt.map((atMs) => ({ direction: "sent" as const, name: "data", atMs, text: "" }));
  return { record, controls, sentAtMs: 0, message: "", toPageMs: (ms) => ms, omittedControls: 0 };
}

const all = (list: FrameList) => list.slice(0, list.length);

describe("the list of frames", () => {
  test("has the frames in the order of time, with what is on TCP beside them", () => {
    const intent = { user: "a", message: "abc", by: "user", target: server } as const;
    const stream = new Stream(7, intent, "connect", { atMs: 100, text: "{}" });
    stream.takeBytes(writtenOf(2, 101), 102, clock);
    stream.takeBytes(writtenOf(1, 104), 105, clock);
    stream.noteSent(encodeText("more"), 105.5);
    stream.takeBytes(readOf(encodeText("hello"), 106), 107, clock);
    const at = { received: 100.5, fin: 108 };
    const end = { type: "end", id: 7, reason: "fin", sentBytes: 3, receivedBytes: 5, at } as const;
    stream.takeFrame(end, { atMs: 109, text: "{}" }, clock);
    const list = new FrameList(stream);
    expect(all(list).map(told)).toEqual([
      [1, "connect", 2, undefined, 0, "sent 0-3"],
      [2, "written", 20, "data", 2, "sent 0-2"],
      [3, "written", 20, "data", 5, "sent 2-3"],
      [4, "data", 20, undefined, 5.5, "sent 3-7"],
      [5, "data", 21, "data", 7, "received 0-5"],
      // The last frame told of the FIN, which came in none of its own.
      [6, undefined, undefined, "fin", 8, undefined],
      [7, "end", 2, undefined, 9, undefined],
    ]);
  });

  test("counts those that are not kept", () => {
    const numbers = all(new FrameList(sourceOf(100))).map(({ number }) => number);
    expect([numbers.length, numbers[19], numbers[20], numbers.at(-1)]).toEqual([40, 20, 81, 100]);
  });

  test("has each frame at one place, in the order of time, and finds the place again", () => {
    const times = fc.array(fc.integer({ min: 0, max: 120 }), { maxLength: 30 });
    fc.assert(
      fc.property(fc.integer({ min: 0, max: 120 }), times, (reads, controlsAt) => {
        const source = sourceOf(
          reads,
          controlsAt.toSorted((a, b) => a - b),
        );
        const list = new FrameList(source);
        const rows = all(list);
        expect(rows).toHaveLength(list.length);
        expect(new Set(rows.map((row) => row.source))).toEqual(new Set([...source.controls, ...source.record.events]));
        expect(rows.map(({ ms }) => ms)).toEqual(rows.map(({ ms }) => ms).toSorted((a, b) => a - b));
        expect(rows.map((row) => list.placeOf(row.source))).toEqual(rows.map((_, place) => place));
      }),
    );
  });

  test("has no row behind its end and no place for what is gone", () => {
    const source = sourceOf(30);
    const gone = source.record.events[25];
    for (let ms = 30; ms < 90; ms++) source.record.read(encodeText("x"), ms, { arrivedMs: ms });
    const list = new FrameList(source);
    expect(list.at(list.length)).toBeUndefined();
    expect(gone && list.placeOf(gone)).toBeUndefined();
  });
});

describe("a window of the list", () => {
  test("follows the end until it is moved, and then stays with the frame that it begins with", () => {
    const source = sourceOf(15);
    const window = new EventWindow(4);
    expect(window.places(new FrameList(source))).toEqual({ from: 11, to: 15 });
    window.step(new FrameList(source), -1);
    expect(window.isFollowing).toBe(false);
    source.record.read(encodeText("x"), 15, { arrivedMs: 15 });
    expect(window.places(new FrameList(source))).toEqual({ from: 9, to: 13 });
    window.follow();
    expect(window.places(new FrameList(source))).toEqual({ from: 12, to: 16 });
  });

  test("follows again where it is moved to the end, and shows all of a short list", () => {
    const list = new FrameList(sourceOf(15));
    const window = new EventWindow(4);
    window.moveTo(list, 3);
    for (let step = 0; step < 5; step++) window.step(list, 1);
    expect(window.isFollowing).toBe(true);
    expect(new EventWindow(40).places(list)).toEqual({ from: 0, to: 15 });
  });

  test("shows a place that is wanted, for as long as it is", () => {
    const list = new FrameList(sourceOf(15));
    const window = new EventWindow(4);
    expect(window.places(list, list.at(2))).toEqual({ from: 0, to: 4 });
    expect(window.places(list, list.at(12))).toEqual({ from: 11, to: 15 });
    expect(window.places(list)).toEqual({ from: 11, to: 15 });
  });

  test("stands still while one of its places is wanted, and then follows again", () => {
    const source = sourceOf(15);
    const window = new EventWindow(4);
    const mark = { source: new FrameList(source).at(13)?.source };
    expect(window.places(new FrameList(source), mark)).toEqual({ from: 11, to: 15 });
    for (let ms = 15; ms < 25; ms++) source.record.read(encodeText("x"), ms, { arrivedMs: ms });
    expect(window.places(new FrameList(source), mark)).toEqual({ from: 11, to: 15 });
    expect(window.places(new FrameList(source))).toEqual({ from: 21, to: 25 });
  });
});
