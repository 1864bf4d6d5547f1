import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { decodeAddress } from "../src/addresses.ts";
import { encodeProxyHeader, proxyHeaderBytesMax, readProxyHeader } from "../src/proxy-header.ts";

const four = fc.ipV4();
const port = fc.integer({ min: 0, max: 65_535 });
const six = fc.uint8Array({ minLength: 16, maxLength: 16 }).map(decodeAddress);
const pair = (address: fc.Arbitrary<string>) => fc.record({ address, port });
const connection = fc.oneof(
  fc.record({ source: pair(four), destination: pair(four) }),
  fc.record({ source: pair(six), destination: pair(six) }),
  fc.record({ source: pair(four), destination: pair(six) }),
);

/** The example of HAProxy's specification, written out by hand: 192.0.2.1:56324 to 198.51.100.7:443. */
const known = "0d0a0d0a000d0a515549540a2111000cc0000201c6336407dc0401bb";
const knownConnection = {
  source: { address: "192.0.2.1", port: 56_324 },
  destination: { address: "198.51.100.7", port: 443 },
};

/** A header with its 13th byte, its family and its block as given. */
function header(
  versionAndCommand: number,
  family: number,
  block: readonly number[],
  length = block.length,
): Uint8Array {
  const signature = Buffer.from(known, "hex").subarray(0, 12);
  return Uint8Array.of(...signature, versionAndCommand, family, length >> 8, length & 0xff, ...block);
}

describe("a PROXY header", () => {
  test("is as the specification has it, byte for byte", () => {
    expect(Buffer.from(encodeProxyHeader(knownConnection)).toString("hex")).toBe(known);
    expect(Buffer.from(encodeProxyHeader()).toString("hex")).toBe("0d0a0d0a000d0a515549540a20000000");
    const overSix = { source: { address: "2001:db8::1", port: 1 }, destination: { address: "::1", port: 2 } };
    expect(Buffer.from(encodeProxyHeader(overSix)).toString("hex")).toBe(
      `0d0a0d0a000d0a515549540a2121002420010db8${"0".repeat(23)}1${"0".repeat(31)}100010002`,
    );
  });

  test("is read as it was written, whatever follows it", () => {
    fc.assert(
      fc.property(connection, fc.uint8Array(), (whole, rest) => {
        const bytes = encodeProxyHeader(whole);
        const reading = readProxyHeader(Uint8Array.of(...bytes, ...rest));
        expect(reading).toEqual({ state: "whole", length: bytes.length, connection: whole });
      }),
    );
  });

  test("is incomplete up to its last byte, wherever it is cut", () => {
    fc.assert(
      fc.property(connection, (whole) => {
        const bytes = encodeProxyHeader(whole);
        for (let cut = 0; cut < bytes.length; cut++) {
          expect(readProxyHeader(bytes.subarray(0, cut))).toEqual({ state: "incomplete" });
        }
      }),
    );
  });

  test("never makes the reader throw, nor claim more bytes than there are", () => {
    const anything = fc.oneof(
      fc.uint8Array({ maxLength: 64 }),
      fc.tuple(fc.nat(255), fc.nat(255), fc.array(fc.nat(255), { maxLength: 60 })).map((parts) => header(...parts)),
    );
    fc.assert(
      fc.property(anything, (bytes) => {
        const reading = readProxyHeader(bytes);
        if (reading.state === "whole") expect(reading.length).toBeLessThanOrEqual(bytes.length);
      }),
    );
  });

  test("may say nothing of addresses, and then none are believed", () => {
    const silent = { state: "whole", connection: undefined };
    expect(readProxyHeader(encodeProxyHeader())).toEqual({ ...silent, length: 16 });
    expect(readProxyHeader(header(0x21, 0x00, [1, 2, 3]))).toEqual({ ...silent, length: 19 });
    const block = [...Buffer.from(known, "hex").subarray(16)];
    expect(readProxyHeader(header(0x20, 0x11, block))).toEqual({ ...silent, length: 28 });
  });

  test("may carry extensions, which are skipped up to the limit and no further", () => {
    const block = [...Buffer.from(known, "hex").subarray(16), 0x04, 0x00, 0x01, 0x00];
    expect(readProxyHeader(header(0x21, 0x11, block))).toEqual({
      state: "whole",
      length: 32,
      connection: knownConnection,
    });
    const room = proxyHeaderBytesMax - 16;
    expect(readProxyHeader(header(0x21, 0x11, [], room))).toEqual({ state: "incomplete" });
    expect(readProxyHeader(header(0x21, 0x11, [], room + 1))).toMatchObject({ state: "invalid" });
  });

  test.each([
    ["a message", Buffer.from("brick 2\n"), "has none"],
    ["version 1", Buffer.from("PROXY TCP4 192.0.2.1 198.51.100.7 56324 443\r\n"), "has none"],
    ["version 3", header(0x31, 0x11, [], 12), "version and command are 0x31"],
    ["an unknown command", header(0x22, 0x11, [], 12), "version and command are 0x22"],
    ["a Unix socket", header(0x21, 0x31, [], 216), "family is 0x31"],
    ["UDP", header(0x21, 0x12, [], 12), "family is 0x12"],
    ["no room for its addresses", header(0x21, 0x21, [], 35), "too short"],
  ])("is not %s", (_name, bytes, words) => {
    expect(readProxyHeader(bytes)).toEqual({ state: "invalid", problem: expect.stringContaining(words) as string });
  });

  test("is not made for a host name", () => {
    const named = { address: "localhost", port: 1 };
    expect(() => encodeProxyHeader({ source: named, destination: named })).toThrow('"localhost" is no IP address');
  });
});
