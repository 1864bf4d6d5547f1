import { encodeByteFrame, encodeFrame } from "@wirebook/protocol";
import type { GatewayFrame } from "@wirebook/protocol";
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { GatewayConnection } from "../src/gateway/connection.svelte.ts";

/** The page's end of a WebSocket whose other end is the test. */
class PageSocket extends EventTarget {
  static readonly OPEN = 1;
  static newest: PageSocket;
  readonly readyState = PageSocket.OPEN;
  readonly sent: unknown[] = [];
  closedWith: number | undefined;

  constructor() {
    super();
    PageSocket.newest = this;
  }

  send(data: unknown): void {
    this.sent.push(data);
  }

  close(code: number): void {
    this.closedWith = code;
  }

  receive(data: string | Uint8Array): void {
    this.dispatchEvent(new MessageEvent("message", { data: typeof data === "string" ? data : data.buffer }));
  }
}

const hello = {
  type: "hello",
  version: "1",
  timeOrigin: 0,
  targets: [],
  lessons: [],
  streamsMax: 8,
  connectionsMax: 8,
  socket: 1,
  user: null,
  role: "operator",
  listening: [],
  mayWatch: true,
} satisfies GatewayFrame;

const read = encodeByteFrame(
  {
    kind: "data",
    leg: "target",
    isFromTarget: true,
    isAfterGap: false,
    isWaiting: false,
    queuedKiB: 0,
    id: 1,
    atMs: 0,
  },
  new Uint8Array(8),
  (length) => new Uint8Array(length),
);

function open(): { connection: GatewayConnection; socket: PageSocket } {
  const connection = new GatewayConnection("ws://127.0.0.1/ws");
  connection.start({ onOpen: () => {}, onLost: () => {}, onFrame: () => {}, onBytes: () => {}, onProblem: () => {} });
  const socket = PageSocket.newest;
  socket.receive(encodeFrame(hello));
  return { connection, socket };
}

describe("the connection to the gateway", () => {
  beforeEach(() => {
    vi.useFakeTimers();
    vi.stubGlobal("WebSocket", PageSocket);
  });
  afterEach(() => {
    vi.useRealTimers();
    vi.unstubAllGlobals();
  });

  test("is given up when nothing follows a clock frame", () => {
    const { connection, socket } = open();
    vi.advanceTimersByTime(9_999);
    expect(connection.state).toBe("open");
    vi.advanceTimersByTime(1);
    expect(socket.closedWith).toBe(4000);
    expect(connection.state).toBe("waiting");
  });

  test("is kept while a long reply comes before the answer to a clock frame", () => {
    const { connection, socket } = open();
    for (let second = 0; second < 60; second++) {
      vi.advanceTimersByTime(1000);
      socket.receive(read);
    }
    expect(connection.state).toBe("open");
    vi.advanceTimersByTime(10_000);
    expect(connection.state).toBe("waiting");
    expect(connection.reason).toContain("it did not answer a clock frame");
  });
});
