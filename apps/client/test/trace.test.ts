import { Trace } from "@wirebook/net";
import { describe, expect, test } from "vitest";
import { readRowsMax } from "../src/output/trace-table.ts";
import { createPaint } from "../src/output/terminal-text.ts";
import { readRows, reportTrace } from "../src/output/trace-table.ts";
import type { Outcome } from "../src/result.ts";
import { runCli } from "./cli.ts";
import { openResponder } from "./tcp-peer.ts";

const target = { host: "127.0.0.1", port: 5007 };
const plain = createPaint(false);
const answered: Outcome = { kind: "answered", isError: false };

function traceOf(chunks: [number, number][], steps: Partial<Trace["at"]> = {}): Trace {
  const trace = new Trace();
  Object.assign(trace.at, {
    connecting: 100,
    established: 100.31,
    written: 100.402,
    firstByte: 101.9,
    fin: 1304.1,
    closed: 1304.125,
    ...steps,
  });
  trace.chunks.push(...chunks);
  trace.sentBytes = 8;
  trace.receivedBytes = chunks.reduce((sum, [, bytes]) => sum + bytes, 0);
  trace.local = { address: "127.0.0.1", port: 40312 };
  trace.remote = { address: "127.0.0.1", port: 5007 };
  return trace;
}

/** As many reads, none of the size of the one before. */
function unequal(count: number): Trace {
  return traceOf(Array.from({ length: count }, (_, index): [number, number] => [200 + index, index + 1]));
}

describe("the report", () => {
  test("is a table that reads from top to bottom", () => {
    const trace = traceOf([
      [101.9, 65_536],
      [500, 65_536],
      [702.5, 65_536],
      [1304.05, 1],
    ]);
    expect(reportTrace(trace, target, answered, plain)).toBe(
      [
        "127.0.0.1:40312 (this end)  ⇄  127.0.0.1:5007 (the server)",
        "",
        "      at ms       + ms",
        "      0.000                         connecting   → SYN: asks for a connection",
        "      0.310      0.310              established  ← SYN ACK: the server's system accepts it",
        "      0.402      0.092              written      → 8 bytes: the message is on its way",
        "      1.900      1.498              first byte   ← the reply begins",
        "      1.900      0.000              reads 1–3    ← 3 × 65,536 bytes, the last 600.600 ms after the first",
        "  1,204.050    601.550  █████       read 4       ← 1 byte",
        "  1,204.100      0.050              fin          ← FIN: the server has said everything",
        "  1,204.125      0.025              closed       → FIN: so has this end",
        "",
        "  8 bytes sent · 196,609 bytes received in 4 reads · 1,204.125 ms in all",
        "",
      ].join("\n"),
    );
  });

  test("ends where the exchange failed", () => {
    const trace = new Trace();
    Object.assign(trace.at, { connecting: 5, closed: 6 });
    const outcome: Outcome = { kind: "failed", code: "connect-refused", sentence: "nothing listens there" };
    expect(reportTrace(trace, target, outcome, plain)).toBe(
      [
        "no connection (this end)  ⇄  127.0.0.1:5007 (the server)",
        "",
        "  at ms   + ms",
        "  0.000                     connecting       → SYN: asks for a connection",
        "  1.000  1.000  ██████████  connect-refused  × nothing listens there",
        "",
        "  0 bytes sent · 0 bytes received in 0 reads · 1.000 ms in all",
        "",
      ].join("\n"),
    );
  });

  test("says who went away", () => {
    expect(reportTrace(traceOf([]), target, { kind: "interrupted" }, plain)).toContain(
      "closed       → this end went away before the server had finished",
    );
  });

  test("is coloured only when it is told to be", () => {
    expect(reportTrace(traceOf([[101.9, 1]]), target, answered, plain)).not.toContain("\u001b");
    expect(reportTrace(traceOf([[101.9, 1]]), target, answered, createPaint(true))).toContain("\u001b[36mconnecting");
  });
});

describe("the reads", () => {
  test("have a row each up to the bound", () => {
    expect(readRows(unequal(readRowsMax)).map(({ step }) => step)).toEqual(
      Array.from({ length: readRowsMax }, (_, index) => `read ${index + 1}`),
    );
  });

  test("are summed up in the middle past it", () => {
    const rows = readRows(unequal(readRowsMax + 1));
    expect(rows).toHaveLength(readRowsMax);
    expect(rows.filter(({ atMs }) => atMs === undefined)).toEqual([
      { step: "…", direction: "none", meaning: "2 reads between, 65 bytes; --json has them all" },
    ]);
    expect(rows.at(-1)).toMatchObject({ step: "read 41", meaning: "41 bytes" });
  });

  test("that were not timed are counted", () => {
    const trace = traceOf([[200, 10]]);
    trace.untimedChunks = 1500;
    trace.receivedBytes = 2_000_010;
    expect(readRows(trace).at(-1)).toEqual({
      step: "…",
      direction: "none",
      meaning: "1,500 more reads, 2,000,000 bytes, without their times",
    });
  });
});

test("--trace goes to standard error and leaves the data alone", async () => {
  await using peer = await openResponder("one\n");
  const { code, stdout, stderr } = await runCli([...peer.options, "--trace", "brick", "2"]);
  expect({ code, stdout }).toEqual({ code: 0, stdout: "one\n" });
  expect(stderr).toMatch(
    new RegExp(`^\n127\\.0\\.0\\.1:\\d+ \\(this end\\)  ⇄  127\\.0\\.0\\.1:${peer.port} \\(the server\\)\n`),
  );
  expect(
    [...stderr.matchAll(/(connecting|established|written|first byte|fin|closed) +[→←]/g)].map(([, step]) => step),
  ).toEqual(["connecting", "established", "written", "first byte", "fin", "closed"]);
  expect(stderr).not.toContain("\u001b");
});
