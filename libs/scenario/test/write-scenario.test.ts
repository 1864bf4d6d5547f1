import { encodeText, StreamRecord } from "@wirebook/protocol";
import fc from "fast-check";
import { expect, test } from "vitest";
import { parseScenario, Player, writeScenario } from "../src/index.ts";
import type { ConversationEvent, Scenario } from "../src/index.ts";

/** Events as they were had: `<` and `>` are data, a number is a pause. */
function record(...had: readonly (string | number)[]): ConversationEvent[] {
  let atMs = 1000;
  const events: ConversationEvent[] = [];
  for (const each of had) {
    if (typeof each === "number") {
      atMs += each;
      continue;
    }
    const [isFromTarget, text] = [each.startsWith("<"), each.slice(1)];
    const kind = text === "FIN" ? "fin" : text === "RST" ? "rst" : "data";
    const bytes = kind === "data" ? encodeText(text) : undefined;
    events.push({ kind, isFromTarget, atMs, byteCount: bytes?.length ?? 0, bytes });
  }
  return events;
}

function parse(text: string): Scenario {
  const parsed = parseScenario(text);
  if ("problems" in parsed) throw new Error(JSON.stringify(parsed.problems[0]));
  return parsed.scenario;
}

test("writes what a person would, with pauses before what is sent and what varies above it", () => {
  const had = record(
    "<220 mail.example.net ESMTP ready\r",
    "<\n",
    1234,
    ">EHLO me\r\n",
    3,
    "<250-mail.example.net\r\n250 * \\ {{x}}\r\n",
    "<EOF\r\n",
    "<trailing \r\n",
    "<\r\n",
    ">A {{b}}\r\n\r\n",
    "<Password: ",
    40,
    ">no end",
    100,
    ">\x01\xff\n",
    "<\u001b[31m\n",
    "<Date: Sun, 29 Nov 2026 01:10:10 +0000\n",
    ">FIN",
    "<FIN",
  );
  expect(writeScenario(had, { target: "mail", isWithServer: false, comment: "One\nTwo\u001b" }).split("\n")).toEqual([
    "# One",
    "# Two\\e",
    "eol: CRLF",
    "connect mail",
    "# varies? a host name: < 220 * ESMTP ready",
    "< 220 mail.example.net ESMTP ready",
    "wait 1.234s",
    "> EHLO me",
    "# varies? a host name: < 250-*",
    "< 250-mail.example.net",
    "< 250 \\* \\\\ \\{{x}}",
    "< \\EOF",
    '<< "trailing \\r\\n"',
    "<",
    "> A \\{{b}}",
    ">",
    '<< "Password: "',
    "wait 40ms",
    ">| no end",
    "wait 100ms",
    '>> "\\x01\u00ff\\n"',
    '<< "\\e[31m\\n"',
    "# varies? a date: < Date: *",
    "< Date: Sun, 29 Nov 2026 01:10:10 +0000",
    "end",
    "< EOF",
    "",
  ]);
});

test.each([
  ["250-8BITMIME", undefined],
  ["250-SMTPUTF8", undefined],
  ["250-SIZE 52428800", undefined],
  ["250-AUTH PLAIN CRAM-MD5 SCRAM-SHA-256", undefined],
  ["250 2.0.0 Ok: queued as 4TzXyQ2kBWz3vQ", "an id: < 250 2.0.0 Ok: queued as *"],
  ["250 2.0.0 Ok: queued as 9A3F01C2B7", "an id: < 250 2.0.0 Ok: queued as *"],
  ["250 OK id=1rKQzT-0004Xz-2A", "an id: < 250 OK id=*"],
  ["* CAPABILITY IMAP4rev1 UTF8=ACCEPT RFC822.SIZE COMPRESS=DEFLATE AUTH=SHA256", undefined],
  ["* OK [UIDVALIDITY 1712345678] UIDs valid", "a long number: < \\* OK [UIDVALIDITY *] UIDs valid"],
  ["redis_version:7.0.15", undefined],
  ["run_id:9f86d081884c7d659a2feaa0c55ad015a3bf4f1b", "an id: < run_id:*"],
  ["redis_build_id:d81bff71cbb150e", "an id: < redis_build_id:*"],
  ["mem_allocator:jemalloc-5.3.0", undefined],
  ["Content-Type: text/html; charset=utf8mb4", undefined],
  ['ETag: "5f3a2b-1c9d"', 'an id: < ETag: "*-1c9d"'],
  ["Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=", "an id: < Sec-WebSocket-Accept: *+xOo="],
  ["Set-Cookie: sid=k7mp2q9xw4hd; HttpOnly", "an id: < Set-Cookie: sid=*; HttpOnly"],
  ["Date: Sun, 29 Nov 2026 01:10:10 GMT", "a date: < Date: *"],
])("of %s it is known what varies", (line, proposal) => {
  const written = writeScenario(record(`<${line}\r\n`), { isWithServer: false }).split("\n");
  expect(written.slice(1, -2)).toEqual(proposal === undefined ? [] : [`# varies? ${proposal}`]);
});

test("what was sent does not vary where it comes back", () => {
  const had = record(">EHLO host4f2a9c81d.example.org\n", "<250 Hello host4f2a9c81d.example.org [192.0.2.7]\n");
  expect(writeScenario(had, { isWithServer: false })).toContain(
    "# varies? an IP address: < 250 Hello host4f2a9c81d.example.org [*]\n",
  );
});

/** Plays the scenario against a target that answers as it did, in reads of any size; returns what was sent. */
function playAgain(scenario: Scenario, events: readonly ConversationEvent[], cut: () => number): string {
  const player = new Player(scenario, { values: new Map([["key", "K"]]), pace: "fast" });
  const sent: Uint8Array[] = [];
  let [sentBytes, wantedBytes] = [0, 0];
  const go = (): void => {
    for (let action; (action = player.advance(0)) !== undefined;) {
      if (action.kind !== "send") continue;
      sent.push(action.bytes);
      sentBytes += action.bytes.length;
    }
  };
  go();
  for (const { isFromTarget, kind, bytes = new Uint8Array(0) } of events) {
    if (!isFromTarget) wantedBytes += bytes.length;
    else if (kind === "fin" || kind === "rst") player.ended(kind);
    else {
      expect(sentBytes).toBe(wantedBytes);
      for (let at = 0, end = 0; at < bytes.length; at = end) {
        end = at + cut();
        player.received(bytes.subarray(at, end), 0);
        go();
      }
    }
    go();
  }
  expect(player.verdict).toEqual({ kind: "held" });
  return Buffer.concat(sent).toString("latin1");
}

/** fast-check's own `binary` takes seconds to build. */
const anyCharacter = fc.nat(0x10ffff).map((code) => String.fromCodePoint(code));

const piece = fc.oneof(
  fc.constantFrom(
    "\r\n",
    "\n",
    "\r",
    "*",
    "\\",
    "{{",
    "}}",
    "{",
    "key",
    "EOF",
    "RST\n",
    " ",
    "\t",
    "\0",
    "\u001b",
    "\ufeff",
    '"',
    "~",
  ),
  fc.string({ unit: anyCharacter, maxLength: 8 }),
  fc.constantFrom("a".repeat(5000), "line\r\n".repeat(20), "2026-11-29T01:02:03Z host.example.org 123456\n"),
);
const text = fc.array(piece, { minLength: 1, maxLength: 8 }).map((pieces) => pieces.join("") || "x");
const conversation = fc.array(fc.record({ sign: fc.constantFrom("<", ">"), text, pauseMs: fc.nat(50) }), {
  minLength: 1,
});

test("what is written parses, sends the same bytes and holds, however the reply is cut", () => {
  fc.assert(
    fc.property(
      conversation,
      fc.constantFrom("FIN", "RST", ""),
      fc.infiniteStream(fc.integer({ min: 1, max: 3000 })),
      (had, end, cuts) => {
        const events = record(
          ...had.flatMap((each) => [each.pauseMs, each.sign + each.text]),
          ...(end === "" ? [] : [`<${end}`]),
        );
        const written = writeScenario(events, { target: "t", isWithServer: false });
        // With each pattern that it suggests it holds as well.
        const loose = written.replaceAll(/^# varies\? [^:]*: (<.*)\n<.*$/gm, "$1");
        for (const scenario of [parse(written), parse(loose)]) {
          const sent = events
            .filter(({ isFromTarget }) => !isFromTarget)
            .map(({ bytes }) => bytes ?? new Uint8Array(0));
          expect(playAgain(scenario, events, () => cuts.next().value as number)).toBe(
            Buffer.concat(sent).toString("latin1"),
          );
        }
      },
    ),
  );
});

test("leaves keys of the server out, in whatever form they were recorded, and asks for them", () => {
  const key = "k7mp2q9xw4hd5t8bz3nvj6rcaf";
  const had = record(
    `>brick~${key} 4 otter\n`,
    `<otter~${key}\n`,
    `>otter~******** 2\n`,
    50,
    `>pasted ${key} {${key}`,
    50,
    "> 2\n",
  );
  expect(writeScenario(had, { isWithServer: true }).split("\n")).toEqual([
    "eol: LF",
    "> brick~{{key}} 4 otter",
    "< otter~*",
    "> otter~{{key}} 2",
    "wait 50ms",
    "> pasted {{key}} {{{key}} 2",
    "",
  ]);
  fc.assert(
    fc.property(fc.array(fc.oneof(piece, fc.constant(`~${key} `)), { maxLength: 30 }), (pieces) => {
      const written = writeScenario(record(">brick~", `>${key} ${pieces.join("")}`, `<${pieces.join("")}`), {
        isWithServer: true,
      });
      parse(written);
      expect(written).not.toContain(key);
    }),
  );
});

test("says where it cannot go on, and stays small whatever was received", () => {
  const huge = "a line\r\n".repeat(100_000);
  const large = record(">GET\r\n", `<${huge.slice(0, 8000)}`, `<${huge}`, "<FIN");
  const written = writeScenario(large, { isWithServer: false });
  expect(written.split("\n").slice(-3)).toEqual([
    "< a line",
    "# The scenario ends here: the reply has more than 65536 bytes.",
    "",
  ]);
  playAgain(parse(written), large, () => 5000);
  expect(writeScenario(record(">a\n", "<FIN", ">FIN", "<FIN", "<RST"), { isWithServer: false })).toBe(
    "eol: LF\n> a\n< EOF\nend\n< RST\n",
  );
  const lost: ConversationEvent = { kind: "data", isFromTarget: true, atMs: 0, byteCount: 5, bytes: undefined };
  expect(writeScenario([lost], { isWithServer: false, target: "t" })).toBe(
    "eol: CRLF\nconnect t\n# The scenario ends here: the bytes that follow were not kept.\n",
  );
  const kept = new StreamRecord({ firstEventsKept: 2, lastEventsKept: 2, bytesKept: 100 });
  for (const line of ["one\n", "two\n", "three\n", "four\n", "five\n"]) kept.read(encodeText(line), 0);
  kept.ended("fin", true, 0);
  expect(writeScenario(kept.events, { isWithServer: false })).toBe(
    "eol: CRLF\n< one\n< two\n# The scenario ends here: the bytes that follow were not kept.\n",
  );
  const full = writeScenario(record(`>${"\n".repeat(200_000)}`, "<ok\n"), { isWithServer: false });
  expect(parse(full).steps.length).toBeGreaterThan(99_000);
  expect(full).toMatch(/# The scenario ends here: it has no room for more\.\n$/);
  const long = writeScenario(record(`>${"\u00ff".repeat(2_500_000)}`), { isWithServer: false });
  expect(parse(long).steps.length).toBeGreaterThan(900);
  expect(encodeText(long).length).toBeLessThan(4 * 1024 * 1024);
});
