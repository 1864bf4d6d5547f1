import { once } from "node:events";
import type { EventEmitter } from "node:events";
import { readFile } from "node:fs/promises";
import { request } from "node:http";
import type { IncomingMessage } from "node:http";
import { expect, test } from "vitest";
import manifest from "../../../package.json" with { type: "json" };
import { HeldClock } from "../../../tests/interop/held-clock.ts";
import {
  closedPort,
  eventsOf,
  openBackend,
  openGateway,
  named,
  openMirror,
  openMute,
  openPage,
  refusedPage,
} from "./gateway-fixture.ts";
import type { Gateway } from "./gateway-fixture.ts";
import { scrape } from "./scrape.ts";

/** The samples of the gateway's metrics by name and labels. */
const samplesOf = async (gateway: Gateway): Promise<ReadonlyMap<string, number>> => (await scrape(gateway)).samples;

const metric = (name: string): string => `wirebook_gateway_${name}`;

/** The value of one of the gateway's samples. */
const of = (samples: ReadonlyMap<string, number>, name: string): number => Number(samples.get(metric(name)));

test("counts streams by target, operation and outcome, whatever a page writes into its frames", async () => {
  await using backend = await openBackend((socket) => {
    socket.once("data", (line) => (line.toString() === "break\n" ? socket.resetAndDestroy() : socket.end("fine")));
  });
  await using gateway = await openGateway(backend);
  await using page = await openPage(gateway);
  for (const [id, operation] of [undefined, 2, 2, 777, 778].entries()) {
    await page.ask({ type: "request", id: id + 1, user: "brick", ...(operation === undefined ? {} : { operation }) });
  }
  await page.ask({ type: "request", id: 9, user: "break" });
  await page.ask({ type: "connect", id: 10, target: "wirebook", bytes: btoa("brick 2\n"), end: true });
  page.start({ type: "request", id: 11, user: "two words" });
  await page.error("message-invalid");
  const samples = await samplesOf(gateway);
  const streams = [...samples].filter(([key]) => key.startsWith(metric("streams_total")));
  expect(Object.fromEntries(streams)).toEqual({
    [metric('streams_total{target="wirebook",operation="none",outcome="fin"}')]: 1,
    [metric('streams_total{target="wirebook",operation="2",outcome="fin"}')]: 2,
    [metric('streams_total{target="wirebook",operation="other",outcome="fin"}')]: 2,
    [metric('streams_total{target="wirebook",operation="none",outcome="connection-reset"}')]: 1,
    [metric('streams_total{target="wirebook",operation="connect",outcome="fin"}')]: 1,
  });
  expect(samples.get(metric('frame_errors_total{code="message-invalid"}'))).toBe(1);
});

test("counts no silence of a conversation as a reply, and tells targets apart", async () => {
  await using mirror = await openMirror();
  await using gateway = await openGateway([mirror.target, named("echo", mirror)]);
  await using page = await openPage(gateway);
  for (const target of ["echo", "echo", "wirebook"]) {
    await page.connect(target, { bytes: "x", isEnded: true }).ended;
  }
  const samples = await samplesOf(gateway);
  const count = (target: string) =>
    samples.get(metric(`streams_total{target="${target}",operation="connect",outcome="fin"}`));
  expect([count("echo"), count("wirebook")]).toEqual([2, 1]);
  const timed = (step: string) => samples.get(metric(`step_seconds_count{hop="gateway-server",step="${step}"}`)) ?? 0;
  expect([timed("connect"), timed("first-byte"), timed("reply")]).toEqual([3, 0, 0]);
});

test("times each step by its hop, and a follow's reply not at all", async () => {
  using clock = new HeldClock();
  await using slow = await openBackend((socket) => {
    socket.once("data", () => {
      clock.pass(2000);
      socket.end("at last");
    });
  });
  await using gateway = await openGateway(slow, { limits: { pingIntervalMs: 10_000 } });
  await using page = await openPage(gateway);
  await page.ask({ type: "request", id: 1, user: "brick" });
  await page.ask({ type: "request", id: 2, user: "brick", operation: 5 });
  const [end] = gateway.app.websocketServer.clients as Set<EventEmitter>;
  clock.pass(6000);
  await once(end as EventEmitter, "pong");
  const samples = await samplesOf(gateway);
  expect(samples.get(metric('step_seconds_count{hop="page-gateway",step="ping"}'))).toBe(1);
  const counts = ["gateway/queue", "gateway-server/connect", "gateway-server/first-byte", "gateway-server/reply"];
  const read = counts.map((each) => {
    const [hop, step] = each.split("/");
    return samples.get(metric(`step_seconds_count{hop="${hop}",step="${step}"}`));
  });
  expect(read).toEqual([2, 2, 2, 1]);
  expect(samples.get(metric('step_seconds_sum{hop="gateway-server",step="first-byte"}'))).toBeCloseTo(4, 3);
});

test("shows what runs and what waits, and counts bytes while they flow", async () => {
  await using mute = await openMute();
  await using gateway = await openGateway(mute, { config: { connections: 2 } });
  await using page = await openPage(gateway);
  const [first, second] = [page.request("brick", ["5"]), page.connect("wirebook", { bytes: "brick 5\n" })];
  for (const operation of ["5", "1", "2"]) page.request("brick", [operation]);
  await Promise.all([first.opened, second.opened]);
  await expect.poll(() => mute.sockets.size).toBe(2);
  for (const socket of mute.sockets) socket.write("x".repeat(1000));
  await Promise.all([first.received(1000), second.received(1000)]);
  const during = await samplesOf(gateway);
  expect(of(during, "websockets")).toBe(1);
  expect(of(during, "streams_running")).toBe(2);
  expect(of(during, "streams_waiting")).toBe(3);
  expect(of(during, "connections_max")).toBe(2);
  expect(of(during, 'bytes_total{hop="gateway-server",direction="down"}')).toBe(2000);
  expect(of(during, 'bytes_total{hop="gateway-server",direction="up"}')).toBe(2 * "brick 5\n".length);
  expect(of(during, 'bytes_total{hop="page-gateway",direction="down"}')).toBeGreaterThan(2000);
  expect(of(during, 'bytes_total{hop="page-gateway",direction="up"}')).toBeGreaterThan(100);
  page.socket.close();
  await page.closing;
  await expect.poll(async () => of(await samplesOf(gateway), "websockets")).toBe(0);
  const after = await samplesOf(gateway);
  expect(of(after, "streams_running") + of(after, "streams_waiting")).toBe(0);
  expect(of(after, "websockets_opened_total")).toBe(1);
  expect(of(after, 'bytes_total{hop="gateway-server",direction="down"}')).toBe(2000);
  const down = 'bytes_total{hop="page-gateway",direction="down"}';
  expect(of(after, down)).toBeGreaterThanOrEqual(of(during, down));
});

test("begins to count bytes and refusals at 0, so that a rate knows the first", async () => {
  await using gateway = await openGateway(await closedPort());
  const samples = await samplesOf(gateway);
  const bytes = ["page-gateway", "gateway-server"].flatMap((hop) =>
    ["up", "down"].map((direction) => of(samples, `bytes_total{hop="${hop}",direction="${direction}"}`)),
  );
  expect(bytes).toEqual([0, 0, 0, 0]);
  const reference = await readFile(new URL("../../../docs/reference/metrics.md", import.meta.url), "utf8");
  const [, reasons = ""] = /refused_total.*requests:(.*)\|/.exec(reference) ?? [];
  const zeros = [...reasons.matchAll(/[\w-]+/g)].map(([reason]) => [metric(`refused_total{reason="${reason}"}`), 0]);
  expect(Object.fromEntries([...samples].filter(([key]) => key.startsWith(metric("refused_total"))))).toEqual(
    Object.fromEntries(zeros),
  );
});

test("counts who was not let in, by a reason that no one outside can choose", async () => {
  await using gateway = await openGateway(await closedPort(), { limits: { webSocketsMax: 1 } });
  await refusedPage(gateway, { origin: "http://evil.example" });
  await refusedPage(gateway, { headers: { host: "evil.example" } });
  await using page = await openPage(gateway);
  await using late = await openPage(gateway);
  await Promise.all([page.frame("hello"), late.closing]);
  const samples = await samplesOf(gateway);
  const reasons = ["origin", "host", "websockets"].map((reason) =>
    samples.get(metric(`refused_total{reason="${reason}"}`)),
  );
  expect(reasons).toEqual([1, 1, 1]);
  expect([...samples.keys()].filter((key) => key.includes("evil"))).toEqual([]);
});

test("has the usual metrics of the process, once for however many gateways", async () => {
  await using first = await openGateway(await closedPort());
  await using second = await openGateway(await closedPort());
  for (const gateway of [first, second]) {
    const samples = await samplesOf(gateway);
    expect(samples.get("process_resident_memory_bytes")).toBeGreaterThan(1_000_000);
    expect(samples.has("nodejs_eventloop_lag_p99_seconds")).toBe(true);
    expect(samples.get(metric(`info{version="${manifest.version}"}`))).toBe(1);
  }
});

test("shows its metrics to this machine and to whom it was told, and to no one else", async () => {
  const config = { trustProxy: ["127.0.0.1"], metricsFrom: ["192.0.2.7", "2001:db8::7"] };
  await using gateway = await openGateway(await closedPort(), { config });
  const statusFor = (forwarded?: string, host = gateway.host): Promise<number> =>
    statusOfMetrics(gateway, { host, ...(forwarded === undefined ? {} : { "x-forwarded-for": forwarded }) });
  expect(await statusFor()).toBe(200);
  expect(await statusFor("192.0.2.7")).toBe(200);
  expect(await statusFor("2001:DB8:0::7")).toBe(200);
  expect(await statusFor("192.0.2.8")).toBe(403);
  expect(await statusFor(undefined, "evil.example")).toBe(403);
  expect(eventsOf(gateway, "refused")[0]).toMatchObject({
    address: "192.0.2.8",
    message: expect.stringContaining("--metrics-from"),
  });
});

test.each<[string, Record<string, string>, number]>([
  ["asked on this machine", {}, 200],
  ["through a proxy that is not trusted", { "x-forwarded-for": "192.0.2.8" }, 403],
  ["through one that says whose request it is in another way", { forwarded: "for=192.0.2.8" }, 403],
  ["through one that says no more than that it is one", { via: "1.1 front" }, 403],
  ["through one that gives the user's own name for the gateway", { host: "wirebook.example" }, 403],
  ["through one that names the user in a header of its own", { "cf-connecting-ip": "192.0.2.8" }, 403],
  ["through one that says no more than by which port it came", { "x-forwarded-port": "443" }, 403],
  ["through one that claims to come from this machine", { "x-real-ip": "127.0.0.1" }, 403],
])("shows its metrics or not: %s", async (_, headers, status) => {
  const config = { origin: ["https://wirebook.example"] };
  await using gateway = await openGateway(await closedPort(), { config });
  expect(await statusOfMetrics(gateway, headers)).toBe(status);
});

test("shows its metrics through a trusted proxy only when that says for whom", async () => {
  await using gateway = await openGateway(await closedPort(), { config: { trustProxy: ["127.0.0.1"] } });
  expect(await statusOfMetrics(gateway, { "x-forwarded-for": "127.0.0.1" })).toBe(200);
  expect(await statusOfMetrics(gateway, { "x-forwarded-for": "unknown" })).toBe(403);
  expect(await statusOfMetrics(gateway, { via: "1.1 front" })).toBe(403);
  expect(await statusOfMetrics(gateway, { "x-forwarded-for": "," })).toBe(403);
});

async function statusOfMetrics({ port, host }: Gateway, headers: Record<string, string>): Promise<number> {
  const asked = request({ port, path: "/metrics", headers: { host, ...headers } });
  asked.end();
  const [answer] = (await once(asked, "response")) as [IncomingMessage];
  answer.resume();
  return answer.statusCode ?? 0;
}
