import { expect, test } from "vitest";
import type { AnnouncedTarget } from "@wirebook/protocol";
import { defaultTarget, describeTarget } from "../src/gateway/targets.ts";
import type { Hello } from "../src/gateway/connection.svelte.ts";

const redis: AnnouncedTarget = { name: "redis", transport: "tcp", address: "127.0.0.1:6379", proxyHeaderBytes: 0 };
const wirebook: AnnouncedTarget = {
  name: "wirebook",
  transport: "tls",
  address: "log.example:5007",
  proxyHeaderBytes: 0,
};
const local: AnnouncedTarget = { name: "db", transport: "unix", proxyHeaderBytes: 0 };

function hello(...targets: AnnouncedTarget[]): Hello {
  const limits = { streamsMax: 1, connectionsMax: 1 };
  const watching = { listening: [], mayWatch: false };
  const user = { user: null, role: "operator" } as const;
  return {
    type: "hello",
    version: "0",
    timeOrigin: 0,
    targets,
    lessons: [],
    ...limits,
    socket: 1,
    ...user,
    ...watching,
  };
}

test("lines go to the server wherever it is listed, else to the first target", () => {
  expect(defaultTarget(hello(redis, wirebook))).toBe(wirebook);
  expect(defaultTarget(hello(redis, local))).toBe(redis);
  expect(defaultTarget(undefined).name).toBe("wirebook");
});

test("a target is shown with how it is reached, a local socket without its path", () => {
  expect([redis, wirebook, local].map(describeTarget)).toEqual([
    "redis, TCP 127.0.0.1:6379",
    "wirebook, TLS log.example:5007",
    "db, Unix socket",
  ]);
});
