/**
 * The examples of docs/reference/gateway-frames.md, replayed: a page sends the frames →, a small server plays the targets, and the
 * frames ← must come as they stand there. Times, ports and the gateway's version differ from run to run.
 */

import { on, once } from "node:events";
import { readFileSync } from "node:fs";
import { createServer } from "node:net";
import type { AddressInfo, Server, Socket } from "node:net";
import { expect, test } from "vitest";
import { WebSocket } from "ws";
import { decodeByteFrame, encodeByteFrame, subprotocol } from "@wirebook/protocol";
import type { ByteFrame } from "@wirebook/protocol";
import { startGateway } from "../../test-support/programs.ts";

const document = readFileSync(new URL("../../docs/reference/gateway-frames.md", import.meta.url), "utf8");

/** A line of an example: a text frame, or a byte frame. */
interface Line {
  readonly text: string;
  readonly isFromPage: boolean;
  readonly frame: string | Buffer;
}

/** The lines under a heading that are frames. */
function exampleUnder(heading: string): Line[] {
  const part = document.split(`\n## ${heading}\n`)[1]?.split(/^## /m)[0] ?? "";
  return [...part.matchAll(/^(→|←) (.*)$/gm)].map(([text, arrow, frame = ""]) => ({
    text,
    isFromPage: arrow === "→",
    frame: frame.startsWith("{") ? frame : readByteFrame(frame),
  }));
}

/** A header in hexadecimal digits, and what follows it: bytes as a JSON string, or a count in such digits. */
function readByteFrame(line: string): Buffer {
  const [, header = "", body = ""] = /^((?:[0-9a-f]+ ){4}[0-9a-f]+)(?: (.+))?$/.exec(line) ?? [];
  const bytes = body.startsWith('"') ? Buffer.from(JSON.parse(body) as string) : Buffer.from(body, "hex");
  return Buffer.concat([Buffer.from(header.replaceAll(" ", ""), "hex"), bytes]);
}

/** A frame without what differs from run to run, to be compared. */
function normalize(frame: string | Buffer): unknown {
  if (typeof frame === "string") {
    return JSON.parse(frame, (name, value: unknown) => {
      if (["port", "timeOrigin", "socket", "version"].includes(name)) return typeof value;
      if (name === "address") return String(value).replace(/:\d+$/, ":port");
      return name === "at" ? Object.keys(value as object) : value;
    });
  }
  return { ...decode(frame), atMs: 0 };
}

function decode(frame: Buffer): ByteFrame {
  const decoded = decodeByteFrame(frame);
  if (typeof decoded === "string") throw new Error(decoded);
  return decoded;
}

/** What the targets are in the examples, one connection after the other. */
class TargetPart {
  readonly #server: Server;
  /** Of the stream that runs; resolves when the gateway has connected. */
  #peer: Promise<Socket> | undefined;
  #isEnded = false;
  /** What came, of all streams. */
  received = "";

  constructor(server: Server) {
    this.#server = server;
  }

  /** The page starts a stream. */
  expectConnection(): void {
    this.#isEnded = false;
    this.#peer = once(this.#server, "connection").then(([socket]: Socket[]) => {
      socket?.on("data", (bytes: Buffer) => (this.received += bytes.toString()));
      return socket as Socket;
    });
  }

  /** Does what makes the gateway send that frame. */
  async play({ frame }: Line): Promise<void> {
    if (typeof frame === "string") {
      if (frame.includes('"fin"') && !this.#isEnded) (await this.#peer)?.end();
      return;
    }
    const { kind, isFromTarget, bytes } = decode(frame);
    if (!isFromTarget) return;
    if (kind === "data") (await this.#peer)?.write(bytes);
    if (kind === "fin") (await this.#peer)?.end();
    this.#isEnded ||= kind === "fin";
  }
}

test("the examples are what a gateway sends", async () => {
  const server = createServer({ allowHalfOpen: true }).listen(0, "127.0.0.1");
  await once(server, "listening");
  const address = `127.0.0.1:${(server.address() as AddressInfo).port}`;
  const target = new TargetPart(server);
  await using gateway = await startGateway({ server: address, options: ["--target", `mail=tcp://${address}`] });
  const page = new WebSocket(`ws://${gateway.address}/ws`, subprotocol, { origin: `http://${gateway.address}` });
  const frames = on(page, "message", { close: ["close"] }) as AsyncIterator<[Buffer, boolean]>;
  await once(page, "open");
  const lines = [...exampleUnder("An example: an exchange"), ...exampleUnder("An example: a conversation")];
  expect(lines.filter(({ isFromPage }) => isFromPage).length).toBeGreaterThanOrEqual(5);
  for (const line of lines) {
    if (line.isFromPage) {
      if (/"type":"(?:request|connect)"/.test(String(line.frame))) target.expectConnection();
      page.send(line.frame);
      continue;
    }
    await target.play(line);
    const { value, done } = await frames.next();
    if (done) throw new Error(`the WebSocket was closed before ${line.text}`);
    const [data, isBinary] = value;
    expect({ line: line.text, frame: normalize(isBinary ? data : data.toString()) }).toEqual({
      line: line.text,
      frame: normalize(line.frame),
    });
  }
  expect(target.received).toBe("brick 2 -1\nEHLO wirebook.example\r\nQUIT\r\n");
  page.terminate();
  server.close();
});

test("the times of the examples follow one another", () => {
  for (const heading of ["An example: an exchange", "An example: a conversation"]) {
    const frames = exampleUnder(heading).filter(({ isFromPage }) => !isFromPage);
    const times = frames.flatMap(({ frame }) => (typeof frame === "string" ? [] : [decode(frame).atMs]));
    expect(times.length).toBeGreaterThan(2);
    expect(times).toEqual(times.toSorted((one, other) => one - other));
  }
});

test("the header has the fields of the table, in order", () => {
  const rows = [...document.matchAll(/^\| (\d+) +\| (\w+) +\| (\w+) +\|/gm)];
  expect(rows.map(([, offset, type, field]) => `${offset} ${type} ${field}`)).toEqual([
    "0 u8 kind",
    "1 u8 flags",
    "2 u16 queued",
    "4 u32 id",
    "8 f64 time",
  ]);
  const header = {
    kind: "fin",
    leg: "client",
    isFromTarget: true,
    isAfterGap: true,
    queuedKiB: 2,
    id: 4,
    atMs: 1,
  } as const;
  const frame = encodeByteFrame(header, new Uint8Array(0), (length) => new Uint8Array(length));
  const view = new DataView(frame.buffer, frame.byteOffset, frame.length);
  const read = { u8: "getUint8", u16: "getUint16", u32: "getUint32", f64: "getFloat64" } as const;
  const values = rows.map(([, offset, type]) => view[read[type as keyof typeof read]](Number(offset)));
  expect(values).toEqual([3, 0b111, 2, 4, 1]);
});
