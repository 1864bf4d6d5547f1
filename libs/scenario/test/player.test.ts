import { encodeText } from "@wirebook/protocol";
import fc from "fast-check";
import { expect, test } from "vitest";
import { findValuesProblem, parseScenario, Player } from "../src/index.ts";
import type { Action, PlayerOptions, Scenario } from "../src/index.ts";

function parse(text: string): Scenario {
  const parsed = parseScenario(text);
  if ("problems" in parsed) throw new Error(JSON.stringify(parsed.problems));
  return parsed.scenario;
}

/** A player with a clock that the test moves. */
class Table {
  readonly player: Player;
  readonly sent: string[] = [];
  nowMs = 1000;

  constructor(text: string, values: Record<string, string> = {}, options: Partial<PlayerOptions> = {}) {
    this.player = new Player(parse(text), { values: new Map(Object.entries(values)), pace: "recorded", ...options });
    this.advance();
  }

  advance(): void {
    for (let action: Action | undefined; (action = this.player.advance(this.nowMs)) !== undefined;) {
      this.sent.push(action.kind === "send" ? Buffer.from(action.bytes).toString("latin1") : action.kind);
    }
  }

  give(...reads: readonly string[]): this {
    for (const read of reads) {
      this.player.received(encodeText(read), this.nowMs);
      this.advance();
    }
    return this;
  }

  end(how: "fin" | "rst"): this {
    this.player.ended(how);
    this.advance();
    return this;
  }

  pass(ms: number): this {
    this.nowMs += ms;
    this.advance();
    return this;
  }

  get difference(): string | undefined {
    const { verdict } = this.player;
    return verdict !== undefined && "sentence" in verdict ? verdict.sentence : undefined;
  }
}

test("keeps values, says them again, and notes the bytes that decided each step", () => {
  const table = new Table('< 220 {{host}} *\n> HELO {{me}}\n<* 250 {{host}}\n<< "a\\xff"\nend\n< EOF', { me: "é" });
  table.give("220 mx rea", "dy\r\n250-x\n250 mx", "\na", "\udcff").end("fin");
  expect(table.sent).toEqual(["HELO \u00c3\u00a9\r\n", "end"]);
  expect(table.player.verdict).toEqual({ kind: "held" });
  expect(table.player.results.map(({ step, isFromTarget, from, to }) => [step.line, isFromTarget, from, to])).toEqual([
    [1, true, 0, 14],
    [2, false, 0, 9],
    [3, true, 20, 27],
    [4, true, 27, 29],
    [5, false, 9, 9],
    [6, true, 29, 29],
  ]);
});

test.each([
  ["< 250 *", ["550 no\u001b[2J\r\n"], "expected `250 *`, got `550 no\\e[2J`"],
  ["< 250 \\*", ["250 a\n"], "expected `250 \\*`, got `250 a`"],
  ["< ok", ["EOF"], "expected `ok`, got EOF"],
  ["< ok", ["o", "EOF"], "expected `ok`, got `o`"],
  ["< ok", ["o", "RST"], "expected `ok`, got `o` and then RST"],
  ["< ok", ["o", 5000], 'expected `ok` within 5 s, got `o` without a line end; type << "…" for text without one'],
  ["< ok", [5000], "expected `ok` within 5 s, got nothing"],
  ["<* ok", ["a\nb\n", 5000], "expected `ok` within 5 s, got `b`"],
  ["<* ok", ["a\nb\n", "EOF"], "expected `ok`, got `b` and then EOF"],
  ["<* ok", ["b\n", "EOF"], "expected `ok`, got `b` and then EOF"],
  ['<< "a\\0"', ["a\x01b"], 'expected `"a\\0"`, got `"a\\x01"`; byte 2 differs'],
  ['<< "abc"', ["ab", "EOF"], 'expected `"abc"`, got `"ab"` and then EOF'],
  ['<< "abc"', ["ab", 5000], 'expected `"abc"` within 5 s, got `"ab"`'],
  ["< EOF", ["more\nthan"], "expected `EOF`, got `more`"],
  ["< EOF", ["RST"], "expected `EOF`, got RST"],
  ["< RST", ["EOF", 5000], "expected `RST` within 5 s, got EOF"],
  ["<* EOF", ["some", 5000], "expected `EOF` within 5 s, got nothing"],
  ["< {{a}}-\n< {{a}}", ["1*-\n2\n"], "expected `1\\*`, got `2`"],
  ["< ok\n> a", ["ok\n", "RST"], undefined],
  ["< ok\nwait 1s\n> a", ["ok\n", "RST", 1000], "the target reset the connection before this step"],
  ["< ok", ["a".repeat(66_000)], "expected `ok`, got a line of more than 65536 bytes"],
  [
    "wait 1s\n< ok",
    ["a".repeat(1_048_577)],
    "more than 1048576 bytes came that no step has read; expect them above this line",
  ],
  [
    "< {{a}}\n> {{a}}{{a}}{{a}}{{a}}{{a}}",
    ["a".repeat(60_000), "\n"],
    "with its values the step has more than 262144 characters, which is the limit; shorten it",
  ],
] as const)("tells what came instead: %s, %#", (text, happens, sentence) => {
  const table = new Table(text);
  for (const each of happens) {
    if (typeof each === "number") table.pass(each);
    else if (each === "EOF") table.end("fin");
    else if (each === "RST") table.end("rst");
    else table.give(each);
  }
  expect(table.difference).toBe(sentence);
  const times = happens.includes(5000 as never);
  expect(table.player.verdict?.kind).toBe(sentence === undefined ? "held" : times ? "timed-out" : "failed");
  expect(table.player.deadlineMs).toBeUndefined();
});

test("waits count from when they should have begun, whatever a timer does, and the fast pace leaves them out", () => {
  const text = "wait 100ms\n> a\nwait 50ms\n> b\n< ok\nwait 10ms\n> c";
  const table = new Table(text);
  expect([table.sent, table.player.deadlineMs]).toEqual([[], 1100]);
  table.pass(107);
  expect([table.sent, table.player.deadlineMs]).toEqual([["a\r\n"], 1150]);
  table.pass(43);
  expect([table.sent, table.player.deadlineMs]).toEqual([["a\r\n", "b\r\n"], 6150]);
  table.pass(1000).give("ok\n").pass(10);
  expect(table.player.verdict).toEqual({ kind: "held" });
  expect(new Table(text, {}, { pace: "fast" }).sent).toEqual(["a\r\n", "b\r\n"]);
  expect(new Table("< a", {}, { timeoutMs: 70 }).player.deadlineMs).toBe(1070);
});

test("a lost connection has a sentence, and so have values that are missing or too long", () => {
  const table = new Table("< a");
  table.player.failed("could not connect");
  table.give("a\n");
  expect(table.player.verdict).toEqual({ kind: "broken", sentence: "could not connect" });
  expect(findValuesProblem(parse("> {{a}}"), new Map())).toBe("{{a}} has no value; give it one");
  expect(findValuesProblem(parse("> {{a}}"), new Map([["a", "a".repeat(65_537)]]))).toBe(
    "the value of {{a}} has 65537 characters, over the limit of 65536; shorten it",
  );
  expect(findValuesProblem(parse("> {{a}}"), new Map([["a", "a"]]))).toBeUndefined();
  expect(new Table("connect mail").player.verdict).toEqual({ kind: "held" });
});

test("the key is in nothing that is shown, also half of it, one that came, or one that is not known", () => {
  const key = "k7mp2q9xw4hd5t8bz3nvj6rcaf";
  const shown = (text: string, ...reads: string[]): string => {
    const table = new Table(text, { key }).give(...reads).end("fin");
    return JSON.stringify([table.player.results, table.player.verdict]);
  };
  for (const said of [
    shown("> {{key}}\n< ok {{key}}", `no ${key} ${key}\n`),
    shown("> {{key}}\n< ok", `ok ${key.slice(0, 12)}`),
    shown('> {{key}}\n<< "no {{key}}"', `no ${key.slice(0, 20)}`),
    shown("> {{key}}\n< {{a}} x\n< {{a}}", `${key} x\n`, "other\n"),
  ]) {
    expect(said).toContain("{{key}}");
    expect(said).not.toContain(key.slice(0, 12));
  }
  const kept = new Table("< user~{{key}}\n< ok").give(`user~${key}\n`, `no ${key}\n`);
  expect(kept.difference).toBe("expected `ok`, got `no {{key}}`");
  expect(new Table("< user~{{key}}").give(`other~${key}\n`).difference).toBe("expected `user~{{key}}`, got `other~…`");
});

test("any reads of the same bytes give the same results", () => {
  const text = '< 220 {{a}} *\n<* {{a}}-*-{{b}}.\n<< "{{b}}\\n"\n<\n< last\n< EOF';
  const said = "220 é x\r\nno\n\né--\udcff\udcfe.\n\udcff\udcfe\n\r\nlast";
  const whole = new Table(text).give(said).end("fin");
  expect(whole.player.verdict).toEqual({ kind: "held" });
  const bytes = encodeText(said);
  fc.assert(
    fc.property(fc.array(fc.nat(bytes.length)), (cuts) => {
      const table = new Table(text);
      const ends = [...cuts, bytes.length].toSorted((one, other) => one - other);
      let from = 0;
      for (const end of ends) {
        table.player.received(bytes.slice(from, end), table.nowMs);
        table.advance();
        from = end;
      }
      table.end("fin");
      expect(table.player.results).toEqual(whole.player.results);
    }),
  );
});
