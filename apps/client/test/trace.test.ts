import { tcpTarget } from "@wirebook/net";
import { StreamRecord } from "@wirebook/protocol";
import { localTime } from "@wirebook/settings";
import { describe, expect, test } from "vitest";
import { createPaint } from "../src/output/text.ts";
import type { Paint } from "../src/output/text.ts";
import { createTrace } from "../src/output/trace.ts";
import { recordBounds } from "../src/output/views.ts";
import type { Outcome } from "../src/command.ts";
import { runCli } from "./cli.ts";
import { openResponder } from "./tcp-peer.ts";

const target = tcpTarget("wirebook", { host: "127.0.0.1", port: 5007 });
const plain = createPaint(false);
const answered: Outcome = { kind: "answered", isError: false };

function recordOf(reads: readonly (readonly [atMs: number, bytes: number])[]): StreamRecord {
  const record = new StreamRecord(recordBounds);
  record.mark("connecting", 100);
  record.mark("established", 100.31);
  record.wrote(8, 100.402);
  record.mark("firstByte", 101.9);
  for (const [atMs, bytes] of reads) record.read(new Uint8Array(bytes), atMs);
  record.ended("fin", true, 1304.1);
  record.mark("closed", 1304.125);
  record.local = { address: "127.0.0.1", port: 40312 };
  record.remote = { address: "127.0.0.1", port: 5007 };
  return record;
}

/** The trace of a stream that is over, as it was told while it went on. */
function reportTrace(record: StreamRecord, outcome: Outcome, paint: Paint): string {
  const trace = createTrace(target, paint);
  const opening = record.at.established === undefined ? "" : trace.open(record);
  return [opening, ...record.events.map((event) => trace.show(event, record)), trace.end(record, outcome)].join("");
}

describe("the report", () => {
  test("is a table that reads from top to bottom", () => {
    const record = recordOf([
      [101.9, 65_536],
      [500, 65_536],
      [702.5, 65_536],
      [1304.05, 1],
    ]);
    expect(reportTrace(record, answered, plain)).toBe(
      [
        `127.0.0.1:40312 (this end)  ⇄  127.0.0.1:5007 (the server)  ${localTime(performance.timeOrigin + 100)}`,
        "         at ms          + ms",
        "         0.000                connecting      → SYN: asks for a connection",
        "         0.310         0.310  established     ← SYN ACK: the server's system accepts it",
        "         0.402         0.092  write 1         → 8 bytes",
        "         1.900         1.498  read 1          ← 65,536 bytes",
        "       400.000       398.100  read 2          ← 65,536 bytes",
        "       602.500       202.500  read 3          ← 65,536 bytes",
        "     1,204.050       601.550  read 4          ← 1 byte",
        "     1,204.100         0.050  fin             ← FIN: the target sends no more",
        "     1,204.125         0.025  closed          → FIN: so has this end",
        "  8 bytes sent · 196,609 bytes received in 4 reads · 1,204.125 ms in all",
        "",
      ].join("\n"),
    );
  });

  test("ends where the exchange failed", () => {
    const record = new StreamRecord(recordBounds);
    record.mark("connecting", 5);
    record.mark("closed", 6);
    const outcome: Outcome = { kind: "failed", code: "connect-refused", sentence: "nothing listens there" };
    expect(reportTrace(record, outcome, plain)).toBe(
      [
        `no connection (this end)  ⇄  127.0.0.1:5007 (the server)  ${localTime(performance.timeOrigin + 5)}`,
        "         at ms          + ms",
        "         0.000                connecting      → SYN: asks for a connection",
        "         1.000         1.000  connect-refused  × nothing listens there",
        "  0 bytes sent · 0 bytes received in 0 reads · 1.000 ms in all",
        "",
      ].join("\n"),
    );
  });

  test("says who went away", () => {
    expect(reportTrace(recordOf([]), { kind: "interrupted" }, plain)).toContain(
      "closed          → this end went away before the server had finished",
    );
  });

  test("is coloured only when it is told to be", () => {
    expect(reportTrace(recordOf([[101.9, 1]]), answered, plain)).not.toContain("\u001b");
    expect(reportTrace(recordOf([[101.9, 1]]), answered, createPaint(true))).toContain("\u001b[36mconnecting");
  });
});

test("--trace has the time where the user is, or where TZ says", async () => {
  await using peer = await openResponder("hello\n");
  const begins = async (zone: string) =>
    (await runCli([...peer.options, "--trace", "brick"], { env: { TZ: zone } })).stderr;
  expect(await begins("Asia/Kathmandu")).toMatch(/\(the server\) {2}\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}\+05:45\n/);
  expect(await begins("UTC")).toMatch(/\(the server\) {2}\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z\n/);
});

test("--trace goes to standard error and leaves the data alone", async () => {
  await using peer = await openResponder("one\n");
  const { code, stdout, stderr } = await runCli([...peer.options, "--trace", "brick", "2"]);
  expect({ code, stdout }).toEqual({ code: 0, stdout: "one\n" });
  expect(stderr).toMatch(
    new RegExp(`^127\\.0\\.0\\.1:\\d+ \\(this end\\)  ⇄  127\\.0\\.0\\.1:${peer.port} \\(the server\\)  \\S+\n`),
  );
  expect(
    [...stderr.matchAll(/(connecting|established|write 1|read 1|fin|closed) +[→←]/g)].map(([, step]) => step),
  ).toEqual(["connecting", "established", "write 1", "read 1", "fin", "closed"]);
  expect(stderr).not.toContain("\u001b");
});
