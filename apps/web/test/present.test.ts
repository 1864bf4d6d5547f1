import { decodeByteFrame, decodePageFrame, decodeText, encodeFrame, encodeText, flowIdMin } from "@wirebook/protocol";
import type { PageFrame } from "@wirebook/protocol";
import { expect, test } from "vitest";
import { presentedAtOnce, presentedStreamsMax, presentWaitingBytesMax } from "../src/limits.ts";
import { Stream } from "../src/streams/stream.svelte.ts";
import { Presenter } from "../src/traffic/present.svelte.ts";
import { hello, redis } from "./flow-frames.ts";
import { readOf, writtenOf } from "./gateway-peer.ts";

const server = { ...redis, name: "wirebook" };
const token = "Fq9cOb0hX2mJt1e7LkPAaQ";

/** A stream of the user, with what was said on it. */
function streamOf(id: number, message: string, answers: readonly string[] = [], more: object = {}): Stream {
  const intent = { target: server, user: "brick", message, by: "user", ...more } as const;
  const stream = new Stream(id, intent, "request", { atMs: performance.now(), text: "{}" });
  stream.takeBytes(writtenOf(encodeText(message).length, 1), 1, undefined);
  for (const answer of answers) stream.takeBytes(readOf(encodeText(answer), 2), 2, undefined);
  return stream;
}

/** A presenter of these streams, and all that it has sent in words that can be compared. */
function presenting(list: Stream[]) {
  const frames: string[] = [];
  const connection = {
    hello,
    waitingBytes: 0,
    send: (frame: PageFrame) => {
      expect(decodePageFrame(encodeFrame(frame))).toEqual({ frame: JSON.parse(encodeFrame(frame)) });
      frames.push(
        [frame.type, "id" in frame ? frame.id : "", frame.type === "show" ? frame.stream.name : ""].join(" "),
      );
      return { atMs: 0, text: "" };
    },
    sendBytes: (bytes: Uint8Array) => {
      const frame = decodeByteFrame(bytes);
      if (typeof frame === "string") throw new Error(frame);
      const gap = frame.isAfterGap ? " gap" : "";
      frames.push(`${frame.id - flowIdMin} ${frame.isFromTarget ? "←" : "→"}${gap} ${decodeText(frame.bytes)}`);
      return 0;
    },
  };
  const streams: { list: Stream[]; selected: Stream | undefined } = { list, selected: undefined };
  const presenter = new Presenter(connection, streams);
  const begin = () => {
    presenter.begin();
    presenter.takeFrame({ type: "presenting", token, key: token, viewers: 0 });
  };
  return { presenter, connection, streams, frames, begin };
}

const until = (check: () => void) => expect.poll(() => check(), { interval: 1 });

test("shows what is there in its order, without keys, then what comes, and its end", async () => {
  const first = streamOf(1, "brick~s3cret 2\n", ["hello ", "you\n"]);
  const second = streamOf(2, "otter 2\n");
  const { presenter, streams, frames, begin } = presenting([first, second]);
  begin();
  await until(() => frames.length).toBe(7);
  streams.selected = second;
  second.takeBytes({ ...readOf(encodeText("late\n"), 3), id: 2 } as never, 3, undefined);
  second.end({ kind: "ended", reason: "fin" }, 4);
  presenter.wake();
  await until(() => frames.length).toBe(10);
  expect(frames).toEqual([
    "present  ",
    "show 1 brick~*** 2",
    "show 2 otter 2",
    "1 → brick~****** 2\n",
    "1 ← hello ",
    "1 ← you\n",
    "2 → otter 2\n",
    "select 2 ",
    "2 ← late\n",
    "shown 2 ",
  ]);
});

test("sends dots for what is hidden, also in the name, and tells of what was seen", async () => {
  const stream = streamOf(1, "brick 2\n", ["open\nsecret\n"]);
  stream.hidden = [
    { isFromTarget: true, from: 5, to: 12 },
    { isFromTarget: false, from: 0, to: Infinity },
  ];
  const { presenter, frames, begin } = presenting([stream]);
  begin();
  await until(() => frames.length).toBe(4);
  expect(frames.slice(1)).toEqual(["show 1 ..... .", "1 → .......\n", "1 ← open\n......\n"]);
  expect(presenter.notice).toBe("");
  presenter.hide(stream, [{ isFromTarget: true, from: 0, to: 5 }]);
  expect(presenter.notice).toContain("Viewers may have seen this");
});

test("pauses while much waits toward the gateway, and marks what was let go of meanwhile", async () => {
  const stream = streamOf(1, "brick 2\n", ["one"]);
  const { presenter, connection, frames, begin } = presenting([stream]);
  connection.waitingBytes = presentWaitingBytesMax + 1;
  begin();
  connection.waitingBytes = 0;
  await until(() => frames.at(-1)).toBe("1 ← one");
  connection.waitingBytes = presentWaitingBytesMax + 1;
  stream.takeBytes(readOf(encodeText("lost"), 3), 3, undefined);
  stream.release();
  const before = frames.length;
  presenter.wake();
  connection.waitingBytes = 0;
  stream.takeBytes(readOf(encodeText("kept"), 4), 4, undefined);
  presenter.wake();
  await until(() => frames.length).toBe(before + 1);
  expect(frames.at(-1)).toBe("1 ← gap kept");
});

test("shows the newest at first, and no more frames at once than it may", async () => {
  const reads = Array.from({ length: presentedAtOnce * 2 }, (_, n) => `${n};`);
  const list = Array.from({ length: presentedStreamsMax + 5 }, (_, n) => streamOf(n + 1, "brick 2\n"));
  list.push(streamOf(100, "otter 2\n", reads), streamOf(101, "page 2\n", [], { by: "page" }));
  for (const stream of list) stream.end({ kind: "ended", reason: "fin" }, 5);
  const { frames, begin } = presenting(list);
  begin();
  await until(() => frames.at(-1)).toBe("shown 100 ");
  const shows = frames.filter((each) => each.startsWith("show "));
  expect(shows).toHaveLength(presentedStreamsMax);
  expect(shows[0]).toBe("show 7 brick 2");
  expect(frames.filter((each) => each.startsWith("100 ←"))).toEqual(reads.map((read) => `100 ← ${read}`));
});

test("stops with the gateway's sentence when it may not, and with its own when it is over", () => {
  const { presenter, begin } = presenting([]);
  presenter.begin();
  const refusal = { type: "error", id: null, code: "too-many-presentations", hop: "gateway", at: {} } as const;
  expect(presenter.takeFrame({ ...refusal, message: "16 presentations run" })).toBe(true);
  expect([presenter.state, presenter.notice]).toEqual(["off", "16 presentations run."]);
  begin();
  expect(presenter.state).toBe("on");
  presenter.takeFrame({ type: "presented-end" });
  expect([presenter.state, presenter.notice]).toEqual([
    "off",
    "The presentation has ended, or goes on in another tab.",
  ]);
});
