import { describe, expect, test } from "vitest";
import { limitsDefault, limitsWithin } from "../src/limits.ts";
import { findAddress } from "../src/server.ts";
import { nameOf } from "./server-fixture.ts";

describe("the limits", () => {
  test("leave most connections to those who hold no wrong key", () => {
    for (const descriptors of [64, 1024, Infinity]) {
      const { connectionsMax, guessesHeldMax } = limitsWithin(descriptors);
      expect(guessesHeldMax).toBeLessThanOrEqual(Math.ceil(connectionsMax / 8));
    }
  });

  test("are the defaults where descriptors abound", () => {
    expect(limitsWithin(Infinity)).toEqual(limitsDefault);
    expect(limitsWithin(1_048_576)).toEqual(limitsDefault);
  });

  test.each([64, 128, 256, 1024, 2048])("need no more than %s descriptors where there are so many", (descriptors) => {
    const { connectionsMax, connectionsPerAddressMax, refusalsMax, followersMax } = limitsWithin(descriptors);
    expect(connectionsMax * 2 + refusalsMax).toBeLessThanOrEqual(descriptors - 40);
    expect(connectionsMax).toBeGreaterThanOrEqual(2);
    expect(followersMax).toBeLessThanOrEqual(connectionsMax / 2);
    expect(connectionsPerAddressMax).toBeLessThanOrEqual(Math.ceil(connectionsMax / 2));
  });
});

describe("a host to listen on", () => {
  test.each([
    ["127.0.0.1", "127.0.0.1"],
    ["127.1.2.3", "127.1.2.3"],
    ["::1", "::1"],
    ["localhost", "127.0.0.1"],
  ])("may be %s", async (host, address) => {
    expect(await findAddress(host, false, nameOf)).toBe(address);
  });

  test.each(["0.0.0.0", "::", "10.0.0.1", "::ffff:10.0.0.1", "fe80::1"])("may not be %s", async (host) => {
    await expect(findAddress(host, false, nameOf)).rejects.toThrow(`--host is ${host}, which other machines can reach`);
  });

  test.each(["0.0.0.0", "::", "10.0.0.1"])("may be %s where that is meant", async (host) => {
    expect(await findAddress(host, true, nameOf)).toBe(host);
  });

  test("must be one that can be found", async () => {
    await expect(findAddress("nowhere.invalid", true, nameOf)).rejects.toThrow(
      "--host is nowhere.invalid, which is not an address",
    );
  });
});
