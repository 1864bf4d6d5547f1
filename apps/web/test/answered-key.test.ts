import fc from "fast-check";
import { encodeReplyHeader, encodeError, encodeText, operations } from "@wirebook/protocol";
import { expect, test } from "vitest";
import { answerBytesMax } from "../src/limits.ts";
import { Stream } from "../src/streams/stream.svelte.ts";
import { recordOf } from "../src/export/recorded-stream.ts";
import { lose, server } from "./stream-samples.ts";
import { readOf } from "./gateway-peer.ts";

const key = "7d2mqk0x9rcv41hzw8tbn53yfe";
const header = encodeReplyHeader({ link: "https://example.org/wirebook", operations });

/** An exchange whose reply comes cut at some places, and the keys that it told. */
function answered(message: string, reply: string, cuts: readonly number[], target = server) {
  const told: string[] = [];
  const onKey = (user: string) => void told.push(user);
  const intent = { target, user: "brick", message, by: "user", onKey } as const;
  const stream = new Stream(7, intent, "request", { atMs: 0, text: "{}" });
  const bytes = encodeText(reply);
  const ends = [...new Set(cuts.map((cut) => cut % bytes.length)), bytes.length].toSorted((a, b) => a - b);
  let from = 0;
  for (const to of ends) {
    const read = bytes.slice(from, to);
    if (read.length > 0) stream.takeBytes(readOf(read), 1, undefined);
    from = to;
  }
  lose(stream, "it went away", 2);
  const shown = stream.record.reads.map((each) => new TextDecoder().decode(each.bytes));
  return { stream, told, shown: shown.join("") };
}

test("a key is told once, and neither shown nor recorded, however its answer is cut", () => {
  fc.assert(
    fc.property(fc.array(fc.nat(), { maxLength: 40 }), (cuts) => {
      const { stream, told, shown } = answered("brick 4\n", `${header}otter-42~${key}\n`, cuts);
      expect(told).toEqual([`otter-42~${key}`]);
      expect(shown).toBe(`${header}otter-42~${"*".repeat(key.length)}\n`);
      expect(stream.answerSentence).not.toContain(key);
      const kept = stream.record.events.map((each) => Buffer.from(each.bytes ?? []).toString("latin1"));
      expect(kept.join("")).not.toContain(key.slice(0, 4));
      expect(JSON.stringify(recordOf(stream))).not.toContain(key);
    }),
  );
});

test("nothing is taken for a key in the reply to another operation, nor in a refusal, nor in a piece", () => {
  expect(answered("brick 2\n", `${header}otter~s3cret\n`, []).told).toEqual([]);
  expect(answered("brick 4 otter\n", header + encodeError("otter has an owner"), []).told).toEqual([]);
  expect(answered("brick 4\n", `${header}otter-42~${key.slice(0, 9)}`, []).told).toEqual([]);
});

test("another service has no keys: what it is sent and answers is shown as it is", () => {
  const other = { ...server, name: "mail" };
  const { told, shown, stream } = answered("brick~s3cret 4\n", `${header}otter-42~${key}\n`, [5], other);
  expect([told, shown]).toEqual([[], `${header}otter-42~${key}\n`]);
  expect([stream.message, recordOf(stream).message]).toEqual(["brick~s3cret 4\n", "brick~s3cret 4\n"]);
  expect(stream.header).toBeUndefined();
});

const toldOf = (bytes: number) => answered("brick 4\n", `${header}a~${"k".repeat(bytes - 2)}\n`, []).told;

test("a line is looked at up to its limit and no further", () => {
  expect(toldOf(answerBytesMax - 1)).toHaveLength(1);
  expect(toldOf(answerBytesMax)).toEqual([]);
});
