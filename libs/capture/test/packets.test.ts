import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { StreamRecord } from "@wirebook/protocol";
import { Capture, segmentBytesMax, StreamCapture } from "../src/index.ts";
import { captureFile, expertFindings, follow, hasTshark, tshark, tsharkTestMs } from "./tshark.ts";

const four = { client: { address: "127.0.0.1", port: 40_112 }, server: { address: "127.0.0.1", port: 5007 } };
const six = { client: { address: "::1", port: 40_112 }, server: { address: "::1", port: 5007 } };
const startMs = 1_795_379_465_123.456;

/** A capture in memory. */
function record(bytesMax?: number): { capture: Capture; blocks: Uint8Array[] } {
  const blocks: Uint8Array[] = [];
  const sink = { write: (block: Uint8Array) => blocks.push(block) > 0 };
  return { capture: new Capture(sink, "wirebook test", bytesMax), blocks };
}

/** A connection that is told to a capture. Times are milliseconds since 1970. */
class Connection {
  readonly #record = new StreamRecord({ firstEventsKept: 0, lastEventsKept: 1, bytesKept: Infinity });
  readonly #captured: StreamCapture;

  constructor(capture: Capture, { client, server }: typeof four, connectingMs = startMs, establishedMs = connectingMs) {
    this.#captured = new StreamCapture(capture, { originMs: 0, transport: "tcp", hasKeys: false });
    this.#record.local = client;
    this.#record.remote = server;
    this.#record.mark("connecting", connectingMs);
    this.#record.mark("established", establishedMs);
    this.#captured.open(this.#record);
  }

  wrote(atMs: number, bytes: Uint8Array): void {
    this.#record.sending(bytes);
    this.#record.wrote(bytes.length, atMs);
    this.#captured.note(this.#record);
  }

  read(atMs: number, bytes: Uint8Array | number): void {
    this.#record.read(bytes, atMs);
    this.#captured.note(this.#record);
  }

  ended(kind: "fin" | "rst", side: "client" | "server", atMs: number): void {
    this.#record.ended(kind, side === "server", atMs);
    this.#captured.note(this.#record);
  }
}

interface Talk {
  readonly from: "client" | "server";
  readonly bytes: Uint8Array;
}

/** A whole connection in which these are said, each a millisecond after the one before. */
function talkAll(talks: readonly Talk[], ends = four): Uint8Array[] {
  const { capture, blocks } = record();
  const conversation = new Connection(capture, ends, startMs, startMs + 0.25);
  for (const [index, { from, bytes }] of talks.entries()) {
    const atMs = startMs + 1 + index;
    if (from === "client") conversation.wrote(atMs, bytes);
    else conversation.read(atMs, bytes);
  }
  conversation.ended("fin", "server", startMs + 1 + talks.length);
  conversation.ended("fin", "client", startMs + 2 + talks.length);
  return blocks;
}

/** The same ends, the client on a port of its own. */
const onPort = ({ client, server }: typeof four, index: number): typeof four => ({
  client: { ...client, port: 20_000 + index },
  server,
});

const bytesOf = (talks: readonly Talk[], side: Talk["from"]): Buffer =>
  Buffer.concat(talks.filter(({ from }) => from === side).map(({ bytes }) => bytes));

const payload = fc.uint8Array({ minLength: 1, maxLength: 300 });
const talk: fc.Arbitrary<Talk> = fc.record({ from: fc.constantFrom("client", "server"), bytes: payload });

describe.skipIf(!hasTshark)("the packets of a connection, as tshark reads them", { timeout: tsharkTestMs }, () => {
  test("hold any payload in its order, for IPv4 and IPv6, and nothing worth a note", async () => {
    const talks = fc.array(talk, { maxLength: 12 });
    await fc.assert(
      fc.asyncProperty(fc.array(talks, { minLength: 20, maxLength: 20 }), async (connections) => {
        const blocks = connections.flatMap((said, index) => talkAll(said, onPort(index % 2 === 0 ? four : six, index)));
        await using file = await captureFile(blocks);
        const rows = await tshark(
          file.path,
          "-Y",
          "tcp.len > 0",
          "-T",
          "fields",
          "-e",
          "tcp.stream",
          "-e",
          "tcp.srcport",
          "-e",
          "tcp.payload",
        );
        const expected = connections.flatMap((said, index) =>
          said.map(({ from, bytes }) =>
            [index, from === "client" ? 20_000 + index : 5007, Buffer.from(bytes).toString("hex")].join("\t"),
          ),
        );
        expect(rows).toEqual(expected);
        expect(await expertFindings(file.path)).toEqual([]);
        const [first = []] = connections;
        const followed = await follow(file.path, 0);
        expect(followed.client).toEqual(bytesOf(first, "client"));
        expect(followed.server).toEqual(bytesOf(first, "server"));
        const sides = first.map(({ from }) => from);
        expect(followed.turns).toEqual(sides.filter((side, at) => side !== sides[at - 1]));
      }),
      { numRuns: 3 },
    );
  });

  test("split a read that is longer than a segment, and push with the last one", async () => {
    const bytes = new Uint8Array(2 * segmentBytesMax + 10).fill(0x61);
    for (const ends of [four, six]) {
      await using file = await captureFile(talkAll([{ from: "server", bytes }], ends));
      const rows = await tshark(
        file.path,
        "-Y",
        "tcp.len > 0",
        "-T",
        "fields",
        "-e",
        "tcp.len",
        "-e",
        "tcp.flags.push",
      );
      expect(rows).toEqual([`${segmentBytesMax}\t0`, `${segmentBytesMax}\t0`, "10\t1"]);
      expect((await follow(file.path)).server).toEqual(Buffer.from(bytes));
      expect(await expertFindings(file.path)).toEqual([]);
    }
  });

  test("have right checksums, a handshake, both FINs, and their times to the microsecond", async () => {
    await using file = await captureFile(talkAll([{ from: "client", bytes: Buffer.from("brick 2\n") }]));
    const fields = ["frame.time_epoch", "tcp.flags.str", "ip.checksum.status", "tcp.checksum.status", "tcp.len"];
    const rows = await tshark(file.path, "-T", "fields", ...fields.flatMap((field) => ["-e", field]));
    expect(rows.map((row) => row.split("\t"))).toEqual([
      ["1795379465.123456000", "··········S·", "1", "1", "0"],
      ["1795379465.123706000", "·······A··S·", "1", "1", "0"],
      ["1795379465.123706000", "·······A····", "1", "1", "0"],
      ["1795379465.124456000", "·······AP···", "1", "1", "8"],
      ["1795379465.124456000", "·······A····", "1", "1", "0"],
      ["1795379465.125456000", "·······A···F", "1", "1", "0"],
      ["1795379465.125456000", "·······A····", "1", "1", "0"],
      ["1795379465.126456000", "·······A···F", "1", "1", "0"],
      ["1795379465.126456000", "·······A····", "1", "1", "0"],
    ]);
  });

  test("say that they were synthesised, and by whom", async () => {
    await using file = await captureFile(talkAll([]));
    const [comment] = await tshark(file.path, "-Y", "frame.number == 1", "-T", "fields", "-e", "frame.comment");
    expect(comment).toMatch(/^Synthesised from the record of a stream, not captured/);
    const details = await tshark(file.path, "-Y", "frame.number == 1", "-V");
    expect(details.join("\n")).toContain("Raw packet data");
  });

  test("leave a gap for bytes that were not kept", async () => {
    const { capture, blocks } = record();
    const conversation = new Connection(capture, four);
    conversation.read(startMs + 1, Buffer.from("head"));
    conversation.read(startMs + 1, 1000);
    conversation.read(startMs + 2, Buffer.from("tail"));
    await using file = await captureFile(blocks);
    expect((await expertFindings(file.path)).join()).toContain("segment(s) not captured");
    const [sequence] = await tshark(file.path, "-Y", 'tcp.payload contains "tail"', "-T", "fields", "-e", "tcp.seq");
    expect(sequence).toBe("1005");
  });

  test("end with an RST from the side that broke off", async () => {
    for (const [side, port] of [
      ["client", "40112"],
      ["server", "5007"],
    ] as const) {
      const { capture, blocks } = record();
      new Connection(capture, four).ended("rst", side, startMs + 1);
      await using file = await captureFile(blocks);
      const rows = await tshark(file.path, "-Y", "tcp.flags.reset == 1", "-T", "fields", "-e", "tcp.srcport");
      expect(rows).toEqual([port]);
    }
  });

  test("keep two connections between the same ports apart", async () => {
    const { capture, blocks } = record();
    for (const [index, said] of ["first", "second"].entries()) {
      const conversation = new Connection(capture, four, startMs + index * 10);
      conversation.wrote(startMs + index * 10 + 1, Buffer.from(said));
      conversation.ended("fin", "server", startMs + index * 10 + 2);
      conversation.ended("fin", "client", startMs + index * 10 + 2);
    }
    await using file = await captureFile(blocks);
    expect((await follow(file.path, 0)).client.toString()).toBe("first");
    expect((await follow(file.path, 1)).client.toString()).toBe("second");
  });
});

const endsTo = (address: string) => ({ client: four.client, server: { address, port: 5007 } });

const packetsTo = (address: string): number => {
  const { capture, blocks } = record();
  new Connection(capture, endsTo(address)).wrote(startMs + 1, Buffer.from("x"));
  return blocks.length - 2; // The head has two.
};

describe("a connection", () => {
  test("of mixed addresses, or none, has no packets", () => {
    expect(["::1", "localhost", "::ffff:10.0.0.1"].map(packetsTo)).toEqual([0, 0, 5]);
  });
});

describe("a capture", () => {
  test("stays within its bound, whole blocks only, and counts what it left out", () => {
    const probe = record();
    const headBytes = probe.capture.bytes;
    const { capture, blocks } = record(headBytes + 1000);
    const conversation = new Connection(capture, four);
    expect(capture.isFull).toBe(false);
    conversation.wrote(startMs, new Uint8Array(1000));
    conversation.wrote(startMs, new Uint8Array(1));
    expect(capture.isFull).toBe(true);
    expect(capture.lostPackets).toBe(4);
    expect(capture.bytes).toBe(Buffer.concat(blocks).length);
    expect(capture.bytes).toBeLessThanOrEqual(headBytes + 1000);
  });

  test("counts the packets that its sink does not take, and goes on", () => {
    let isBusy = false;
    const capture = new Capture({ write: () => !isBusy }, "wirebook test");
    isBusy = true;
    const conversation = new Connection(capture, four);
    isBusy = false;
    conversation.wrote(startMs, Buffer.from("x"));
    expect(capture.lostPackets).toBe(3);
    expect(capture.isFull).toBe(false);
  });
});
