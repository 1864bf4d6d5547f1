import { describe, expect, test } from "vitest";
import { arrowsOf } from "../src/inspector/diagram/arrows.ts";
import { layOut as layOutArrows } from "../src/inspector/diagram/layout.ts";
import type { FrameRow } from "../src/inspector/frame-list.ts";
import type { Timeline } from "../src/inspector/timeline/timeline.ts";
import { event, rowsOf, timeline, withWrites, writesAt } from "./stream-samples.ts";

const layOut = (of: Timeline, room?: number) => layOutArrows(arrowsOf(of, rowsOf(of), true), room);
const labels = (of: Timeline) => layOut(of).arrows.map(({ label }) => label);

describe("the sequence diagram", () => {
  test("has an arrow for everything that travelled", () => {
    expect(labels(timeline)).toEqual([
      "text frame, 58 B",
      "SYN",
      "SYN, ACK",
      "open",
      "message, 8 B",
      "read 1, 350 B",
      "FIN",
      "binary, 366 B",
      "end",
    ]);
  });

  test("never draws a later moment above an earlier one", () => {
    const ys = layOut(timeline).ticks.map(({ y }) => y);
    expect(ys).toEqual(ys.toSorted((a, b) => a - b));
    expect(new Set(ys).size).toBe(ys.length);
  });

  test("draws no frame that arrives before it was sent, however wrong the clocks are", () => {
    const [request] = layOut({ ...timeline, at: { ...timeline.at, received: -0.04 } }).arrows;
    expect(request).toMatchObject({ id: "request", fromMs: 0, toMs: 0 });
  });

  test("lets no answer leave the server before the message has arrived there, however long the handshake took", () => {
    const at = { ...timeline.at, connecting: 1.1, established: 2.9, written: 2.95 };
    const late = layOut({ ...withWrites(timeline, [event(8, 2.95)]), at }).arrows;
    const message = late.find(({ label }) => label === "message, 8 B");
    const read = late.find(({ label }) => label === "read 1, 350 B");
    expect(read?.fromY).toBeGreaterThanOrEqual(message?.toY ?? Infinity);
  });

  test("shortens a long silence and says how long it was", () => {
    const silent = {
      ...timeline,
      at: { ...timeline.at, firstByte: 9003 },
      reads: [event(350, 9003)],
      endedMs: 9005,
    };
    const { gaps, height } = layOut(silent);
    expect(gaps.map(({ ms }) => Math.round(ms / 1000))).toEqual([9]);
    expect(height).toBeLessThan(600);
  });

  test("is drawn to a smaller scale where there is less room, and never too small to be read", () => {
    const [large, small, least] = [layOut(timeline), layOut(timeline, 270), layOut(timeline, 10)];
    expect(large.height).toBeGreaterThan(270);
    expect(small.height).toBeLessThanOrEqual(270);
    expect(least.ticks.slice(1).every(({ y }, at) => y - (least.ticks[at]?.y ?? 0) >= 14)).toBe(true);
  });

  test("has only the arrows of the rows that are drawn", () => {
    const arrows = arrowsOf(timeline, rowsOf(timeline).slice(2, 3), false);
    expect(arrows.map(({ id }) => id)).toEqual(["write 0"]);
  });

  test("draws what the page sends later up to the write that it becomes, and a FIN that came by itself", () => {
    const rows = rowsOf(withWrites(timeline, [event(8, 1.6), event(5, 9, { number: 1, offset: 8 })]));
    const later: FrameRow = {
      number: 5,
      event: undefined,
      ms: 8,
      gatewayMs: 8,
      source: { direction: "sent", name: "data", atMs: 8, text: "", byteCount: 5, offset: 8 },
      frame: { direction: "sent", kind: "binary", name: "data", bytes: 21 },
      span: { stream: "sent", from: 8, to: 13 },
    };
    const all = [...rows, later].toSorted((a, b) => a.ms - b.ms);
    const arrows = arrowsOf({ ...timeline, isDialogue: true }, all, true);
    expect(arrows.find(({ id }) => id === "sent 8")).toMatchObject({
      label: "binary, 21 B",
      from: 0,
      to: 1,
      fromMs: 8,
      toMs: 9,
      isDerived: true,
    });
  });

  test("shows that a cancel, or a gateway that stops, breaks the connection off, unless there was none or the server had ended", () => {
    const { fin: _, ...at } = timeline.at;
    const cancelled: Timeline = { ...timeline, at: { ...at, closed: 4 }, endReason: "cancelled" };
    expect(labels(cancelled).slice(-2)).toEqual(["RST", "end"]);
    expect(labels({ ...cancelled, at: { ...timeline.at, closed: 4 } })).not.toContain("RST");
    const waiting: Timeline = { ...withWrites(cancelled, []), at: { received: 1, closed: 4 }, reads: [] };
    expect(labels(waiting)).not.toContain("RST");
    const message = "the gateway stopped; connect again in a moment";
    const failure = { kind: "failed", hop: "gateway", code: "shutting-down", message } as const;
    const stopped: Timeline = { ...cancelled, endReason: undefined, end: "error", failure };
    expect(layOut(stopped).arrows.find(({ id }) => id === "reset")).toMatchObject({ from: 1, to: 2, label: "RST" });
  });

  test("shows on which hop it failed", () => {
    const refused: Timeline = {
      ...withWrites(timeline, []),
      at: { received: 1, connecting: 1.1, closed: 1.4 },
      reads: [],
      end: "error",
      failure: { kind: "failed", hop: "gateway-server", code: "connect-refused", message: "nothing listens" },
    };
    const failures = layOut(refused).arrows.filter(({ isFailure }) => isFailure);
    expect(failures.map(({ from, to, label }) => [from, to, label])).toEqual([
      [1, 2, "SYN"],
      [2, 1, "RST"],
      [1, 0, "error"],
    ]);
  });

  test("tells a failed handshake of TLS from a server that is silent", () => {
    const at = { received: 1, connecting: 1.1, established: 1.5, closed: 1.9 };
    const expired: Timeline = {
      ...withWrites(timeline, []),
      transport: "tls",
      at,
      reads: [],
      end: "error",
      failure: { kind: "failed", hop: "gateway-server", code: "tls-expired", message: "it expired" },
    };
    expect(layOut(expired).arrows.find(({ id }) => id === "failed")?.label).toBe("TLS failed");
  });

  test("draws each write, our own FIN and a reset where they were", () => {
    const at = { received: 1, connecting: 1.1, established: 1.5, written: 1.6, ended: 1.9, closed: 3.3 };
    const writes = writesAt(1.6, 1.7, 1.8);
    const cut = { ...withWrites(timeline, writes), at, reads: [], endReason: "reset" as const };
    const toServer = layOut(cut).arrows.filter(({ to }) => to === 2);
    expect(toServer.map(({ id }) => id)).toEqual(["connect", "write 0", "write 1", "write 2", "ended", "reset"]);
  });

  test("shows a short write as text, and by its size where the text would be long", () => {
    const texts = ["QUIT\r\n", "\r\n", "\u0088\u0082\u0001\u0002"].map((text) => new TextEncoder().encode(text));
    const writes = texts.map((bytes, number) => event(bytes.length, 1.6 + number, { number, offset: number, bytes }));
    expect(labels(withWrites(timeline, writes)).filter((label) => /"|CR|^6 B/.test(label))).toEqual([
      '"QUIT"',
      "CR LF",
      "6 B",
    ]);
  });

  test("is drawn before anything but the sending is known", () => {
    const begun: Timeline = {
      ...withWrites(timeline, []),
      at: {},
      reads: [],
      endedMs: undefined,
      end: "running",
    };
    expect(labels(begun)).toEqual(["text frame, 58 B"]);
  });
});

test("the handshake of TLS is drawn with its version, and the connecting of a Unix socket as such", () => {
  const peer = { subject: "CN=mail", issuer: "CN=ca", validFrom: "", validTo: "" };
  const tls = { version: "TLSv1.3", cipher: "TLS_AES_128_GCM_SHA256", alpn: null, peer };
  const secured: Timeline = { ...timeline, transport: "tls", tls, at: { ...timeline.at, secured: 1.55 } };
  expect(labels(secured).slice(1, 4)).toEqual(["SYN", "SYN, ACK", "TLSv1.3"]);
  expect(labels({ ...timeline, transport: "unix" }).slice(1, 3)).toEqual(["connect", "connected"]);
});
