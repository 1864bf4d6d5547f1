import { StreamRecord } from "@wirebook/protocol";
import type { StreamOutcome, TlsFacts } from "@wirebook/protocol";
import { describe, expect, test } from "vitest";
import { Capture, StreamCapture } from "../src/index.ts";
import { captureFile, expertFindings, follow, hasTshark, tshark, tsharkTestMs } from "./tshark.ts";

const originMs = 1_795_379_465_000;
const tls: TlsFacts = {
  version: "TLSv1.3",
  cipher: "TLS_AES_256_GCM_SHA384",
  alpn: "imap",
  peer: {
    subject: "CN=imap.example",
    issuer: "CN=Example CA",
    validFrom: "2026-01-01T00:00:00Z",
    validTo: "2027-01-01T00:00:00Z",
  },
};

/** A stream that is told to a record and to a capture, as a connection and its listener do it. */
class Told {
  readonly blocks: Uint8Array[] = [];
  readonly #record = new StreamRecord({ firstEventsKept: 0, lastEventsKept: 1, bytesKept: 1000 });
  readonly #captured: StreamCapture;

  constructor(transport: "tcp" | "tls" | "unix", { hasKeys = false, capture = this.#open() } = {}) {
    this.#captured = new StreamCapture(capture, { originMs, transport, hasKeys });
    this.#record.mark("connecting", 1);
    this.#record.mark("established", 2);
    if (transport !== "unix") {
      this.#record.local = { address: "127.0.0.1", port: 40_112 };
      this.#record.remote = { address: "127.0.0.1", port: 2525 };
    }
    if (transport === "tls") this.#record.tls = tls;
  }

  #open(): Capture {
    return new Capture({ write: (block) => this.blocks.push(block) > 0 }, "wirebook test");
  }

  begin(): this {
    this.#captured.open(this.#record);
    return this;
  }

  sent(text: string, atMs: number): this {
    this.#record.sending(Buffer.from(text));
    this.#record.wrote(Buffer.byteLength(text), atMs);
    this.#captured.note(this.#record);
    return this;
  }

  received(text: string, atMs: number): this {
    this.#record.read(Buffer.from(text), atMs);
    this.#captured.note(this.#record);
    return this;
  }

  fin(isFromTarget: boolean, atMs: number): this {
    this.#record.ended("fin", isFromTarget, atMs);
    this.#captured.note(this.#record);
    return this;
  }

  over(
    how: { reason: "fin" | "cancelled" | "reset" } | Extract<StreamOutcome, { kind: "failed" }>,
    atMs: number,
  ): this {
    this.#record.mark("closed", atMs);
    this.#captured.over(how, this.#record);
    return this;
  }
}

/** Flags and payload of each packet that is more than an ACK, as tshark reads it. */
async function packetsOf(path: string): Promise<string[]> {
  const fields = ["tcp.srcport", "tcp.flags.str", "tcp.payload"].flatMap((field) => ["-e", field]);
  const rows = await tshark(path, "-T", "fields", ...fields);
  return rows
    .map((row) => row.split("\t"))
    .filter(([, flags = ""]) => flags.replaceAll("·", "") !== "A")
    .map(([port, flags = "", payload = ""]) =>
      [port, flags.replaceAll("·", ""), Buffer.from(payload, "hex").toString()].filter((part) => part !== "").join(" "),
    );
}

const commentOf = (path: string): Promise<string[]> =>
  tshark(path, "-Y", "frame.number == 1", "-T", "fields", "-e", "frame.comment");

describe.skipIf(!hasTshark)("the packets of a stream, as tshark reads them", { timeout: tsharkTestMs }, () => {
  test("have this end's FIN where it half-closed, and go on behind it", async () => {
    const told = new Told("tcp").begin().received("220 hello\r\n", 3).sent("QUIT\r\n", 4).fin(false, 5);
    await using file = await captureFile(told.received("221 bye\r\n", 6).over({ reason: "fin" }, 7).blocks);
    expect(await packetsOf(file.path)).toEqual([
      "40112 S",
      "2525 AS",
      "2525 AP 220 hello\r\n",
      "40112 AP QUIT\r\n",
      "40112 AF",
      "2525 AP 221 bye\r\n",
      "2525 AF",
    ]);
    expect(await expertFindings(file.path)).toEqual([]);
  });

  test("have the server's FIN where it half-closed, and go on behind it", async () => {
    const told = new Told("tcp").begin().received("all\n", 3).fin(true, 4).sent("thanks\n", 5).fin(false, 6);
    await using file = await captureFile(told.over({ reason: "fin" }, 7).blocks);
    expect((await packetsOf(file.path)).slice(2)).toEqual([
      "2525 AP all\n",
      "2525 AF",
      "40112 AP thanks\n",
      "40112 AF",
    ]);
    expect(await expertFindings(file.path)).toEqual([]);
  });

  test("end with RST where this end left, and say why where something failed", async () => {
    const failed = { kind: "failed", code: "connection-reset", hop: "gateway-server", message: "it broke" } as const;
    for (const [how, port, comment] of [
      [{ reason: "cancelled" }, "40112", "This end broke off with RST, before the server had ended."],
      [{ reason: "reset" }, "40112", "This end broke off with RST, as it was told to."],
      [failed, "2525", "The connection broke: it broke"],
    ] as const) {
      await using file = await captureFile(new Told("tcp").begin().sent("x", 3).over(how, 4).blocks);
      const fields = ["tcp.srcport", "frame.comment"].flatMap((field) => ["-e", field]);
      const rows = await tshark(file.path, "-Y", "tcp.flags.reset == 1", "-T", "fields", ...fields);
      expect(rows).toEqual([`${port}\t${comment}`]);
    }
  });

  test("have what stands behind a tilde, unless the stream is one to a Wirebook server", async () => {
    for (const [hasKeys, expected] of [
      [false, "GET /~alice HTTP/1.0\n"],
      [true, "GET /~***** HTTP/1.0\n"],
    ] as const) {
      const told = new Told("tcp", { hasKeys }).begin().sent("GET /~alice HTTP/1.0\n", 3).over({ reason: "fin" }, 4);
      await using file = await captureFile(told.blocks);
      expect((await follow(file.path)).client.toString()).toBe(expected);
    }
  });

  test("are the plain text of TLS, and say so", async () => {
    const told = new Told("tls").begin().received("* OK\r\n", 9).sent("a LOGOUT\r\n", 10).over({ reason: "fin" }, 11);
    await using file = await captureFile(told.blocks);
    const [comment] = await commentOf(file.path);
    expect(comment).toContain(
      "This is the plain text inside of TLS (TLSv1.3, TLS_AES_256_GCM_SHA384, ALPN imap; certificate of CN=imap.example): the handshake",
    );
    const { client, server } = await follow(file.path);
    expect([client.toString(), server.toString()]).toEqual(["a LOGOUT\r\n", "* OK\r\n"]);
  });

  test("show the connection and the reason where the handshake of TLS failed", async () => {
    const failed = { kind: "failed", code: "tls-expired", hop: "gateway-server", message: "it expired" } as const;
    await using file = await captureFile(new Told("tls").over(failed, 9).blocks);
    expect(await packetsOf(file.path)).toEqual(["40112 S", "2525 AS", "40112 AR"]);
    const [reset] = await tshark(file.path, "-Y", "tcp.flags.reset == 1", "-T", "fields", "-e", "frame.comment");
    expect(reset).toBe("This end gave up with RST (tls-expired): it expired");
  });

  test("of a Unix socket have addresses that are made up, and say so", async () => {
    const blocks: Uint8Array[] = [];
    const capture = new Capture({ write: (block) => blocks.push(block) > 0 }, "wirebook test");
    const [first, second] = [new Told("unix", { capture }).begin(), new Told("unix", { capture }).begin()];
    first.sent("PING\r\n", 3);
    second.sent("INFO\r\n", 4);
    first.received("+PONG\r\n", 5).over({ reason: "fin" }, 6);
    second.over({ reason: "fin" }, 7);
    await using file = await captureFile(blocks);
    expect((await commentOf(file.path)).join()).toContain(
      "This was a Unix socket: its addresses and ports are made up",
    );
    expect((await follow(file.path, 0)).client.toString()).toBe("PING\r\n");
    expect((await follow(file.path, 1)).client.toString()).toBe("INFO\r\n");
    const ends = await tshark(file.path, "-Y", "tcp.len > 0", "-T", "fields", "-e", "ip.src", "-e", "tcp.srcport");
    expect(ends).toEqual(["127.0.0.2\t49152", "127.0.0.2\t49153", "127.0.0.3\t65535"]);
    expect(await expertFindings(file.path)).toEqual([]);
  });
});

test("a connection that never stood leaves no packet", () => {
  let blockCount = 0;
  const capture = new Capture({ write: () => ++blockCount > 0 }, "wirebook test");
  const captured = new StreamCapture(capture, { originMs, transport: "tcp", hasKeys: true });
  const record = new StreamRecord({ firstEventsKept: 0, lastEventsKept: 1, bytesKept: 1000 });
  record.mark("connecting", 1);
  record.mark("closed", 2);
  captured.over({ code: "connect-refused", message: "nothing listens" }, record);
  expect(blockCount).toBe(2); // The head.
});
