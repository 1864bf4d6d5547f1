import { describe, expect, test } from "vitest";
import { jsonLineBytesMax } from "../src/output/replies.ts";
import { exitOf, runCli, startCli, until } from "./cli.ts";
import { header, openPeer, openResponder } from "./tcp-peer.ts";

/** The objects of a text that has one a line. */
function objectsOf(text: string): unknown[] {
  expect(text.endsWith("\n")).toBe(true);
  return text
    .split("\n")
    .slice(0, -1)
    .map((line) => JSON.parse(line) as unknown);
}

describe("--json", () => {
  test("gives a reply as objects, one for each line of the response", async () => {
    await using peer = await openResponder('line 1\nline "2"\n');
    const { code, stdout } = await runCli([...peer.options, "--json", "brick", "2"]);
    expect(code).toBe(0);
    const [reply, ...lines] = objectsOf(stdout);
    const end = lines.pop();
    expect(lines).toEqual([
      { type: "line", text: "line 1" },
      { type: "line", text: 'line "2"' },
    ]);
    expect(reply).toMatchObject({
      type: "reply",
      sent: "brick 2",
      header: {
        link: "https://example.org/wirebook",
        operations: expect.arrayContaining([
          {
            number: 2,
            purpose: "read the history",
            parameters: [
              { name: "FROM", isOptional: true },
              { name: "TO", isOptional: true },
              { name: "snapshot", isOptional: true },
            ],
          },
        ]) as unknown,
      },
    });
    expect(end).toMatchObject({
      type: "end",
      isError: false,
      failure: null,
      trace: {
        remote: { address: "127.0.0.1", port: peer.port },
        sentBytes: 8,
        receivedBytes: header.length + 16,
        steps: { connecting: 0 },
        writes: [[expect.any(Number), 8]],
        omitted: { events: 0, sentBytes: 0, receivedBytes: 0 },
      },
    });
    const { trace } = end as {
      trace: { steps: Record<string, number>; reads: [number, number][]; startedAt: string };
    };
    expect(Object.keys(trace.steps)).toEqual(["connecting", "established", "written", "firstByte", "fin", "closed"]);
    expect(trace.reads.reduce((sum, [, bytes]) => sum + bytes, 0)).toBe(header.length + 16);
    expect(Math.abs(Date.parse(trace.startedAt) - Date.now())).toBeLessThan(60_000);
  });

  test("writes nothing that acts on a terminal and loses no byte", async () => {
    await using peer = await openResponder(Buffer.from("\u001b[31m\u009b2J\u202e \xff", "utf8"));
    await using broken = await openResponder(Buffer.from([0x61, 0xff, 0xc3]));
    const { stdout } = await runCli([...peer.options, "--json", "brick", "2"]);
    expect(stdout).toContain("\\u001b[31m\\u009b2J\\u202e");
    expect(objectsOf(stdout)).toMatchObject([{}, { text: "\u001b[31m\u009b2J\u202e \xff" }, {}]);
    const raw = await runCli([...broken.options, "--json", "brick", "2"]);
    expect(objectsOf(raw.stdout)).toMatchObject([{}, { text: "a\udcff\udcc3" }, {}]);
  });

  test("says what failed, with the text that had come", async () => {
    await using peer = await openPeer((socket) => socket.write(`${header}half`));
    const { code, stdout } = await runCli([...peer.options, "--json", "--timeout", "200", "brick", "2"]);
    expect(code).toBe(4);
    expect(objectsOf(stdout)).toMatchObject([
      {},
      { text: "half" },
      { isError: false, failure: { code: "reply-timeout" } },
    ]);
  });

  test("gives the objects of each message of standard input, and none of them a key", async () => {
    await using peer = await openPeer((socket) => socket.end("Authentication error."));
    const { stdout } = await runCli([...peer.options, "--json"], { input: "brick~secret 2\notter\n" });
    expect(stdout).not.toContain("secret");
    expect(objectsOf(stdout)).toMatchObject([
      { type: "reply", sent: "brick~… 2", header: null },
      { text: "Authentication error." },
      { isError: true },
      { type: "reply", sent: "otter" },
      { text: "Authentication error." },
      { isError: true },
    ]);
  });

  test("gives an object for each line of a follow", async () => {
    await using peer = await openPeer((socket) => {
      socket.write(`${header}Follow`);
      socket.write('ing from line 3.\n2026-11-22T20:31:05.123456Z 127.0.0.1 "brick 5"\nby ha');
      socket.write("nd\nunfinished");
    });
    const child = startCli([...peer.options, "--json", "brick", "5"]);
    const head = await until(child.stdout, "by hand");
    child.kill("SIGINT");
    const tail = await until(child.stdout, '"end"');
    expect(await exitOf(child)).toBe(130);
    expect(objectsOf(head + tail)).toEqual([
      expect.objectContaining({ type: "reply", sent: "brick 5" }),
      { type: "line", text: "Following from line 3." },
      {
        type: "line",
        text: '2026-11-22T20:31:05.123456Z 127.0.0.1 "brick 5"',
        entry: {
          kind: "request",
          time: "2026-11-22T20:31:05.123456Z",
          address: "127.0.0.1",
          message: "brick 5",
          isCut: false,
        },
      },
      { type: "line", text: "by hand" },
      { type: "line", text: "unfinished" },
      expect.objectContaining({
        type: "end",
        isError: false,
        failure: expect.objectContaining({ code: "interrupted" }) as unknown,
      }),
    ]);
  });
});

test("a line is held up to its bound and cut past it", async () => {
  const long = "a".repeat(jsonLineBytesMax);
  await using peer = await openResponder(`Following from line 1.\n${long}\n${long}b\nc\n`);
  const { stdout } = await runCli([...peer.options, "--json", "brick", "5"]);
  const lines = objectsOf(stdout).slice(2, -1) as { text: string; isCut?: true }[];
  expect(lines.map(({ text, isCut }) => [text.length, text[0], isCut])).toEqual([
    [jsonLineBytesMax, "a", undefined],
    [jsonLineBytesMax, "a", true],
    [1, "c", undefined],
  ]);
});
