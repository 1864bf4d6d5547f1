import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { encodeText } from "@wirebook/protocol";
import type { AnnouncedTarget, FlowHead } from "@wirebook/protocol";
import { WatchedFlows } from "../../../test-support/watched-flows.ts";
import { FrameLog } from "../src/flows/frame-log.ts";
import type { LoggedFlow, LoggedFrame, Viewer } from "../src/flows/frame-log.ts";

const mail: AnnouncedTarget = { name: "mail", transport: "tcp", address: "127.0.0.1:25", proxyHeaderBytes: 0 };
const wirebook: AnnouncedTarget = { ...mail, name: "wirebook" };

function headOf(target = mail): FlowHead {
  return { target, via: "listen", port: 5008, client: { address: "127.0.0.1", port: 40_112 }, at: { received: 1 } };
}

/** A log of so many bytes. */
function openLog(bytesMax = 64 * 1024, flowsMax = 1000, onGap: () => void = () => undefined): FrameLog {
  return new FrameLog(bytesMax, flowsMax, onGap);
}

/** A page that takes frames while it has room. */
class TestViewer implements Viewer {
  readonly queue = this;
  hasRoom = true;
  readonly seen = new WatchedFlows();
  readonly messages: (string | Buffer)[] = [];

  sendAll(frames: readonly LoggedFrame[]): void {
    for (const message of frames) {
      this.messages.push(message);
      this.seen.take(message);
    }
  }

  get position(): { epoch: string; position: number } {
    return { epoch: this.seen.epoch ?? "", position: this.seen.position };
  }
}

/** Feeds all log until each has what there is. */
function feedAll(log: FrameLog, viewers: readonly TestViewer[]): void {
  for (let turn = 0; turn < 10_000; turn++) {
    log.feed();
    if (viewers.every(({ seen, hasRoom }) => !hasRoom || seen.position === log.nextAt)) return;
  }
  throw new Error("a watcher does not get on");
}

function join(viewer: TestViewer, index: number, isFromTarget: boolean): string {
  const { record } = viewer.seen.at(index) ?? {};
  const events = record?.events.filter((event) => event.kind === "data" && event.isFromTarget === isFromTarget) ?? [];
  return Buffer.concat(events.map(({ bytes = new Uint8Array(0) }) => bytes)).toString();
}

describe("a log of frames", () => {
  test("gives a latecomer the head, each read with leg and time, what waited, and the end", () => {
    const log = openLog();
    const flow = log.begin(headOf());
    flow.read(false, encodeText("EHLO x\r\n"), 2, true);
    flow.change({ ...headOf(), at: { received: 1, established: 3 } });
    flow.written(false, 8, 3.5);
    flow.read(true, encodeText("250 ok\r\n"), 4, false);
    flow.closed("fin", "client", false, 5);
    flow.closed("fin", "target", false, 5.5);
    flow.closed("rst", "target", true, 6);
    flow.over({ code: "connection-reset", message: "the target broke the connection" }, { received: 1, closed: 7 });
    const viewer = new TestViewer();
    log.watch(viewer);
    feedAll(log, [viewer]);
    const seen = viewer.seen.at(0);
    expect(seen?.head).toMatchObject({ via: "listen", target: mail, at: { established: 3 } });
    expect(seen?.record.events).toMatchObject([
      { kind: "data", leg: "client", isFromTarget: false, atMs: 2, bytes: encodeText("EHLO x\r\n") },
      { kind: "written", leg: "target", isFromTarget: false, atMs: 3.5, offset: 0, byteCount: 8 },
      { kind: "data", leg: "target", isFromTarget: true, atMs: 4, bytes: encodeText("250 ok\r\n") },
      { kind: "fin", leg: "client", isFromTarget: false },
      { kind: "fin", leg: "target", isFromTarget: false },
      { kind: "rst", leg: "target", isFromTarget: true },
    ]);
    expect(seen?.last).toMatchObject({ type: "error", code: "connection-reset", sentBytes: 8, receivedBytes: 8 });
    expect(viewer.seen.gapCount).toBe(0);
  });

  test("keeps no more than its bound, and says how many bytes of each flow and direction are gone", () => {
    const log = openLog(64 * 1024);
    const [old, running] = [log.begin(headOf()), log.begin(headOf())];
    old.read(false, encodeText("gone"), 1, false);
    old.over({ reason: "fin" }, {});
    for (let count = 0; count < 1000; count++) {
      running.read(false, new Uint8Array(150), count, false);
      running.read(true, new Uint8Array(50), count, false);
    }
    expect(log.bytesKept).toBeLessThanOrEqual(64 * 1024);
    expect(log.bytesKept).toBeGreaterThan(48 * 1024);
    expect([...log.flows()].map(({ id }) => id)).toEqual([running.id]);
    const viewer = new TestViewer();
    log.watch(viewer);
    feedAll(log, [viewer]);
    expect([...viewer.seen.flows.keys()]).toEqual([running.id]);
    const record = viewer.seen.at(0)?.record;
    expect(record).toMatchObject({ sentBytes: 150_000, receivedBytes: 50_000 });
    expect(record?.omitted.sentBytes).toBeGreaterThan(90_000);
    expect(record?.writes[0]).toMatchObject({ isAfterGap: true, offset: record?.omitted.sentBytes });
  });

  test("goes on where a page had been, without a frame twice, and from the beginning in another epoch", () => {
    const log = openLog();
    const flow = log.begin(headOf());
    flow.read(false, encodeText("one"), 1, false);
    const viewer = new TestViewer();
    log.watch(viewer);
    feedAll(log, [viewer]);
    log.unwatch(viewer);
    flow.read(false, encodeText(" two"), 2, false);
    log.watch(viewer, viewer.position);
    feedAll(log, [viewer]);
    expect(join(viewer, 0, false)).toBe("one two");

    const other = openLog();
    other.begin(headOf()).read(false, encodeText("other"), 1, false);
    other.watch(viewer, viewer.position);
    feedAll(other, [viewer]);
    expect(viewer.seen.flows.size).toBe(1);
    expect(join(viewer, 0, false)).toBe("other");
  });

  test("begins anew for a position that it has not reached", () => {
    const log = openLog();
    log.begin(headOf()).read(false, encodeText("all"), 1, false);
    const viewer = new TestViewer();
    log.watch(viewer, { epoch: log.epoch, position: 1e6 });
    feedAll(log, [viewer]);
    expect(join(viewer, 0, false)).toBe("all");
  });

  test("copies nothing for a page without room, and one copy for all who are up to date", () => {
    let gapCount = 0;
    const log = openLog(64 * 1024, 10, () => (gapCount += 1));
    const flow = log.begin(headOf());
    const [first, second, stalled] = [new TestViewer(), new TestViewer(), new TestViewer()];
    for (const viewer of [first, second, stalled]) log.watch(viewer);
    feedAll(log, [first, second, stalled]);
    stalled.hasRoom = false;
    const before = stalled.messages.length;
    for (let count = 0; count < 2000; count++) {
      flow.read(false, new Uint8Array(100), count, false);
      log.feed();
    }
    expect(stalled.messages).toHaveLength(before);
    expect(second.messages.at(-1)).toBe(first.messages.at(-1));
    stalled.hasRoom = true;
    feedAll(log, [stalled]);
    expect(gapCount).toBe(1);
    expect(stalled.seen.at(0)?.record.sentBytes).toBe(200_000);
  });

  test("sends a bounded number of frames at once, and the others then", () => {
    const log = openLog(1024 * 1024);
    const flow = log.begin(headOf());
    for (let count = 0; count < 3000; count++) flow.read(false, encodeText("x"), count, false);
    const viewer = new TestViewer();
    log.watch(viewer);
    log.feed();
    expect(viewer.messages.length).toBeLessThan(600);
    feedAll(log, [viewer]);
    expect(join(viewer, 0, false)).toHaveLength(3000);
  });

  test("forgets the oldest flow that is over when there are too many, and begins behind it", () => {
    const log = openLog(64 * 1024, 3);
    const running = log.begin(headOf());
    for (let count = 0; count < 5; count++) log.begin(headOf()).over({ reason: "fin" }, {});
    expect([...log.flows()].map(({ id }) => id - running.id)).toEqual([0, 4, 5]);
    running.over({ reason: "fin" }, {});
    const last = log.begin(headOf());
    const viewer = new TestViewer();
    log.watch(viewer);
    feedAll(log, [viewer]);
    expect([...viewer.seen.flows.keys()].map((id) => id - running.id)).toEqual([4, 5, last.id - running.id]);
  });

  test("tells a page that was away which flows are gone, so that none seems to run for ever", () => {
    const log = openLog(16 * 1024);
    const flow = log.begin(headOf());
    const viewer = new TestViewer();
    log.watch(viewer);
    feedAll(log, [viewer]);
    viewer.hasRoom = false;
    flow.over({ reason: "fin" }, {});
    const next = log.begin(headOf());
    for (let count = 0; count < 200; count++) next.read(false, new Uint8Array(100), count, false);
    viewer.hasRoom = true;
    feedAll(log, [viewer]);
    expect(viewer.seen.flows.get(flow.id)).toMatchObject({ isLost: true, last: undefined });
    expect(viewer.seen.flows.get(next.id)).toMatchObject({ isLost: false, record: { sentBytes: 20_000 } });
  });
});

/** What a viewer sees of a flow that reads these pieces, then what the target answers. */
function seenOf(target: AnnouncedTarget, sent: readonly string[], received: readonly string[] = []) {
  const log = openLog();
  const flow = log.begin(headOf(target));
  const pieces = sent.map((text) => Buffer.from(text));
  for (const piece of pieces) flow.read(false, piece, 1, false);
  for (const text of received) flow.read(true, Buffer.from(text), 1, false);
  expect(pieces.map(String)).toEqual(sent);
  const viewer = new TestViewer();
  log.watch(viewer);
  feedAll(log, [viewer]);
  return { sent: join(viewer, 0, false), received: join(viewer, 0, true) };
}

describe("keys", () => {
  test.each([
    [["ada~k3y s3cret 2\n"], "ada~*** s3cret 2\n"],
    [["ada~k3", "y 2\n"], "ada~*** 2\n"],
    [["ada~", "k3y 2\n"], "ada~*** 2\n"],
    [["ada", "~k", "3", "y", " 2\n"], "ada~*** 2\n"],
  ])("of flows to wirebook are masked, also when a read splits them: %j", (pieces, shown) => {
    expect(seenOf(wirebook, pieces).sent).toBe(shown);
  });

  test("in the answer of operation 4 are masked, and a ~ in another answer is not", () => {
    expect(seenOf(wirebook, ["root~k3y", " 4 ", "bob\n"], ["bob~s3", "cret\n"])).toEqual({
      sent: "root~*** 4 bob\n",
      received: "bob~******\n",
    });
    expect(seenOf(wirebook, ["ada 2\n"], ["~/notes\n"]).received).toBe("~/notes\n");
  });

  test("are not looked for in flows to other targets", () => {
    expect(seenOf(mail, ["ls ~/mail\n"], ["~ok\n"])).toEqual({ sent: "ls ~/mail\n", received: "~ok\n" });
  });
});

const step = fc.oneof(
  { weight: 1, arbitrary: fc.record({ do: fc.constant("open" as const) }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant("over" as const), flow: fc.nat(5) }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant("changed" as const), flow: fc.nat(5) }) },
  {
    weight: 8,
    arbitrary: fc.record({
      do: fc.constant("read" as const),
      flow: fc.nat(5),
      isFromTarget: fc.boolean(),
      bytes: fc.oneof(fc.nat(20), fc.nat(700)),
    }),
  },
  { weight: 4, arbitrary: fc.record({ do: fc.constant("feed" as const) }) },
  { weight: 2, arbitrary: fc.record({ do: fc.constant("stall" as const), viewer: fc.nat(2) }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant("reconnect" as const), viewer: fc.nat(2) }) },
);

test("any reads, stalls and reconnects give each watcher all bytes in order, or marks that add up", () => {
  fc.assert(
    fc.property(fc.array(step, { minLength: 100, maxLength: 200, size: "max" }), (steps) => {
      const log = openLog(6 * 1024, 8);
      const flows: { recorder: LoggedFlow; bytes: { sent: number[]; received: number[] }; isOver: boolean }[] = [];
      const viewers = [new TestViewer(), new TestViewer(), new TestViewer()];
      for (const viewer of viewers) log.watch(viewer);
      let next = 0;
      for (const each of steps) {
        const flow = "flow" in each ? flows.filter(({ isOver }) => !isOver)[each.flow] : undefined;
        // No flow that runs may be forgotten here.
        const runningCount = flows.filter(({ isOver }) => !isOver).length;
        if (each.do === "open" && runningCount < 6) {
          const recorder = log.begin(headOf());
          flows.push({ recorder, bytes: { sent: [], received: [] }, isOver: false });
        } else if (each.do === "read") {
          const bytes = Array.from({ length: each.bytes }, () => next++ % 251);
          flow?.recorder.read(each.isFromTarget, Uint8Array.from(bytes), 1, false);
          flow?.bytes[each.isFromTarget ? "received" : "sent"].push(...bytes);
        } else if (each.do === "over" && flow !== undefined) {
          flow.recorder.over({ reason: "fin" }, {});
          flow.isOver = true;
        } else if (each.do === "changed") flow?.recorder.change(headOf());
        else if (each.do === "feed") log.feed();
        else if (each.do === "stall") (viewers[each.viewer] as TestViewer).hasRoom = !viewers[each.viewer]?.hasRoom;
        else if (each.do === "reconnect") {
          const viewer = viewers[each.viewer] as TestViewer;
          log.watch(viewer, viewer.position);
        }
      }
      for (const viewer of viewers) viewer.hasRoom = true;
      feedAll(log, viewers);
      for (const { seen } of viewers) {
        for (const { id } of log.flows()) expect(seen.flows.get(id)).toBeDefined();
        for (const { recorder, bytes, isOver } of flows) {
          const flow = seen.flows.get(recorder.id);
          if (flow === undefined) continue;
          for (const { isFromTarget, offset, bytes: read } of flow.record.events) {
            const whole = isFromTarget ? bytes.received : bytes.sent;
            if (read !== undefined) expect([...read]).toEqual(whole.slice(offset, offset + read.length));
          }
          if (flow.isLost) continue;
          expect(flow.last !== undefined).toBe(isOver);
          expect(flow.record.sentBytes).toBe(bytes.sent.length);
          expect(flow.record.receivedBytes).toBe(bytes.received.length);
        }
      }
    }),
    { numRuns: 100, endOnFailure: true },
  );
});
