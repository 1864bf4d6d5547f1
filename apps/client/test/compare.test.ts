import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { encodeBase64, encodeRecord, encodeSessionHead } from "@wirebook/capture";
import type { RecordedStream } from "@wirebook/capture";
import { encodeTime } from "@wirebook/protocol";
import { runCli } from "./cli.ts";

let folder: string;
beforeAll(() => void (folder = mkdtempSync(join(tmpdir(), "wirebook-compare-"))));
afterAll(() => rmSync(folder, { recursive: true }));

/** `> sent` and `< received`, without line ends of their own, one each 2 ms. */
function record(...parts: readonly string[]): string {
  const events = parts.map((part, at): RecordedStream["events"][0] => {
    const bytes = Buffer.from(part.slice(2), "latin1");
    const from = part.startsWith("<") ? ("target" as const) : ("client" as const);
    const what = part.endsWith(" FIN") ? { fin: true as const } : { count: bytes.length, bytes: encodeBase64(bytes) };
    return { at: at * 2, from, ...what };
  });
  const stream: RecordedStream = {
    type: "stream",
    version: 2,
    startedAt: encodeTime(0),
    target: "mail",
    transport: "tcp",
    message: "",
    by: "user",
    steps: {},
    events,
    frames: [{ at: 0, direction: "sent", name: "connect", text: "" }],
    end: { how: "fin", at: 99 },
  };
  return encodeRecord(stream);
}

function write(name: string, ...records: readonly string[]): string {
  const path = join(folder, name);
  writeFileSync(path, encodeSessionHead("test", new Date(0)) + records.join(""));
  return path;
}

const greeted = ["< 220 ready\r\n", "> EHLO me\r\n"];

test("the same bytes in other reads are the same", async () => {
  const one = write("one.ndjson", record(...greeted, "< 250-a\r\n250 b\r\n", "< FIN"));
  const other = write("other.ndjson", record(...greeted, "< 250", "< -a\r\n2", "< 50 b\r\n", "< FIN"));
  const { code, stdout, stderr } = await runCli(["compare", one, other]);
  expect(stdout).toBe(
    `Same bytes; reply 1 took 3 reads instead of 1.\n\n--- ${one}  mail\n+++ ${other}  mail\n` +
      `@@ turn 1: 1 read (14), 2.0 ms | 3 reads (3+5+6), 6.0 ms\n`,
  );
  expect([code, stderr]).toEqual([0, ""]);
  expect(await runCli(["compare", one, one])).toMatchObject({
    code: 0,
    stdout: "Same bytes, in the same reads and about the same time.\n",
  });
});

test("what differs is shown as a diff in which nothing acts on a terminal", async () => {
  const lines = Array.from({ length: 9 }, (_, at) => `250-${at}\r\n`);
  const long = `${"x".repeat(2000)}\r\n`;
  const one = write("d1.ndjson", record(...greeted, `< ${lines.join("")}250 \u001b[31mred\xff\\\r\n`, "< FIN"));
  const other = write(
    "d2.ndjson",
    record("< 220 ready\r\n", "> NOOP\r\n", `< ${long}`, "> EHLO me\r\n", `< ${lines.join("")}250 b\r\n`),
  );
  const { code, stdout } = await runCli(["compare", one, other]);
  expect(stdout.split("\n").slice(4)).toEqual([
    "@@ turn 1, only in the second",
    String.raw`+> NOOP\r\n`,
    `+< ${"x".repeat(400)} … (1602 bytes)`,
    "@@ turn 1 | turn 2: 1 read (79), 2.0 ms | 1 read (70), 2.0 ms",
    String.raw` > EHLO me\r\n`,
    "   … 7 more lines are the same",
    String.raw` < 250-7\r\n`,
    String.raw` < 250-8\r\n`,
    String.raw`-< 250 \e[31mred\xff\\\r\n`,
    String.raw`+< 250 b\r\n`,
    "@@ end: FIN from the target at 6 ms | not closed",
    "",
  ]);
  expect(code).toBe(1);
});

test("one of several streams is chosen by its number, and a broken line costs only itself", async () => {
  const many = write("many.ndjson", record("> a\n"), "{broken\n", record("> b\n", "< c\n"), record("> a\n"));
  const same = await runCli(["compare", `${many}#1`, `${many}#3`]);
  expect([same.code, same.stderr]).toEqual([0, expect.stringContaining("many.ndjson: line 3 is not JSON")]);
  expect(await runCli(["compare", `${many}#1`, `${many}#2`])).toMatchObject({ code: 1 });
});

const hint = "name a file that Wirebook exported as NDJSON";
const wrong: readonly [words: readonly string[], sentence: string][] = [
  [["only"], "compare takes two files; type wirebook compare FILE FILE"],
  [["a", "b", "c"], "compare takes two files; type wirebook compare FILE FILE"],
  [["FOLDER/none", "b"], `FOLDER/none cannot be read (ENOENT); ${hint}`],
  [["FOLDER", "b"], `FOLDER cannot be read (it is not a file); ${hint}`],
  [
    ["FOLDER/pcap", "b"],
    "FOLDER/pcap: its first line is not the head of a session; load a file that Wirebook exported",
  ],
  [["FOLDER/empty", "b"], "FOLDER/empty: no stream is in it; export one first"],
  [["FOLDER/two", "b"], "FOLDER/two has 2 streams; choose one by its number, as in 'FOLDER/two#1'"],
  [["FOLDER/two#3", "b"], "FOLDER/two has 2 streams; choose one by its number, as in 'FOLDER/two#1'"],
];

test("wrong use and files that cannot be read are refused in a sentence", async () => {
  write("empty");
  write("two", record("> a\n"), record("> b\n"));
  writeFileSync(join(folder, "pcap"), "\n\r\r\n");
  const runs = wrong.map(async ([words, sentence]) => {
    const { code, stdout, stderr } = await runCli(["compare", ...words.map((word) => word.replace("FOLDER", folder))]);
    expect(stderr.replaceAll(folder, "FOLDER")).toContain(`wirebook: ${sentence}`);
    expect([code, stdout]).toEqual([2, ""]);
  });
  await Promise.all(runs);
});
