/** Files and targets that want to take long, or much memory. A matcher that backtracks would take hours here. */

import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import { encodeText } from "@wirebook/protocol";
import fc from "fast-check";
import { expect, test } from "vitest";
import { parseScenario, Player } from "../src/index.ts";
import { createLineMatcher } from "../src/expectations.ts";
import { readPieces } from "../src/text.ts";

function play(text: string): Player {
  const parsed = parseScenario(text);
  if ("problems" in parsed) throw new Error(JSON.stringify(parsed.problems));
  return new Player(parsed.scenario, { values: new Map(), pace: "recorded" });
}

test("a pattern fits what a regular expression with lazy stars would, and keeps the same", () => {
  const part = fc.constantFrom("a", "b", "ab", "aab", "*", "{{one}}b", "{{two}}a", "{{known}}");
  fc.assert(
    fc.property(
      fc.uniqueArray(part, { selector: (each) => (each.includes("{{") ? each : Symbol("any")) }),
      fc.string({ unit: fc.constantFrom("a", "b"), maxLength: 12 }),
      (parts, line) => {
        const source = parts.join("").replaceAll(/\*(?=\{\{[ot])/g, "*a");
        const pieces = readPieces(source, "pattern", 0);
        const expression = pieces.map((piece) => {
          if (piece.kind === "text") return piece.text;
          if (piece.kind === "any") return ".*?";
          return piece.name === "known" ? "ba" : `(?<${piece.name}>.*?)`;
        });
        const found = new RegExp(`^${expression.join("")}$`).exec(line);
        const kept = createLineMatcher(pieces, new Map([["known", "ba"]]))(line);
        expect(kept && Object.fromEntries(kept)).toEqual(found ? { ...found.groups } : undefined);
      },
    ),
    { numRuns: 500 },
  );
});

test.each([
  ["ten thousand stars", `<* ${"*a".repeat(10_000)}*b`],
  ["a text that nearly fits everywhere", `<* *${"a".repeat(16_000)}b${"a".repeat(16_000)}*`],
])("skips 16 MiB of lines with %s", (_, text) => {
  const player = play(text);
  const line = encodeText(`${"a".repeat(64 * 1024 - 1)}\n`);
  for (let count = 0; count < 256; count++) {
    player.received(line, 0);
    player.advance(0);
  }
  expect(player.verdict).toBeUndefined();
  player.advance(5000);
  expect(player.verdict?.kind).toBe("timed-out");
});

test("skips a million short lines with a long pattern, and reads them byte by byte", () => {
  const player = play(`<* ${"*a".repeat(32_000)}`);
  const lines = encodeText("a\n".repeat(250_000));
  for (let count = 0; count < 4; count++) {
    player.received(lines, 0);
    player.advance(0);
  }
  for (let at = 0; at < 200_000; at++) {
    player.received(lines.subarray(1 + (at % 2), 2 + (at % 2)), 0);
    player.advance(0);
  }
  expect(player.verdict).toBeUndefined();
  const waits = play("wait 1m\n< *");
  waits.advance(0);
  for (let at = 0; at < 1024 * 1024; at++) waits.received(lines.subarray(0, 1), 0);
  expect(waits.verdict).toBeUndefined();
  waits.received(lines.subarray(0, 1), 0);
  expect(waits.verdict?.kind).toBe("failed");
});

test("plays ten thousand steps against 320 MiB with little memory", () => {
  setFlagsFromString("--expose-gc");
  const collect = runInNewContext("gc") as () => void;
  const player = play("> next {{id}}\n<* done {{id}}\n".repeat(5000).replace(" {{id}}", ""));
  const reply = encodeText(`${`${"a".repeat(8191)}\n`.repeat(8)}done 7\n`);
  collect();
  const before = process.memoryUsage();
  while (player.verdict === undefined) {
    while (player.advance(0) !== undefined);
    if (player.verdict === undefined) player.received(reply, 0);
  }
  collect();
  const after = process.memoryUsage();
  expect(player.verdict).toEqual({ kind: "held" });
  expect(player.results).toHaveLength(10_000);
  const megabytes = (after.heapUsed + after.arrayBuffers - before.heapUsed - before.arrayBuffers) / 1024 / 1024;
  expect(megabytes).toBeLessThan(32);
});

test("a file of nothing but line ends or signs is read in one go", () => {
  for (const part of ["\n\n<\n", "{{", '>> "\\\n']) {
    const parsed = parseScenario(part.repeat(Math.floor((4 * 1024 * 1024) / part.length)));
    expect("problems" in parsed && parsed.problems.length).toBeGreaterThan(0);
  }
});
