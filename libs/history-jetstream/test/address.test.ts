import { describe, expect, test } from "vitest";
import { decodeNatsAddress, hasNatsSecret, isNatsAddress } from "../src/address.ts";
import type { NatsConnection } from "@nats-io/transport-node";
import { assertTrusted } from "../src/cluster.ts";

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
    "nats://brick:s3cret@a/no name",
    "nats://brick:s3cret/more@a/log",
    "nats://brick:x@s3cret@a/log",
    "nats://brick:x@a,nats://brick:s3cret@b",
  ])("refuses %s in a sentence without the password", (text) => {
    const sentence = refusalOf(text);
    expect(sentence).toContain("write %2F, %40 and %25 for / @ % in a password");
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
    "nats://",
    "nats://a,,b",
    "nats://a b",
    "nats://a/x.y",
    "nats://a/x?replicas=2",
    "nats://a/x?copies=3",
    "nats://br%ick@a",
  ])("refuses %s and says what is wanted", (text) => {
    expect(() => decodeNatsAddress(text)).toThrow("it must read nats://[USER[:PASSWORD]@]HOST[:PORT]");
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
  const check = (): void => assertTrusted({ info: { version } } as NatsConnection);
  if (isTrusted) check();
  else expect(check).toThrow(`nats-server ${version} may lose acknowledged lines`);
});
