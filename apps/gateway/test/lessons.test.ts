/** The services of lessons: what each does, for how long it listens, within which bounds, and for whom [G-17]. */

import { createHash } from "node:crypto";
import { once } from "node:events";
import { connect } from "node:net";
import type { Socket } from "node:net";
import { expect, test } from "vitest";
import { WebSocket } from "ws";
import type { Target } from "@wirebook/net";
import type { PageClient, PageStream } from "../../../test-support/page-client.ts";
import { readConfig } from "../src/config.ts";
import { lessonServices } from "../src/lessons/services.ts";
import { basic, ada, openPasswordGateway } from "./auth-fixture.ts";
import { openEcho, openGateway, openPage, refusedPage } from "./gateway-fixture.ts";
import type { GatewayOptions } from "./gateway-fixture.ts";

const names = Object.keys(lessonServices);

/** A gateway with lessons, and nothing else that a page could reach. */
function openLessons(options: GatewayOptions = {}) {
  const targets: Target[] = [];
  return openGateway(targets, { ...options, config: { lessons: true, relay: true, ...options.config } });
}

/** Ports on which this process listens. */
function listenerCount(): number {
  return process.getActiveResourcesInfo().filter((resource) => resource === "TCPServerWrap").length;
}

/** `connected`, or the code with which a connection to the port fails. */
async function tryPort(port: number, host = "127.0.0.1"): Promise<string> {
  const socket = connect({ host, port });
  try {
    await once(socket, "connect");
    return "connected";
  } catch (error) {
    return (error as NodeJS.ErrnoException).code ?? "";
  } finally {
    socket.destroy();
  }
}

/** Another program of this machine, which has found the port of a service. */
async function connectTo(port: number): Promise<Socket> {
  const socket = connect({ host: "127.0.0.1", port });
  socket.on("error", () => undefined); // `close` follows.
  await once(socket, "connect");
  return socket;
}

async function portOf(stream: PageStream): Promise<number> {
  return (await stream.opened).remote?.port ?? 0;
}

function readLessons(...argv: string[]) {
  return readConfig({ argv: ["--lessons", ...argv], env: {} });
}

test("a service listens on loopback from the first stream of a page until its last one is over, and at no other time", async () => {
  await using gateway = await openLessons();
  await using page = await openPage(gateway);
  await using other = await openPage(gateway);
  const { lessons, targets } = await page.frame("hello");
  expect(targets).toEqual([]);
  expect(lessons).toEqual(
    names.map((name) => ({ name, transport: name === "lesson-tls" ? "tls" : "tcp", proxyHeaderBytes: 0 })),
  );
  const before = listenerCount();
  const [first, second] = [page.connect("lesson-echo"), page.connect("lesson-echo")];
  const { remote } = await first.opened;
  expect(remote?.address).toBe("127.0.0.1");
  expect((await second.opened).remote).toEqual(remote);
  expect(listenerCount()).toBe(before + 1);
  const port = remote?.port ?? 0;
  expect(await tryPort(port)).toBe("connected");
  expect(await tryPort(port, "127.0.0.2")).toBe("ECONNREFUSED");

  const theirs = other.connect("lesson-echo");
  expect((await theirs.opened).remote).not.toEqual(remote);
  expect(listenerCount()).toBe(before + 2);
  first.end();
  await first.ended;
  expect(await tryPort(port)).toBe("connected");
  second.cancel();
  await second.ended;
  expect(await tryPort(port)).toBe("ECONNREFUSED");

  // A page that goes takes its services along; so does a stream that is over before anything listened.
  const theirPort = await portOf(theirs);
  const program = await connectTo(theirPort);
  other.socket.terminate();
  await once(program, "close");
  expect(await tryPort(theirPort)).toBe("ECONNREFUSED");
  const late = page.connect("lesson-echo");
  late.cancel();
  await late.ended;
  await page.connect("lesson-echo", { isEnded: true }).ended;
  expect(listenerCount()).toBe(before);
});

test("each service has its habit", async () => {
  await using gateway = await openLessons();
  await using page = await openPage(gateway);
  const ask = (name: string, bytes = "") => page.connect(name, { bytes, isEnded: true }).ended;

  const greeting = "220 lesson-greeter ESMTP, for a lesson: takes no mail\r\n";
  expect(await ask("lesson-greeter")).toMatchObject({ text: greeting, last: { reason: "fin", sentBytes: 0 } });
  const talk = page.connect("lesson-greeter", {}, { answersFin: true });
  await talk.received(greeting.length);
  await talk.send("EHLO wirebook.example\r\nMAIL FROM:<a@b>\r\nquit\r\n");
  expect((await talk.ended).text.split("\r\n").map((line) => line.slice(0, 3))).toEqual([
    "220",
    "250",
    "500",
    "221",
    "",
  ]);

  expect(await ask("lesson-echo", "hello")).toMatchObject({ text: "hello", last: { reason: "fin" } });
  const { open, text } = await ask("lesson-tls", "hello");
  expect(text).toBe("hello");
  expect(open?.tls).toMatchObject({ version: "TLSv1.3", peer: { subject: "CN=lesson-tls.invalid" } });
  expect((await ask("lesson-refused")).last).toMatchObject({ code: "connect-refused", hop: "gateway-server" });

  expect((await ask("lesson-reset", "hello")).last).toMatchObject({ code: "connection-reset", hop: "gateway-server" });

  const streams = [1, 2, 3].map(() => page.connect("lesson-queue", { bytes: "next\n", isEnded: true }));
  const served = await Promise.all(streams.map(({ ended }) => ended));
  expect(served.map(({ text: line }) => line)).toEqual([1, 2, 3].map((number) => `served, as number ${number}\n`));
  const [first, , third] = served.map(({ record: { at } }) => at);
  // Three turns of 300 ms, each a millisecond too short at most.
  expect((third?.firstByte ?? 0) - (first?.connecting ?? 0)).toBeGreaterThan(890);
});

test("a stream that is broken off harms no service and no other stream", async () => {
  await using gateway = await openLessons();
  await using page = await openPage(gateway);
  const held = page.connect("lesson-echo");
  await held.opened;
  const bytes = "EHLO a\r\n";
  const schedule = [
    { afterMs: 0, bytes: bytes.length },
    { afterMs: 0, do: "reset" as const },
  ];
  // The bytes and RST are there at once, so a service that answers the bytes writes to a connection that is gone.
  const streams = [1, 2, 3].flatMap(() => names.map((name) => page.connect(name, { bytes, schedule })));
  await Promise.all(streams.map(({ ended }) => ended));
  await held.send("still there");
  expect(String(await held.received(11))).toBe("still there");
});

test("a service that never reads holds up its page for two seconds, and no longer", async () => {
  await using gateway = await openLessons();
  await using page = await openPage(gateway);
  const whole = 8 * 1024 * 1024;
  const { last, record } = await page.connect("lesson-stalled", { bytes: Buffer.alloc(whole) }).ended;
  expect(last).toMatchObject({ code: "connection-reset", receivedBytes: 0 });
  expect(record.sentBytes).toBeGreaterThan(64 * 1024);
  expect(record.sentBytes).toBeLessThan(whole);
  expect((await page.connect("lesson-echo", { bytes: "after", isEnded: true }).ended).text).toBe("after");
});

const upgrade = [
  "GET / HTTP/1.1",
  "Host: lesson-websocket",
  "Upgrade: websocket",
  "Connection: Upgrade",
  "Sec-WebSocket-Version: 13",
  // The example of RFC 6455, section 1.3.
  "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==",
];

test("a page that encodes the frames itself talks to the WebSocket service; a browser's own WebSocket does not", async () => {
  await using gateway = await openLessons();
  await using page = await openPage(gateway);
  const head = Buffer.from([...upgrade, "", ""].join("\r\n"));
  // The masked Hello of RFC 6455, section 5.7, and a close frame with the code 1000.
  const hello = Buffer.from("818537fa213d7f9f4d5158888237fa213d3412", "hex");
  const { bytes, last } = await page.connect(
    "lesson-websocket",
    { bytes: Buffer.concat([head, hello]) },
    { answersFin: true },
  ).ended;
  const end = bytes.indexOf("\r\n\r\n") + 4;
  const accept = createHash("sha1")
    .update("dGhlIHNhbXBsZSBub25jZQ==258EAFA5-E914-47DA-95CA-C5AB0DC85B11")
    .digest("base64");
  expect(bytes.subarray(0, end).toString()).toContain(accept);
  expect(bytes.subarray(end).toString("hex")).toBe("810548656c6c6f880203e8");
  expect(last).toMatchObject({ reason: "fin" });

  // A client must mask (RFC 6455, section 5.1): 1002 is a protocol error.
  const bare = Buffer.from("810548656c6c6f", "hex");
  const refused = await page.connect("lesson-websocket", { bytes: Buffer.concat([head, bare]) }, { answersFin: true })
    .ended;
  expect(refused.bytes.subarray(end).toString("hex")).toBe("880203ea");

  const held = page.connect("lesson-websocket");
  const own = new WebSocket(`ws://127.0.0.1:${await portOf(held)}`, { origin: "http://evil.example" });
  const [error] = (await once(own, "error")) as [Error];
  expect(error.message).toMatch(/hang up|ECONNRESET/);
});

test("its bounds are kept: services, streams to one, the life of a connection and its bytes", async () => {
  const limits = { lessonServicesMax: 2, lessonStreamsMax: 2, lessonBytesMax: 10, lessonConnectionMs: 60_000 };
  await using gateway = await openLessons({ limits });
  await using page = await openPage(gateway);
  const held = ["lesson-echo", "lesson-echo", "lesson-tls"].map((name) => page.connect(name, {}, { answersFin: true }));
  await Promise.all(held.map(({ opened }) => opened));
  const busy = async (name: string) => (await page.connect(name).ended).last;
  expect(await busy("lesson-echo")).toMatchObject({ code: "busy", message: expect.stringContaining("2 streams to") });
  expect(await busy("lesson-queue")).toMatchObject({ code: "busy", message: expect.stringContaining("2 services") });
  // Nor may others of this machine fill it.
  const program = await connectTo(await portOf(held[0] as PageStream));
  await once(program, "close");
  for (const stream of [held[0], held[2]] as PageStream[]) {
    await stream.send("0123456789");
    await stream.received(10);
    await stream.send("x");
    expect((await stream.ended).record.receivedBytes).toBeLessThanOrEqual(11);
  }

  await using hasty = await openLessons({ limits: { lessonConnectionMs: 50 } });
  await using other = await openPage(hasty);
  const streams = names
    .filter((name) => name !== "lesson-refused")
    .map((name) => other.connect(name, {}, { answersFin: true }));
  await Promise.all(streams.map(({ ended }) => ended));
});

/** What every name of a lesson gets. */
async function codesFor(page: PageClient): Promise<unknown[]> {
  const all = await Promise.all(names.map((name) => page.connect(name, { bytes: "x" }).ended));
  return all.map(({ last }) => (last.type === "error" ? last.code : last.reason));
}

test("only a page that may use targets reaches them, with the switch on: no viewer, guest, relay or listening port", async () => {
  await using echo = await openEcho();
  await using off = await openGateway(echo, { config: { relay: true } });
  await using page = await openPage(off);
  const before = listenerCount();
  expect((await page.frame("hello")).lessons).toEqual([]);
  expect(await codesFor(page)).toEqual(names.map(() => "target-unknown"));
  expect(listenerCount()).toBe(before);

  await using guarded = await openPasswordGateway({ config: { lessons: true, roles: new Map() } });
  await using viewer = await openPage(guarded, { headers: basic(ada) });
  expect(await viewer.frame("hello")).toMatchObject({ role: "viewer", lessons: [] });
  expect(await codesFor(viewer)).toEqual(names.map(() => "forbidden"));
  await using guest = await openPage(guarded, {}, "/ws?guest");
  expect((await guest.frame("hello")).lessons).toEqual([]);
  guest.send({ type: "connect", id: 1, target: "lesson-echo", bytes: "", end: true });
  await guest.error("forbidden");

  await using on = await openLessons();
  for (const name of names) {
    expect((await refusedPage(on, {}, `/tcp/${name}`))[0]).toBe(404);
    expect(() => readLessons("--listen", `0=${name}`)).toThrow("and the name of a target; there is");
    expect(() => readLessons("--target", `${name}=tcp://127.0.0.1:1`)).toThrow("or a lesson's service");
  }
});
