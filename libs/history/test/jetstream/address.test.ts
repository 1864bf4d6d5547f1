import { describe, expect, test } from "vitest";
import { decodeNatsAddress, isNatsAddress } from "../../src/jetstream/address.ts";
import { isAtLeast } from "../../src/jetstream/cluster.ts";

describe("the address of a history on NATS", () => {
  test("names its servers, the history and how often each line is kept", () => {
    expect(decodeNatsAddress("nats://a,b:4223,[::1]:4224/log-1")).toMatchObject({
      servers: ["a", "b:4223", "[::1]:4224"],
      history: "log-1",
      replicas: 3,
      isTls: false,
      shown: "nats://a,b:4223,[::1]:4224/log-1",
    });
    expect(decodeNatsAddress("tls://a")).toMatchObject({ history: "wirebook", replicas: 1, isTls: true });
    expect(decodeNatsAddress("nats://a,b/?replicas=1")).toMatchObject({ history: "wirebook", replicas: 1 });
  });

  test("keeps its password to itself", () => {
    const address = decodeNatsAddress("nats://brick:s%40cret@a/log");
    expect(address).toMatchObject({ user: "brick", password: "s@cret", shown: "nats://a/log" });
    expect(() => decodeNatsAddress("nats://brick:s3cret@a/no name")).toThrow(
      expect.not.objectContaining({ message: expect.stringContaining("s3cret") as string }) as Error,
    );
  });

  test.each([
    ["nats://", "it must read"],
    ["nats://a,,b", '""'],
    ["nats://a b", "HOST"],
    ["nats://a/x.y", "letters, digits"],
    ["nats://a/x?replicas=2", "1, 3 or 5"],
    ["nats://a/x?copies=3", "copies"],
    ["nats://br%ick@a", "percent"],
  ])("refuses %s and says why", (text, why) => {
    expect(() => decodeNatsAddress(text)).toThrow(why);
  });

  test("is told from the path of a file", () => {
    expect(isNatsAddress("nats://a")).toBe(true);
    expect(isNatsAddress("tls://a")).toBe(true);
    expect(isNatsAddress("history.txt")).toBe(false);
    expect(isNatsAddress("./nats:/a")).toBe(false);
  });
});

test.each([
  ["2.10.27", true],
  ["2.10.28-RC.1", true],
  ["2.11.0", true],
  ["3.0.0", true],
  ["2.10.26", false],
  ["2.9.10", false],
  ["unknown", false],
])("of nats-server %s it is %s that it is trusted", (version, isTrusted) => {
  expect(isAtLeast(version, "2.10.27")).toBe(isTrusted);
});
