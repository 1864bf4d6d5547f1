import { Writable } from "node:stream";
import fc from "fast-check";
import * as ws from "ws";
import { expect, test } from "vitest";
import { decodeBytes } from "@wirebook/protocol";
import { FrameBatch } from "../src/websocket/frame-batch.ts";
import { batchBytesMax, copiedBytesMax } from "../src/limits.ts";

/** The reader of frames that `ws` has, which its types leave out. */
const { Receiver } = ws as unknown as { Receiver: new (options: { isServer: boolean }) => Writable };

/** Lengths on both sides of every border that the code knows. */
const borders = [0, 1, 121, 122, 125, 126, copiedBytesMax, copiedBytesMax + 1, 0xfffb, 0xfffc, 0xffff, 0x10000];
const length = fc.oneof(fc.constantFrom(...borders, batchBytesMax + 1), fc.nat(300));
const shape = fc.record({ isText: fc.boolean(), length });

/** A wire that takes each write at once, or only when it is told to. */
class Wire extends Writable {
  readonly pieces: Buffer[] = [];
  take: (() => void) | undefined;

  constructor(isSlow = false) {
    const took = (done: () => void): void => {
      if (isSlow) this.take = done;
      else done();
    };
    super({
      highWaterMark: 1 << 24,
      write: (piece: Buffer, _, done) => {
        this.pieces.push(piece);
        took(done);
      },
      writev: (chunks, done) => {
        for (const { chunk } of chunks) this.pieces.push(chunk as Buffer);
        took(done);
      },
    });
  }
}

/** The messages that another's reader finds in the bytes. */
async function read(bytes: Buffer, count: number): Promise<(string | Uint8Array)[]> {
  const receiver = new Receiver({ isServer: false });
  const messages: (string | Uint8Array)[] = [];
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  receiver.on("error", reject);
  receiver.on("message", (data: Buffer, isBinary: boolean) => {
    messages.push(isBinary ? Uint8Array.from(decodeBytes(data)?.bytes ?? []) : data.toString());
    if (messages.length === count) resolve();
  });
  receiver.end(bytes);
  if (count > 0) await promise;
  return messages;
}

function write(wire: Writable, payloads: readonly (string | Uint8Array)[]): number {
  const batch = new FrameBatch();
  for (const [id, each] of payloads.entries()) {
    if (typeof each === "string") batch.addText(each);
    else batch.addBytes(id, each);
  }
  const { bytes } = batch;
  batch.writeTo(wire, () => {});
  expect(batch.bytes).toBe(0);
  return bytes;
}

test("writes frames that another reads, and says how many bytes they are", async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(shape, { maxLength: 12 }), async (shapes) => {
      const payloads = shapes.map(({ isText, length: n }) => (isText ? "é".repeat(n) : new Uint8Array(n).fill(n)));
      const wire = new Wire();
      const bytes = write(
        wire,
        payloads.map((each) => (typeof each === "string" ? each : each.slice())),
      );
      const written = Buffer.concat(wire.pieces);
      expect(written.length).toBe(bytes);
      expect(await read(written, payloads.length)).toEqual(payloads);
    }),
    { numRuns: 100 },
  );
});

test("leaves alone what the kernel has not taken, whatever is written elsewhere meanwhile", async () => {
  const slow = new Wire(true);
  write(slow, ["first", "second"]);
  write(slow, ["third"]);
  const quick = new Wire();
  write(quick, ["something else", "of another page"]);
  expect(await read(Buffer.concat(quick.pieces), 2)).toEqual(["something else", "of another page"]);
  slow.take?.();
  expect(await read(Buffer.concat(slow.pieces), 3)).toEqual(["first", "second", "third"]);
});

test("gives the memory of a large chunk back once the kernel has taken it, and no memory that others have a part in", async () => {
  const large = new Uint8Array(copiedBytesMax + 1).fill(1);
  const part = new Uint8Array(2 * copiedBytesMax).fill(2).subarray(0, copiedBytesMax + 1);
  const wire = new Wire(true);
  write(wire, [large, part]);
  expect(large.length).toBe(copiedBytesMax + 1);
  wire.take?.();
  await expect.poll(() => large.buffer.byteLength).toBe(0);
  expect(part.every((byte) => byte === 2) && part.length === copiedBytesMax + 1).toBe(true);
});
