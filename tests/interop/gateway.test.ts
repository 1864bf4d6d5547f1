/** The gateway in front of the original server, and what it agrees upon with Wirebook's. */

import { once } from "node:events";
import { readFile } from "node:fs/promises";
import { decodeBytes, decodeGatewayFrame, decodeText, encodeFrame, subprotocol } from "@wirebook/protocol";
import type { GatewayFrame, PageFrame } from "@wirebook/protocol";
import { describe, expect, test } from "vitest";
import { WebSocket } from "ws";
import { startGateway, startOriginServer, startServer } from "../../test-support/programs.ts";
import { findPython } from "../../test-support/python.ts";

const python = findPython();

type Ending = Extract<GatewayFrame, { type: "end" | "error" }>;

/** What a page would have of one exchange. */
interface Received {
  readonly text: string;
  readonly ending: Ending;
}

/** A page's end of the WebSocket. */
class Page implements AsyncDisposable {
  readonly #socket: WebSocket;
  readonly #texts = new Map<number, string>();
  readonly #waiting = new Map<number, (received: Received) => void>();

  static async open(address: string, localAddress = "127.0.0.1"): Promise<Page> {
    const socket = new WebSocket(`ws://${address}/ws`, subprotocol, { origin: `http://${address}`, localAddress });
    const page = new Page(socket);
    await once(socket, "open");
    return page;
  }

  private constructor(socket: WebSocket) {
    this.#socket = socket;
    socket.binaryType = "nodebuffer";
    socket.on("message", (data, isBinary) => {
      // With `nodebuffer` a message is one Buffer.
      const bytes = data as Buffer;
      if (isBinary) this.#takeBytes(bytes);
      else this.#takeFrame(bytes.toString());
    });
  }

  /** Sends a frame that begins an exchange, and waits for its end. */
  ask(frame: PageFrame & { id: number }): Promise<Received> {
    const { promise, resolve } = Promise.withResolvers<Received>();
    this.#waiting.set(frame.id, resolve);
    this.#socket.send(encodeFrame(frame));
    return promise;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#socket.close();
    await once(this.#socket, "close");
  }

  #takeBytes(data: Buffer): void {
    const { id = 0, bytes = new Uint8Array(0) } = decodeBytes(data) ?? {};
    this.#texts.set(id, (this.#texts.get(id) ?? "") + decodeText(bytes));
  }

  #takeFrame(text: string): void {
    const decoded = decodeGatewayFrame(text);
    if ("problem" in decoded) throw new Error(decoded.problem);
    const { frame } = decoded;
    if ((frame.type !== "end" && frame.type !== "error") || frame.id === null) return;
    this.#waiting.get(frame.id)?.({ text: this.#texts.get(frame.id) ?? "", ending: frame });
  }
}

describe.skipIf(python === undefined)("needs python3: the gateway and the original server", () => {
  test("carry a request and its reply, byte for byte", async () => {
    await using server = await startOriginServer(python ?? "");
    await using gateway = await startGateway({ server: server.address, serverConnections: 1 });
    await using page = await Page.open(gateway.address);
    const { text, ending } = await page.ask({ type: "request", id: 1, user: "brick", operation: 2 });
    expect(ending).toMatchObject({ type: "end", reason: "fin", sentBytes: 8, receivedBytes: Buffer.byteLength(text) });
    expect(text).toMatch(
      /^https:\/\/example\.org\/original-logbook\n\nOperations: \n[^]*\nbrick from 127\.0\.0\.1 at \S+ \S+\n$/,
    );
  });

  test("serve many requests at once, one connection after the other", async () => {
    await using server = await startOriginServer(python ?? "");
    await using gateway = await startGateway({ server: server.address, serverConnections: 1 });
    await using page = await Page.open(gateway.address);
    const ids = Array.from({ length: 20 }, (_, index) => index + 1);
    const all = await Promise.all(ids.map((id) => page.ask({ type: "request", id, user: "otter" })));
    expect(all.map(({ ending }) => ending)).toEqual(
      ids.map((id) => expect.objectContaining({ type: "end", id, reason: "fin" }) as Ending),
    );
    // The original's backlog of 5 would make a burst wait a second for the kernel's retransmits.
    const spans = all.map(({ ending }) => [ending.at.connecting ?? 0, ending.at.closed ?? 0] as const);
    const inOrder = spans.toSorted(([one], [other]) => one - other);
    for (const [index, [, closed]] of inOrder.entries()) {
      expect(inOrder[index + 1]?.[0] ?? Infinity).toBeGreaterThanOrEqual(closed);
    }
  });

  test("tell a reply without a byte, where the original broke, from a failure", async () => {
    await using server = await startOriginServer(python ?? "");
    await using gateway = await startGateway({ server: server.address, serverConnections: 1 });
    await using page = await Page.open(gateway.address);
    const { text, ending } = await page.ask({ type: "request", id: 1, user: "brick", operation: 1 });
    expect({ text, ending }).toMatchObject({ text: "", ending: { type: "end", reason: "fin", receivedBytes: 0 } });
  });

  test("say which hop failed while the original is down, and work again when it is back", async () => {
    await using server = await startOriginServer(python ?? "");
    await using gateway = await startGateway({ server: server.address, serverConnections: 1 });
    await using page = await Page.open(gateway.address);
    await server.kill();
    const { ending } = await page.ask({ type: "request", id: 1, user: "brick" });
    expect(ending).toMatchObject({ type: "error", code: "connect-refused", hop: "gateway-server" });
    await server.restart();
    expect(await page.ask({ type: "request", id: 2, user: "brick" })).toMatchObject({ ending: { type: "end" } });
  });
});

describe("the gateway and Wirebook's server", () => {
  test("write the address of the page into the history, when both are told to", async () => {
    await using server = await startServer({ options: ["--trust-proxy", "127.0.0.1"] });
    await using gateway = await startGateway({ server: server.address, options: ["--proxy-protocol"] });
    await using page = await Page.open(gateway.address, "127.0.0.9");
    const { text } = await page.ask({ type: "request", id: 1, user: "brick", operation: 2, arguments: [-1] });
    expect(text).toMatch(/\n\S+ 127\.0\.0\.9 "brick 2 -1"\n$/);
    await fetch(`http://${gateway.address}/readyz`);
    await page.ask({ type: "request", id: 2, user: "brick" });
    const lines = (await readFile(server.historyPath, "utf8")).trimEnd().split("\n");
    expect(lines.map((line) => line.split(" ")[1])).toEqual(["127.0.0.9", "127.0.0.9"]);
  });

  test("say what is missing when only one of them is told to", async () => {
    await using trusting = await startServer({ options: ["--trust-proxy", "127.0.0.1"] });
    await using silent = await startGateway({ server: trusting.address });
    await using page = await Page.open(silent.address);
    const { text } = await page.ask({ type: "request", id: 1, user: "brick" });
    expect(text).toContain("start the gateway with --proxy-protocol");
    await using plain = await startServer();
    await using telling = await startGateway({ server: plain.address, options: ["--proxy-protocol"] });
    await using other = await Page.open(telling.address);
    expect((await other.ask({ type: "request", id: 1, user: "brick", operation: 3 })).text).toContain("Error: ");
    expect(await readFile(plain.historyPath, "utf8")).not.toContain("deleted");
  });
});

test("says that a server is not ready which hangs, and that it is when it goes on", async () => {
  await using server = await startServer();
  await using gateway = await startGateway({ server: server.address });
  const ask = async (): Promise<string> => {
    const answer = await fetch(`http://${gateway.address}/readyz`);
    return `${answer.status} ${await answer.text()}`;
  };
  await expect.poll(ask).toBe("200 ready\n");
  server.signal("SIGSTOP");
  try {
    await expect
      .poll(ask, { timeout: 20_000 })
      .toMatch(/^503 .* did not react to a connection within 2000 ms, so it may hang/);
  } finally {
    server.signal("SIGCONT");
  }
  await expect.poll(ask, { timeout: 20_000 }).toBe("200 ready\n");
  expect(await readFile(server.historyPath, "utf8")).toBe("");
});

test.skipIf(python === undefined)("takes the original server for ready, which sees nobody in a probe", async () => {
  await using server = await startOriginServer(python ?? "");
  await using gateway = await startGateway({ server: server.address });
  const answer = await fetch(`http://${gateway.address}/readyz`);
  expect([answer.status, await answer.text()]).toEqual([200, "ready\n"]);
});
