import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { decodeAddress, encodeAddress, isLoopback, networkOf, normalizeAddress } from "../src/addresses.ts";

const four = fc.ipV4();
const six = fc.uint8Array({ minLength: 16, maxLength: 16 }).map(decodeAddress);

describe("an address", () => {
  test("is written in the one way that URLs write it, too", () => {
    fc.assert(
      fc.property(
        fc.oneof(
          fc.ipV6(),
          six.filter((text) => text.includes(":")),
        ),
        (text) => {
          const bytes = encodeAddress(text) as Uint8Array;
          if (bytes.length === 4) return;
          expect(`[${decodeAddress(bytes)}]`).toBe(new URL(`http://[${text}]`).hostname);
        },
      ),
    );
  });

  test("is the same after a way through bytes", () => {
    fc.assert(
      fc.property(fc.oneof(four, six), (text) => {
        expect(decodeAddress(encodeAddress(text) as Uint8Array)).toBe(text);
      }),
    );
  });

  test.each([
    ["::", "::"],
    ["::1", "::1"],
    ["2001:DB8:0:0:1:0:0:1", "2001:db8::1:0:0:1"],
    ["1:0:2:3:4:5:6:7", "1:0:2:3:4:5:6:7"],
    ["fe80::1%eth0", "fe80::1"],
    ["::ffff:192.0.2.1", "192.0.2.1"],
    ["64:ff9b::192.0.2.33", "64:ff9b::c000:221"],
  ])("%s is %s", (text, plain) => {
    expect(decodeAddress(encodeAddress(text) as Uint8Array)).toBe(plain);
  });

  test.each(["", "localhost", "1.2.3", "1.2.3.4.5", "256.1.1.1", "01.2.3.4", ":", ":::", "1::2::3", "::12345", "1:2"])(
    "is not %j",
    (text) => {
      expect(encodeAddress(text)).toBeUndefined();
    },
  );
});

describe("the normal form", () => {
  test.each([
    ["127.0.0.1", "127.0.0.1"],
    ["::ffff:127.0.0.1", "127.0.0.1"],
    ["::ffff:7f00:1", "127.0.0.1"],
    ["2001:DB8:0::1", "2001:db8::1"],
    ["fe80::1%eth0", "fe80::1"],
    ["127.1", undefined],
    ["unknown", undefined],
    ["", undefined],
  ])("of %j is %j", (text, normal) => {
    expect(normalizeAddress(text)).toBe(normal);
  });
});

describe("the network", () => {
  test.each([
    ["192.0.2.1", "192.0.2.1"],
    ["::ffff:192.0.2.1", "192.0.2.1"],
    ["::1", "::/64"],
    ["2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"],
    ["2001:db8::1", "2001:db8::/64"],
    ["2001:db8:1:2::", "2001:db8:1:2::/64"],
    ["fe80::1%eth0", "fe80::/64"],
    ["unknown", "unknown"],
  ])("of %s is %s", (address, network) => {
    expect(networkOf(address)).toBe(network);
  });
});

test("knows loopback in each of its spellings", () => {
  const own = [
    "127.0.0.1",
    "127.9.9.9",
    "::1",
    "0:0:0:0:0:0:0:1",
    "::1%lo",
    "::ffff:127.0.0.1",
    "localhost",
    "LocalHost",
  ];
  expect(own.filter((host) => !isLoopback(host))).toEqual([]);
  const others = ["::", "0.0.0.0", "192.0.2.7", "fe80::1%lo", "::ffff:192.0.2.7", "127.evil.example", "[::1]", ""];
  expect(others.filter((host) => isLoopback(host))).toEqual([]);
});
