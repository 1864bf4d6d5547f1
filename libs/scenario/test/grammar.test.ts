/** What the grammar of docs/reference/scenarios.md can make is what the parser reads. */

import { readFileSync } from "node:fs";
import { join } from "node:path";
import fc from "fast-check";
import { expect, test } from "vitest";
import { parseScenario } from "../src/index.ts";

const docs = readFileSync(join(import.meta.dirname, "../../../docs/reference/scenarios.md"), "utf8");
const grammar = /^```ebnf\n(.*?)^```$/ms.exec(docs)?.[1] ?? "";
const tokens = grammar.match(/"[^"]*"|'[^']*'|\w+|[=,|;(){}[\]]/g) ?? [];

/** Chooses one of so many. */
type Choose = (count: number) => number;
type Rule = (choose: Choose) => string;

/** What the grammar does not define; `char` is none that begins something else. */
const rules = new Map<string, Rule>(
  Object.entries({
    char: "aé 0-}<>#:|",
    letter: "aZ",
    lower: "az",
    digit: "123",
    hex: "09aF",
    tab: "\t",
    newline: "\n",
  }).map(([name, characters]) => [name, (choose) => [...characters][choose([...characters].length)] as string]),
);

function readAlternatives(): Rule {
  const alternatives = [readSequence()];
  while (tokens[0] === "|") {
    tokens.shift();
    alternatives.push(readSequence());
  }
  return (choose) => (alternatives[choose(alternatives.length)] as Rule)(choose);
}

function readSequence(): Rule {
  const parts = [readPart()];
  while (tokens[0] === ",") {
    tokens.shift();
    parts.push(readPart());
  }
  return (choose) => parts.map((part) => part(choose)).join("");
}

function readPart(): Rule {
  const token = tokens.shift() ?? "";
  if (/^["']/.test(token)) return () => token.slice(1, -1);
  if (!/^[([{]$/.test(token)) return (choose) => (rules.get(token) as Rule)(choose);
  const inner = readAlternatives();
  tokens.shift();
  if (token === "(") return inner;
  const most = token === "[" ? 1 : 2;
  return (choose) => Array.from({ length: choose(most + 1) }, () => inner(choose)).join("");
}

while (tokens.length > 0) {
  const name = tokens.shift() as string;
  tokens.shift();
  rules.set(name, readAlternatives());
  tokens.shift();
}

/** Choices until a line comes to its end: a grammar that calls itself could go on for ever. */
const choicesMax = 500;

/** Where lines begin: a line alone is seldom a step, and a step seldom `< EOF`. So each kind of step comes 50 times or more. */
const beginnings = ["line", "step", "expect"];

/** What a line may be by the grammar, and still mean nothing. */
const meaningless = /nothing tells where|is kept twice|has no expectation|there is no step|from 1ms to 10m/;

test("each line that the grammar makes is read", () => {
  const kinds = new Set<string>();
  fc.assert(
    fc.property(fc.constantFrom(...beginnings), fc.infiniteStream(fc.nat()), (beginning, choices) => {
      let made = 0;
      const choose: Choose = (count) => (made++ < choicesMax ? (choices.next().value as number) % count : 0);
      const line = (rules.get(beginning) as Rule)(choose);
      const parsed = parseScenario(line);
      const problems = "problems" in parsed ? parsed.problems.map(({ sentence }) => sentence) : [];
      expect(
        problems.filter((sentence) => !meaningless.test(sentence)),
        JSON.stringify(line),
      ).toEqual([]);
      if ("scenario" in parsed) for (const { kind } of parsed.scenario.steps) kinds.add(kind);
    }),
    { numRuns: 2000 },
  );
  expect(kinds).toEqual(
    new Set(["send", "expect-line", "expect-bytes", "expect-end", "wait", "end", "reset", "close"]),
  );
});
