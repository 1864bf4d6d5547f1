import fc from "fast-check";
import { expect, test } from "vitest";
import { parseScenario } from "../src/index.ts";
import type { Scenario } from "../src/index.ts";

function problemsOf(text: string): string[] {
  const parsed = parseScenario(text);
  if (!("problems" in parsed)) return [];
  return parsed.problems.map(({ line, column, sentence }) => `${line}:${column}: ${sentence}`);
}

function parse(text: string): Scenario {
  expect(problemsOf(text)).toEqual([]);
  return (parseScenario(text) as { scenario: Scenario }).scenario;
}

const textOf = (value: string): object => ({ kind: "text", text: value });
const valueOf = (name: string): object => ({ kind: "value", name });

test("reads settings, steps, values and what must be asked for", () => {
  const text = [
    "\ufeff# A comment\r",
    "eol: LF",
    "timeout : 1.5s ",
    "target: mail",
    "connect mail",
    "",
    "\t< 220 {{host}} \\* \\\\ \\{{x}} {{{a}}}* ",
    "  > EHLO {{me}} \\d \\{{host}}  ",
    ">",
    ">| a",
    '>> "\\r\\n\\t\\0\\e\\xc3\\xa9\\xff\\"\\\\{{host}}" ',
    "# between",
    "<* {{host}}{{b}}",
    '<< "{{word}}"',
    "<",
    "< \\EOF",
    "wait 10ms",
    "end",
    "<* EOF",
    "close",
  ].join("\n");
  const { steps, ...head } = parse(text);
  expect(head).toEqual({ target: "mail", timeoutMs: 1500, asks: ["me", "word"] });
  const any = { kind: "any" };
  const pieces = steps.map((step) => ("pieces" in step ? step.pieces : step.kind));
  expect(pieces).toEqual([
    [textOf("220 "), valueOf("host"), textOf(" * \\ {{x}} {"), valueOf("a"), textOf("}"), any, textOf(" ")],
    [textOf("EHLO "), valueOf("me"), textOf(" \\d {{host}}  "), textOf("\n")],
    [textOf("\n")],
    [textOf("a")],
    [textOf('\r\n\t\0\u001bé\udcff"\\'), valueOf("host")],
    [valueOf("host"), valueOf("b")],
    [valueOf("word")],
    [],
    [textOf("EOF")],
    "wait",
    "end",
    "expect-end",
    "close",
  ]);
  expect(steps[0]).toMatchObject({ line: 7, source: "< 220 {{host}} \\* \\\\ \\{{x}} {{{a}}}* ", skips: false });
  expect(steps[5]).toMatchObject({ kind: "expect-line", skips: true });
  expect(steps[11]).toMatchObject({ kind: "expect-end", how: "fin", skips: true });
});

const names = (count: number): string => Array.from({ length: count }, (_, index) => `> {{a${index}}}`).join("\n");
const long = "a".repeat(65_537);
const cut = `${"a".repeat(40)}…`;

test.each([
  ["", "1:1: there is no step; type for example `> PING` to send a line, `< *` to expect one"],
  ["eol: crlf\n>", "1:6: `crlf` is no line end; type CRLF, LF, CR or none"],
  ["eol: LF\neol: CR\n>", "2:6: the eol is `LF` in line 1; keep one of the two"],
  ["speed: 2\n>", "1:1: `speed` is no setting; type eol:, timeout: or target:, or `> ` before a line to send"],
  [">\neol: LF", "2:1: the eol stands after a step; move it above the first step"],
  ["timeout: 5\n>", "1:10: `5` is no time; type a number with ms, s or m, from 1ms to 10m"],
  ["timeout: 0s\n>", "1:10: `0s` is no time; type a number with ms, s or m, from 1ms to 10m"],
  [
    "target: a b",
    "1:9: `a b` is no name of a target; type up to 32 small letters, digits and hyphens, not a hyphen first, for example mail",
  ],
  ["target: a\nconnect b", "2:9: the target is `a` in line 1; keep one of the two"],
  [
    "connect",
    "1:8: `` is no name of a target; type up to 32 small letters, digits and hyphens, not a hyphen first, for example mail",
  ],
  ["connect: a", "1:1: `connect` is no setting; type eol:, timeout: or target:, or `> ` before a line to send"],
  ["> a\nconnect a", "2:1: the target stands after a step; move it above the first step"],
  [
    "EHLO me",
    "1:1: `EHLO me` is no step; type `> ` before a line to send, `< ` before one to expect, `#` before a comment",
  ],
  [" <220 *", "1:3: there is no space after <; type `< 220 *`"],
  [">\ta", "1:2: there is no space after >; type `> a`"],
  ['>>"a"', '1:3: there is no space after >>; type `>> "a"`'],
  ["<*a", "1:3: there is no space after <*; type `<* a`"],
  ["< eof", "1:3: `eof` is no end; type EOF for the target's FIN, RST for its reset, \\eof for a line that says eof"],
  ["< FIN", "1:3: `FIN` is no end; type EOF for the target's FIN, RST for its reset, \\FIN for a line that says FIN"],
  ["< rst", "1:3: `rst` is no end; type EOF for the target's FIN, RST for its reset, \\rst for a line that says rst"],
  ["< a\\d", '1:4: `\\d` is no escape; type \\* for a star, \\\\ for a backslash, << "…" for bytes'],
  ["< a\\", '1:4: `\\` is no escape; type \\* for a star, \\\\ for a backslash, << "…" for bytes'],
  ['>> "\\q"', '1:5: `\\q` is no escape; type \\r \\n \\t \\0 \\e \\xNN \\" or \\\\'],
  ['>> "a\\x1"', '1:6: `\\x` is no escape; type \\r \\n \\t \\0 \\e \\xNN \\" or \\\\'],
  ['>> "a"b"', '1:6: a quote within the quotes is typed `\\"`'],
  [">> abc", '1:4: the bytes after >> stand in quotes; type for example `>> "\\x00 and text"`'],
  ['<< "abc', '1:4: the bytes after << stand in quotes; type for example `<< "\\x00 and text"`'],
  ['<< "abc\\"', '1:4: the bytes after << stand in quotes; type for example `<< "\\x00 and text"`'],
  ['>> ""', '1:4: the bytes after >> stand in quotes; type for example `>> "\\x00 and text"`'],
  [">|", "1:1: >| has nothing to send; type the text behind it"],
  ["eol: none\n>", "2:1: > has nothing to send; type the text behind it"],
  [
    "> {{a b}}",
    "1:3: `{{a b}}` is no value; type {{name}} with at most 64 letters, digits, _ and -, or \\{{ for two braces",
  ],
  ["> {{a", "1:3: `{{a` is no value; type {{name}} with at most 64 letters, digits, _ and -, or \\{{ for two braces"],
  [
    `> {{${long.slice(0, 65)}}}`,
    `1:3: \`{{${"a".repeat(38)}…\` is no value; type {{name}} with at most 64 letters, digits, _ and -, or \\{{ for two braces`,
  ],
  ["< {{a}}*", "1:3: nothing tells where {{a}} ends and * begins; type text between them, or * alone"],
  ["< {{a}}{{b}}", "1:3: nothing tells where {{a}} ends and {{b}} begins; type text between them, or * alone"],
  ["< {{a}} {{a}}", "1:3: {{a}} is kept twice in this line; give the second one another name"],
  [names(101), "101:3: {{a100}} is over the limit of 100 values; use fewer names"],
  ["wait 100", "1:6: `100` is no time; type a number with ms, s or m, from 1ms to 10m"],
  ["wait 11m", "1:6: `11m` is no time; type a number with ms, s or m, from 1ms to 10m"],
  [
    "end now",
    "1:1: `end now` is no step; type `> ` before a line to send, `< ` before one to expect, `#` before a comment",
  ],
  ["end\n> a", "2:1: line 1 ends this direction; move this line above it"],
  ["< EOF\n< a", "2:1: line 1 ends this direction; move this line above it"],
  ["reset\n# a\n> a", "3:1: line 1 ends this direction; move this line above it"],
  ["> \u001b[2J", '1:3: the control character 0x1b cannot be seen; type it in quotes: `>> "\\x1b"` or `<< "\\x1b"`'],
  ["# \0", '1:3: the control character 0x00 cannot be seen; type it in quotes: `>> "\\x00"` or `<< "\\x00"`'],
  [long, "1:1: the line has 65537 characters, over the limit of 65536; send it in pieces with >|"],
  [
    long.slice(1),
    `1:1: \`${cut}\` is no step; type \`> \` before a line to send, \`< \` before one to expect, \`#\` before a comment`,
  ],
  [">\n".repeat(100_003), "100001:1: the file has more than 100000 steps, which is the limit; cut it into several"],
  ["\n".repeat(4_194_305), "1:1: the file has 4194305 characters, over the limit of 4194304; cut it into several"],
])("says what to type instead (%#)", (text, problem) => {
  expect(problemsOf(text)).toEqual([problem]);
});

test("tells at most 20 problems, and all of them in one go", () => {
  expect(problemsOf("a\n".repeat(30))).toHaveLength(20);
  expect(problemsOf("# first\n< \\q\n< a\n> {{b}}\nwait 1")).toEqual([
    expect.stringContaining("2:3: `\\q` is no escape"),
    expect.stringContaining("5:6: `1` is no time"),
  ]);
});

/** fast-check's own `binary` takes seconds to build. */
const anyCharacter = fc.nat(0x10ffff).map((code) => String.fromCodePoint(code));

test("any text at all is read within its bounds, and no sentence holds what acts on a terminal", () => {
  const sign = fc.constantFrom("< ", "> ", ">| ", "<* ", '>> "', '<< "', "wait ", "connect ", "eol: ", "", "# ");
  const part = fc.oneof(
    fc.string({ unit: anyCharacter, maxLength: 8 }),
    fc.constantFrom(
      "{{",
      "}}",
      "{{a}}",
      "*",
      "\\",
      "\\x",
      '"',
      "\u001b[2J",
      "\u202e",
      "\0",
      "EOF",
      "9".repeat(400),
      "1ms",
    ),
  );
  const line = fc.tuple(sign, fc.array(part, { maxLength: 6 })).map(([first, parts]) => first + parts.join(""));
  fc.assert(
    fc.property(fc.array(line, { maxLength: 25 }), (lines) => {
      const problems = problemsOf(lines.join("\n"));
      expect(problems.filter((problem) => /[\0-\u001f\u007f-\u009f\u202e]/.test(problem))).toEqual([]);
      expect(Math.max(0, ...problems.map(({ length }) => length))).toBeLessThan(300);
    }),
  );
});
