/** docs/reference/protocol.md and errors.md say what the code does. */

import { readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { decodeCommand, decodeMessage } from "../src/message.ts";
import { ProtocolError, protocolErrorCodes } from "../src/errors.ts";
import { encodeAnnouncement, findOperation, operations } from "../src/operations.ts";

const read = (name: string): string =>
  readFileSync(new URL(`../../../docs/reference/${name}`, import.meta.url), "utf8");
const doc = read("protocol.md");

/** The rows of the table of what a client can do wrong: code, example, sentence. */
const rows = (read("errors.md").split("### What a client can do wrong\n")[1]?.split("\n#")[0] ?? "")
  .split("\n")
  .filter((line) => line.startsWith("| `"))
  .map((line) =>
    line
      .slice(1, -1)
      .split("|")
      .map((cell) => cell.trim()),
  )
  .map(([code = "", example = "", sentence = ""]) => ({ code: code.replaceAll("`", ""), example, sentence }));

/** Those whose error comes of waiting, which is the server's business. */
const waited = new Set(["message-unfinished", "message-unterminated"]);

/** The bytes of an example, which is written as for printf. */
function bytesOf(example: string): Uint8Array {
  if (example === "2,049 bytes") return new Uint8Array(2049).fill(0x78);
  const printed = example.slice(1, -1).replaceAll("\\n", "\n").replaceAll("\\r", "\r").replaceAll("\\xff", "\xff");
  return Buffer.from(printed, "latin1");
}

/** What a message is answered when it is no request. */
function errorOf(bytes: Uint8Array): ProtocolError {
  try {
    const end = bytes.indexOf(0x0a);
    const line = end < 0 ? bytes : bytes.subarray(0, bytes[end - 1] === 0x0d ? end - 1 : end);
    decodeCommand(decodeMessage(line).words);
  } catch (error) {
    if (error instanceof ProtocolError) return error;
    throw error;
  }
  throw new Error("the message is a request");
}

describe("docs/reference/protocol.md", () => {
  test("lists every error code, once, in order, and no other", () => {
    expect(rows.map(({ code }) => code)).toEqual([...protocolErrorCodes]);
  });

  test.each(rows.filter(({ code }) => !waited.has(code)).map((row) => [row.code, row] as const))(
    "has an example of %s that gives this code and this sentence",
    (code, { example, sentence }) => {
      const error = errorOf(bytesOf(example));
      expect([error.code, error.message]).toEqual([code, sentence]);
    },
  );

  test("shows the operations as they are announced", () => {
    for (const operation of operations) expect(doc).toContain(`\n${encodeAnnouncement(operation)}\n`);
  });

  test("has a row for each operation", () => {
    const numbers = [...doc.matchAll(/^\| (\d) +\| /gm)].map(([, number]) => Number(number));
    expect(numbers).toEqual([...operations.map(({ number }) => number), findOperation(7)?.number]);
  });

  test("states each rule once and in order", () => {
    const rules = [...doc.matchAll(/\*\*\[W-(\d+)\]/g)].map(([, number]) => Number(number));
    expect(rules).toEqual(rules.map((_, at) => at + 1));
  });

  test("states every rule that the code cites", () => {
    const stated = new Set([...doc.matchAll(/\*\*\[(W-\d+)\]/g)].map(([, rule]) => rule));
    for (const name of ["errors", "limits", "message", "operations", "reply"]) {
      const source = readFileSync(new URL(`../src/${name}.ts`, import.meta.url), "utf8");
      for (const [, rule] of source.matchAll(/\[(W-\d+)\]/g)) expect(stated.has(rule)).toBe(true);
    }
  });
});
