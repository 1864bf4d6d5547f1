import { describe, expect, test } from "vitest";
import { decodeNatsAddress, hasNatsSecret, isNatsAddress } from "../src/address.ts";
import { isAtLeast } from "../src/connect.ts";

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

  test("may be a list of servers as NATS writes it", () => {
    expect(decodeNatsAddress("nats://u:p@a:1,nats://u:p@b:2,nats://c/log")).toMatchObject({
      servers: ["a:1", "b:2", "c"],
      user: "u",
      password: "p",
      shown: "nats://a:1,b:2,c/log",
    });
  });

  test("keeps its password to itself", () => {
    const address = decodeNatsAddress("nats://brick:s%40cret@a/log");
    expect(address).toMatchObject({ user: "brick", password: "s@cret", shown: "nats://a/log" });
    expect(decodeNatsAddress("nats://brick:s3:cret@a")).toMatchObject({ user: "brick", password: "s3:cret" });
    expect(decodeNatsAddress("nats://brick:s3cret?more@a/log")).toMatchObject({
      password: "s3cret?more",
      history: "log",
    });
    expect(decodeNatsAddress("nats://brick@a")).toMatchObject({ user: "brick", password: undefined });
  });

  test.each([
    ["nats://brick:s3cret@a/no name", "letters, digits"],
    ["nats://brick:s3cret/more@a/log", "%2F"],
    ["nats://brick:x@s3cret@a/log", "%40"],
    ["nats://brick:x@a,nats://brick:s3cret@b", "write it once"],
  ])("refuses %s in a sentence without the password", (text, why) => {
    const sentence = refusalOf(text);
    expect(sentence).toContain(why);
    expect(sentence).not.toContain("s3cret");
  });

  test("tells whether there is a secret in it", () => {
    expect(hasNatsSecret("nats://brick:s3cret@a", false)).toBe(true);
    expect(hasNatsSecret("nats://t0ken@a", false)).toBe(true);
    expect(hasNatsSecret("nats://brick@a", true)).toBe(false);
    expect(hasNatsSecret("nats://a", false)).toBe(false);
    expect(hasNatsSecret("history.txt", false)).toBe(false);
    expect(hasNatsSecret("nats://brick:s3cret@a/no name", true)).toBe(true);
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

function refusalOf(text: string): string {
  try {
    return `${decodeNatsAddress(text).shown} was taken`;
  } catch (error) {
    return (error as Error).message;
  }
}

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
