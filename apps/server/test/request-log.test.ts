import { execFileSync } from "node:child_process";
import { once } from "node:events";
import { closeSync, constants, openSync, readSync } from "node:fs";
import { join } from "node:path";
import { PassThrough, Writable } from "node:stream";
import { describe, expect, test } from "vitest";
import { openLogStream, RequestLog } from "../src/request-log.ts";
import type { LogEvent } from "../src/request-log.ts";
import { HeldClock } from "../../../tests/interop/held-clock.ts";
import { makeFolder } from "./server-fixture.ts";

const request: LogEvent = {
  event: "request",
  time: "2026-11-22T20:31:05.123456Z",
  address: "127.0.0.1",
  message: "brick 2",
  isCut: false,
  outcome: "read",
};

/** What a terminal shows of events when it is disposed of afterwards. */
async function show(events: readonly LogEvent[], isTty: boolean): Promise<string> {
  const stream = new PassThrough();
  const log = new RequestLog(stream, isTty);
  for (const event of events) log.write(event);
  await log[Symbol.asyncDispose]();
  return String(stream.read());
}

describe("a terminal", () => {
  test("shows a request to a person as one short line", async () => {
    expect(await show([request], true)).toBe(
      '20:31:05.123 request address=127.0.0.1 message="brick 2" isCut=false outcome=read\n',
    );
    expect(
      await show([{ ...request, message: "brick 9", isCut: true, outcome: "error", code: "x", sentence: "no" }], true),
    ).toBe('20:31:05.123 request address=127.0.0.1 message="brick 9" isCut=true outcome=error code=x sentence=no\n');
  });

  test("shows an event to a program as one JSON object", async () => {
    const lines = (await show([request, request], false)).split("\n");
    expect(lines.slice(0, 2).map((line) => JSON.parse(line) as unknown)).toEqual([request, request]);
    expect(lines.slice(2)).toEqual([""]);
  });

  test.each([true, false])("shows nothing that acts on it (TTY: %s)", async (isTty) => {
    const message = "\u001b[31m\r\n\u202e\u0007\u009b\udcff";
    const shown = await show([{ ...request, message, sentence: message, outcome: "error" }], isTty);
    expect(shown.slice(0, -1)).toMatch(/^[\x20-\x7e]+$/);
  });

  test("keeps the order of events, and counts those for which there was no room where they belong", async () => {
    const stream = new PassThrough();
    const log = new RequestLog(stream, false, 1000);
    let text = "";
    stream.setEncoding("utf8").on("data", (part: string) => {
      text += part;
    });
    for (let at = 0; at < 100; at++) log.write({ event: "notice", message: `notice ${at}` });
    while (!text.includes("not-shown")) await once(stream, "data");
    log.write({ event: "notice", message: "after" });
    await log[Symbol.asyncDispose]();
    const events = text
      .trimEnd()
      .split("\n")
      .map((line) => JSON.parse(line) as { message?: string; lines?: number });
    const shown = events.length - 2;
    expect(events.slice(0, shown).map(({ message }) => message)).toEqual(
      Array.from({ length: shown }, (_, at) => `notice ${at}`),
    );
    expect(events[shown]?.lines).toBe(100 - shown);
    expect(events[shown + 1]?.message).toBe("after");
  });

  test("tells of one refusal a second, and how many more there were", async () => {
    using clock = new HeldClock();
    const refused = { event: "refused", address: "127.0.0.1", code: "connections-max" } as const;
    const stream = new PassThrough();
    const log = new RequestLog(stream, false);
    for (let at = 0; at < 1000; at++) log.write(refused);
    clock.pass(1000);
    log.write({ ...refused, code: "address-max" });
    clock.pass(1000);
    clock.pass(1000);
    log.write(refused);
    await log[Symbol.asyncDispose]();
    const events = String(stream.read()).trimEnd().split("\n");
    expect(events.map((line) => JSON.parse(line) as unknown)).toEqual([
      refused,
      { ...refused, code: "address-max", more: 999 },
      refused,
    ]);
  });

  test("that takes nothing holds no more than its bound, and does not hold up the end", async () => {
    const stuck = new Writable({ write: () => {} });
    const log = new RequestLog(stuck, false, 10_000);
    for (let turn = 0; turn < 50; turn++) {
      for (let at = 0; at < 100; at++) log.write(request);
      await new Promise((resolve) => setImmediate(resolve));
    }
    expect(stuck.writableLength).toBeLessThan(10_000 + 500);
    await log[Symbol.asyncDispose]();
  });

  test("that breaks is left alone", async () => {
    const broken = new Writable({ write: (_chunk, _encoding, done) => done(new Error("EPIPE")) });
    const log = new RequestLog(broken, false);
    log.write(request);
    await new Promise((resolve) => broken.once("close", resolve));
    log.write(request);
    await log[Symbol.asyncDispose]();
    expect(broken.destroyed).toBe(true);
  });
});

describe("the stream to a TTY or a pipe", () => {
  test("does not block when no program reads, and goes on when one does", async () => {
    await using folder = await makeFolder();
    const path = join(folder.path, "fifo");
    execFileSync("mkfifo", [path]);
    const reader = openSync(path, constants.O_RDONLY | constants.O_NONBLOCK);
    const writer = openSync(path, constants.O_WRONLY);
    const stream = openLogStream(writer);
    const text = Buffer.alloc(1024 * 1024, "x");
    const written = new Promise<void>((resolve) => stream?.write(text, () => resolve()));
    let bytes = 0;
    const buffer = Buffer.alloc(64 * 1024);
    const drain = setInterval(() => {
      try {
        bytes += readSync(reader, buffer);
      } catch (error) {
        expect((error as NodeJS.ErrnoException).code).toBe("EAGAIN"); // Nothing has been written since the last look.
      }
    }, 1);
    await written;
    clearInterval(drain);
    while (bytes < text.length) bytes += readSync(reader, buffer);
    expect(bytes).toBe(text.length);
    stream?.destroy();
    closeSync(writer);
    closeSync(reader);
  });
});
