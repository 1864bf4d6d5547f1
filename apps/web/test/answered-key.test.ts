import fc from "fast-check";
import { encodeReplyHeader, encodeBytes, encodeError, encodeText, operations } from "@wirebook/protocol";
import { expect, test } from "vitest";
import { AnsweredKey, answeredKeyBytesMax } from "../src/exchanges/keys.ts";
import { Exchange } from "../src/exchanges/exchange.svelte.ts";
import { recordOf } from "../src/export/record-of.ts";

const key = "7d2mqk0x9rcv41hzw8tbn53yfe";
const header = encodeReplyHeader({ link: "https://example.org/wirebook", operations });

/** An exchange whose reply comes cut at some places, and the keys that it told. */
function answered(message: string, reply: string, cuts: readonly number[]) {
  const told: string[] = [];
  const intent = { user: "brick", message, by: "user", onKey: (user: string) => void told.push(user) } as const;
  const exchange = new Exchange(7, intent, "request", { atMs: 0, payload: "{}" });
  const bytes = encodeText(reply);
  const ends = [...new Set(cuts.map((cut) => cut % bytes.length)), bytes.length].toSorted((a, b) => a - b);
  let from = 0;
  for (const to of ends) {
    const read = bytes.slice(from, to);
    if (read.length > 0) exchange.takeBytes(read, { atMs: 1, payload: encodeBytes(7, read) });
    from = to;
  }
  exchange.lose("it went away", 2);
  const shown = exchange.frames.replyParts(0, bytes.length).map((part) => new TextDecoder().decode(part));
  return { exchange, told, shown: shown.join("") };
}

test("a key is told once, and neither shown nor recorded, however its answer is cut", () => {
  fc.assert(
    fc.property(fc.array(fc.nat(), { maxLength: 40 }), (cuts) => {
      const { exchange, told, shown } = answered("brick 4\n", `${header}otter-42~${key}\n`, cuts);
      expect(told).toEqual([`otter-42~${key}`]);
      expect(shown).toBe(`${header}otter-42~${"*".repeat(key.length)}\n`);
      expect(exchange.answerSentence).not.toContain(key);
      const kept = exchange.frames.frames.map(({ payload }) => Buffer.from(payload ?? "").toString("latin1"));
      expect(kept.join("")).not.toContain(key.slice(0, 4));
      expect(JSON.stringify(recordOf(exchange))).not.toContain(key);
    }),
  );
});

test("nothing is taken for a key in the reply to another operation, nor in a refusal, nor in a piece", () => {
  expect(answered("brick 2\n", `${header}otter~s3cret\n`, []).told).toEqual([]);
  expect(answered("brick 4 otter\n", header + encodeError("otter has an owner"), []).told).toEqual([]);
  expect(answered("brick 4\n", `${header}otter-42~${key.slice(0, 9)}`, []).told).toEqual([]);
});

/** What is found in a line of so many bytes. */
const lineOf = (bytes: number) => new AnsweredKey().push(encodeText(`${header}a~${"k".repeat(bytes - 2)}\n`));

test("a line is looked at up to its limit and no further", () => {
  expect(lineOf(answeredKeyBytesMax)).toBeDefined();
  expect(lineOf(answeredKeyBytesMax + 1)).toBeUndefined();
});
