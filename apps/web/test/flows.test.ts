import { Capture, decodeSession, encodeRecord, encodeSessionHead } from "@wirebook/capture";
import { decodeText, encodeText } from "@wirebook/protocol";
import { describe, expect, test } from "vitest";
import { capturePackets } from "../src/export/files.ts";
import { recordOf, streamOf } from "../src/export/recorded-stream.ts";
import { arrowsOf as arrowsOfRows, lanesOf } from "../src/inspector/diagram/arrows.ts";
import { FrameList } from "../src/inspector/frame-list.ts";
import { notesOf } from "../src/inspector/notes/notes.ts";
import { summarize } from "../src/inspector/notes/summary.ts";
import { buildTimeline } from "../src/inspector/timeline/timeline.ts";
import { flowBytesKept, flowsKept, streamBounds } from "../src/limits.ts";
import { explainFailure, resultOf } from "../src/streams/result.ts";
import type { Stream } from "../src/streams/stream.svelte.ts";
import { legsOf } from "../src/traffic/flow-legs.ts";
import { parseFlowFilter } from "../src/traffic/flows.svelte.ts";
import { captureFile, hasTshark, tshark, tsharkTestMs } from "../../../libs/capture/test/tshark.ts";
import { answer, endOf, failureOf, flowBytes, headOf, hello, idOf, redis, watching } from "./flow-frames.ts";

const fin = { kind: "fin", bytes: new Uint8Array(0) } as const;

/** A whole flow: a message, its reply in two reads, and the FINs of both, the client's first. */
function whole() {
  const watched = watching();
  const { flows } = watched;
  flows.takeFrame(headOf(1));
  for (const frame of [
    flowBytes(1, "PING\r\n", 103),
    answer(1, "+PO", 104),
    answer(1, "NG\r\n", 105),
    flowBytes(1, "", 106, fin),
    flowBytes(1, "", 106.5, { ...fin, leg: "target" }),
    flowBytes(1, "", 108, { ...fin, leg: "target", isFromTarget: true }),
    flowBytes(1, "", 108.5, { ...fin, isFromTarget: true }),
  ]) {
    flows.takeBytes(frame);
  }
  const at = { received: 100, connecting: 101, established: 102, ended: 106.5, fin: 108.5, closed: 109 };
  flows.takeFrame(endOf(1, { at, sentBytes: 6, receivedBytes: 7 }));
  return { ...watched, flow: flows.list[0] as Stream };
}

function arrowsOf(flow: Stream): readonly string[] {
  const timeline = buildTimeline(flow);
  const lanes = lanesOf(timeline);
  const rows = new FrameList(flow).slice(0, 100);
  return arrowsOfRows(timeline, rows, true).map(
    ({ from, to, label, isDerived }) => `${lanes[from]} ${isDerived ? "- " : ""}${label} ${lanes[to]}`,
  );
}

describe("flows", () => {
  test("are streams with the bytes of both directions in their order, and the times since the accept", () => {
    const { flow } = whole();
    expect(flow.record).toMatchObject({ sentBytes: 6, receivedBytes: 7, writeCount: 1, readCount: 2 });
    const texts = flow.record.events.map(({ kind, bytes }) => (kind === "data" ? decodeText(bytes as never) : kind));
    expect(texts).toEqual(["PING\r\n", "+PO", "NG\r\n", "fin", "fin", "fin", "fin"]);
    const { at, endedMs, end, flow: ofFlow } = buildTimeline(flow);
    expect({ ...at, endedMs, end }).toMatchObject({ received: 0, established: 2, closed: 9, endedMs: 9, end: "end" });
    expect(ofFlow).toMatchObject({ clientName: "127.0.0.1:40001", gateway: { address: "127.0.0.1", port: 5008 } });
    expect(flow.name).toBe("127.0.0.1:40001 → redis");
    expect(resultOf(flow)).toEqual({ tone: "neutral", word: "closed by client" });
  });

  test("are drawn between client, gateway and target, with both FINs, and the accept dashed", () => {
    expect(arrowsOf(whole().flow)).toEqual([
      "client - SYN gateway",
      "gateway - SYN redis",
      "redis - SYN, ACK gateway",
      'client "PING" gateway',
      "gateway - 6 B redis",
      "redis - read 1, 3 B gateway",
      "gateway 3 B client",
      "redis - read 2, 4 B gateway",
      "gateway 4 B client",
      "client FIN gateway",
      "gateway - FIN redis",
      "redis - FIN gateway",
      "gateway FIN client",
    ]);
  });

  test("say what happened, who closed first, and what a port did on purpose", () => {
    const { flow, flows } = whole();
    expect(summarize(buildTimeline(flow))).toBe(
      "127.0.0.1:40001 talked to redis for 9.00 ms: 1 read from the client, 2 from redis. The client closed it first.",
    );
    flows.takeFrame(headOf(2, { faults: { latencyMs: 20, resetAfterBytes: 1 } }));
    flows.takeBytes(flowBytes(2, "", 110, { kind: "rst", isFromTarget: true }));
    flows.takeFrame(endOf(2, { reason: "reset" }));
    const texts = notesOf(buildTimeline(flows.list[0] as Stream)).map(({ text }) => text);
    expect(texts.join("\n")).toContain(
      "Port 5008 did this to the connection on purpose: latency 20 ms, RST after 1 byte.",
    );
    expect(texts.join("\n")).toContain("The gateway sent RST to both.");
  });

  test("that fail name the target: a page that watches several has no server of its own", () => {
    const { flow, flows } = whole();
    const mail = { ...redis, name: "mail" };
    for (const [n, target] of [mail, { ...mail, name: "wirebook" }].entries()) {
      flows.takeFrame(headOf(n + 2, { target, at: { received: 100, connecting: 101 } }));
      flows.takeFrame(failureOf(n + 2));
    }
    const failed = flows.list.filter((each) => each !== flow);
    expect(failed.map((each) => explainFailure(each)?.where)).toEqual([
      "It failed between the gateway and the server.",
      "It failed between the gateway and mail.",
    ]);
    const texts = failed.flatMap((each) => notesOf(buildTimeline(each)).map(({ text }) => text));
    expect(texts.join("\n")).toContain("the machine answered the SYN with RST");
    expect(texts.join("\n")).not.toContain("server");
  });

  test("show a read that waited on its own leg, and on the other one when that took it", () => {
    const { flows } = watching();
    flows.takeFrame(headOf(1, { at: { received: 100 } }));
    flows.takeBytes(flowBytes(1, "GET", 101, { isWaiting: true }));
    const taken = { kind: "written", leg: "target", writtenBytes: 3, bytes: new Uint8Array(0) } as const;
    flows.takeBytes(flowBytes(1, "", 150, taken));
    const flow = flows.list[0] as Stream;
    expect(arrowsOf(flow)).toEqual(["client - SYN gateway", 'client "GET" gateway', "gateway - 3 B went on redis"]);
    const [client, target] = legsOf(flow).map(({ record }) => record.events);
    expect(client).toMatchObject([{ atMs: 101, bytes: encodeText("GET") }]);
    expect(target).toMatchObject([{ atMs: 150, bytes: encodeText("GET") }]);
  });

  test("to a Wirebook server are shown as the gateway sent them: it has masked the key", () => {
    const { flows } = watching();
    flows.takeFrame(headOf(1, { target: { ...redis, name: "wirebook" } }));
    flows.takeFrame(headOf(2));
    flows.takeBytes(flowBytes(1, "brick~****** 2\n", 103));
    flows.takeBytes(flowBytes(2, "cd ~/notes\n", 103));
    const texts = flows.list.map(({ record }) => decodeText(record.events[0]?.bytes as never));
    expect(texts).toEqual(["cd ~/notes\n", "brick~****** 2\n"]);
  });
});

describe("watching", () => {
  test("resumes at the position that was counted, with the epoch, and goes on with the same flow", () => {
    const { flows, sent } = watching();
    flows.takeFrame(headOf(1, { position: 1 }));
    flows.takeBytes(flowBytes(1, "one", 103));
    // Also a frame of a flow that is not kept counts.
    flows.takeBytes(flowBytes(9, "other", 104));
    flows.open(hello);
    expect(sent.at(-1)).toEqual({ type: "watch", from: { epoch: "one", position: 3 } });
    flows.takeFrame({ type: "watching", epoch: "one", position: 3, flows: [idOf(1)] });
    flows.takeBytes(flowBytes(1, "two", 105));
    const [flow, ...others] = flows.list;
    expect(others).toEqual([]);
    expect(flow).toMatchObject({ state: "running" });
    expect(flow?.record.sentBytes).toBe(6);
  });

  test("marks what is missing, in the record and in a note", () => {
    const { flows } = watching();
    flows.takeFrame(headOf(1));
    flows.takeBytes(flowBytes(1, "ab", 103));
    flows.takeFrame({ type: "gap", id: idOf(1), position: 9, sentBytes: 10, receivedBytes: 4 });
    flows.takeBytes(flowBytes(1, "yz", 105));
    const flow = flows.list[0] as Stream;
    expect(flow.record.events.at(-1)).toMatchObject({ offset: 10, isAfterGap: true });
    const texts = notesOf(buildTimeline(flow)).map(({ text }) => text);
    expect(texts.join("\n")).toContain("The content of 8 bytes from the client and 4 bytes from the target");
  });

  test("knows no end of a flow that the gateway has forgotten, or that was of another epoch", () => {
    const { flows } = watching();
    for (const n of [1, 2]) flows.takeFrame(headOf(n));
    flows.takeFrame({ type: "watching", epoch: "one", position: 0, flows: [idOf(2)] });
    expect(flows.list.map((flow) => resultOf(flow).word)).toEqual(["open", "end unknown"]);
    flows.takeFrame({ type: "watching", epoch: "two", position: 0, flows: [] });
    // The same id again is another flow.
    flows.takeFrame(headOf(2));
    expect(flows.list.map((flow) => resultOf(flow).word)).toEqual(["open", "end unknown", "end unknown"]);
    // What a page does not hold, it does not change.
    flows.takeFrame(headOf(1, { isChange: true, faults: { latencyMs: 1 } }));
    expect(flows.list.map(({ flow }) => flow?.faults)).toEqual([undefined, undefined, undefined]);
  });

  test("asks for nothing where the page may not, and names a presentation where it views one", () => {
    const forbidden = { ...hello, mayWatch: false };
    expect(watching().sent).toEqual([{ type: "watch" }]);
    const { flows, sent } = watching(undefined, forbidden);
    expect(sent).toEqual([]);
    expect(flows.mayWatch).toBe(false);
    const viewed = watching("q4mWZbDh0s3cV1tYx9LkPA", forbidden);
    expect(viewed.sent).toEqual([{ type: "watch", presentation: "q4mWZbDh0s3cV1tYx9LkPA" }]);
    expect(viewed.flows.mayWatch).toBe(true);
  });

  test("keeps a bounded number of flows, the newest, and those that run before others", () => {
    const { flows } = watching();
    flows.takeFrame(headOf(0));
    for (let n = 1; n <= flowsKept + 1; n++) {
      flows.takeFrame(headOf(n));
      flows.takeFrame(endOf(n));
    }
    expect(flows.list.length).toBe(flowsKept);
    expect(flows.droppedCount).toBe(2);
    expect(flows.list.at(-1)?.id).toBe(idOf(0));
    expect(flows.list[0]?.id).toBe(idOf(flowsKept + 1));
  });

  test("keeps a bounded number of bytes: the oldest flow loses its own first", () => {
    const { flows } = watching();
    const part = "x".repeat(1024 * 1024);
    const count = flowBytesKept / streamBounds.flow.bytesKept + 1;
    for (let n = 1; n <= count; n++) {
      flows.takeFrame(headOf(n));
      for (let at = 0; at < streamBounds.flow.bytesKept; at += part.length) flows.takeBytes(flowBytes(n, part, 103));
    }
    const kept = flows.list.map(({ record }) => record.bytesKept);
    expect(kept.reduce((sum, bytes) => sum + bytes, 0)).toBeLessThanOrEqual(flowBytesKept);
    expect(kept.at(-1)).toBe(0);
    expect(kept[0]).toBe(streamBounds.flow.bytesKept);
  });
});

describe("the filter of the traffic", () => {
  const { flow } = whole();
  test.each([
    ["", true],
    ["redis 40001", true],
    ["redis 127 closed", true],
    ["mail", false],
    ["-closed", false],
    ["-word done", true],
  ])("%s", (text, fits) => {
    expect(parseFlowFilter(text)(flow)).toBe(fits);
  });
});

describe("a flow is exported", () => {
  test("as a line that gives the same flow back", () => {
    const { flow } = whole();
    const { records, problems } = decodeSession(
      encodeText(encodeSessionHead("test", new Date()) + encodeRecord(recordOf(flow))),
    );
    expect(problems).toEqual([]);
    const again = streamOf(records[0] as never, 7, "a file");
    expect(arrowsOf(again)).toEqual(arrowsOf(flow));
    expect(summarize(buildTimeline(again))).toBe(summarize(buildTimeline(flow)));
    expect(recordOf(again)).toEqual(recordOf(flow));
  });

  test.runIf(hasTshark)(
    "as packets of both legs, with their own addresses",
    async () => {
      const blocks: Uint8Array[] = [];
      const capture = new Capture({ write: (block) => blocks.push(block) > 0 }, "test");
      expect(capturePackets(capture, whole().flow)).toBe(true);
      await using file = await captureFile(blocks);
      // tshark takes a second to start, so it is asked once for all.
      const names = ["tcp.stream", "tcp.srcport", "tcp.dstport", "tcp.flags.str", "tcp.payload"];
      const rows = await tshark(
        file.path,
        "-T",
        "fields",
        "-E",
        "separator= ",
        ...names.flatMap((name) => ["-e", name]),
      );
      const packets = rows.map((row) => row.split(" "));
      for (const [leg, client, server] of [
        ["0", "40001", "5008"],
        ["1", "50001", "6379"],
      ] as const) {
        const own = packets.filter(([stream]) => stream === leg);
        const having = (flag: string) => own.filter(([, , , flags = ""]) => flags.includes(flag));
        expect(having("S").map(([, from, to]) => [from, to])).toEqual([
          [client, server],
          [server, client],
        ]);
        expect(having("F")).toHaveLength(2);
        const saidBy = (port: string) =>
          Buffer.from(
            own
              .filter(([, from]) => from === port)
              .map(([, , , , hex = ""]) => hex)
              .join(""),
            "hex",
          ).toString();
        expect([saidBy(client), saidBy(server)]).toEqual(["PING\r\n", "+PONG\r\n"]);
      }
    },
    tsharkTestMs,
  );
});
