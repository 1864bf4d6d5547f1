/** Ports whose connections are passed on to a target, byte for byte. */

import { createHash, randomBytes } from "node:crypto";
import { once } from "node:events";
import { readFileSync } from "node:fs";
import type { Socket } from "node:net";
import { networkInterfaces } from "node:os";
import { createServer as createTlsServer } from "node:tls";
import { expect, test } from "vitest";
import { encodeProxyHeader, parseTarget } from "@wirebook/net";
import { openPeer, openUnixPeer } from "../../../libs/net/test/peers.ts";
import { Certificates } from "../../../test-support/certificate.ts";
import { closedPort, eventsOf } from "./gateway-fixture.ts";
import {
  carried,
  echo,
  errorOf,
  exchange,
  openClient,
  openFront,
  openListening,
  readAll,
  recorded,
  refusalOf,
  steps,
  until,
} from "./listening-fixture.ts";

const sha256 = (bytes: Uint8Array): string => createHash("sha256").update(bytes).digest("hex");
const flowsOf = (gateway: Parameters<typeof eventsOf>[0]): Promise<Record<string, unknown>> =>
  until(() => eventsOf(gateway, "flow").at(-1));

/** A peer whose connections are given out in turn. */
async function openTalk() {
  const waiting: PromiseWithResolvers<Socket>[] = [];
  const at = (index: number): PromiseWithResolvers<Socket> => (waiting[index] ??= Promise.withResolvers<Socket>());
  let accepted = 0;
  const peer = await openPeer((socket) => at(accepted++).resolve(socket));
  return { ...peer, next: (index: number) => at(index).promise };
}

test("16 MiB go both ways unchanged", async () => {
  const sent = randomBytes(16 * 1024 * 1024);
  await using gateway = await openFront();
  expect(sha256(await exchange(gateway.listenPort, sent))).toBe(sha256(sent));
  const flow = await flowsOf(gateway);
  expect(flow).toMatchObject({ target: "peer", outcome: "fin", sentBytes: sent.length, receivedBytes: sent.length });
  // No byte of what went through is in the log.
  expect(Object.keys(flow).toSorted()).toEqual(
    "client event level ms outcome port receivedBytes sentBytes target time".split(" "),
  );
});

test("a reply comes after the client's FIN, and is written down step by step", async () => {
  await using gateway = await openFront((socket) => {
    let text = "";
    socket.on("data", (bytes) => (text += bytes.toString()));
    socket.on("end", () => socket.end(`${text} is all`));
  });
  expect((await exchange(gateway.listenPort, "this")).toString()).toBe("this is all");
  await flowsOf(gateway);
  const both = steps(gateway);
  expect(both.filter((step) => step.includes(">"))).toEqual(["data client > this", "fin client >", "fin target >"]);
  expect(both.filter((step) => step.includes("<"))).toEqual([
    "data target < this is all",
    "fin target <",
    "fin client <",
  ]);
  const { texts } = recorded(gateway);
  expect(texts.map(({ type }) => type)).toEqual(["flow", "flow", "end"]);
  expect(texts[1]).toMatchObject({ via: "listen", port: gateway.listenPort, client: { address: "127.0.0.1" } });
  expect(texts[1]).toMatchObject({ remote: { port: gateway.peer.port }, local: { address: "127.0.0.1" } });
});

test("a client may go on after the target's FIN", async () => {
  await using peer = await openTalk();
  await using gateway = await openListening(peer.target);
  const client = await openClient(gateway.listenPort);
  const target = await peer.next(0);
  target.end("that is all");
  expect((await readAll(client)).toString()).toBe("that is all");
  client.write("and ");
  client.end("this");
  expect((await readAll(target)).toString()).toBe("and this");
  expect(await flowsOf(gateway)).toMatchObject({ outcome: "fin", sentBytes: 8, receivedBytes: 11 });
});

test("a client that stays half-open for too long is reset", async () => {
  await using peer = await openTalk();
  await using gateway = await openListening(peer.target, { limits: { halfOpenMs: 20 } });
  const client = await openClient(gateway.listenPort);
  (await peer.next(0)).end();
  await readAll(client);
  expect(await flowsOf(gateway)).toMatchObject({ outcome: "fin" });
  // Behind the target's FIN only a write tells Node.
  client.write("brick");
  expect(await errorOf(client)).toMatch(/ECONNRESET|EPIPE/);
});

test("RST goes through both ways", async () => {
  await using peer = await openTalk();
  await using gateway = await openListening(peer.target);
  const first = await openClient(gateway.listenPort);
  first.write("x");
  const firstTarget = await peer.next(0);
  await once(firstTarget, "data");
  const targetError = errorOf(firstTarget);
  first.resetAndDestroy();
  expect(await targetError).toBe("ECONNRESET");
  expect(await flowsOf(gateway)).toMatchObject({ outcome: "reset" });
  expect(steps(gateway).slice(1)).toEqual(["rst client >", "rst target >"]);

  const second = await openClient(gateway.listenPort);
  const clientError = errorOf(second);
  (await peer.next(1)).resetAndDestroy();
  expect(await clientError).toBe("ECONNRESET");
  await until(() => eventsOf(gateway, "flow").length === 2);
  expect(eventsOf(gateway, "flow")[1]).toMatchObject({ outcome: "connection-reset", hop: "gateway-server" });
  expect(steps(gateway).slice(3)).toEqual(["rst target <", "rst client <"]);
});

test("a target that does not read holds its client back, and no other", async () => {
  const sent = randomBytes(64 * 1024 * 1024);
  await using stalling = await openTalk();
  await using gateway = await openListening(stalling.target, { config: { watchMemory: 256 } });
  const held = await openClient(gateway.listenPort);
  held.end(sent);
  const target = (await stalling.next(0)).pause();
  const [flow] = gateway.app.listening.shared.flowLog.flows();
  const framesOf = (kind: "data" | "written") =>
    recorded(gateway).bytes.filter((frame) => frame.id === flow?.id && frame.kind === kind);
  // Another flow through the same port carries as much meanwhile.
  const other = await openClient(gateway.listenPort);
  other.end(sent);
  expect(sha256(await readAll(await stalling.next(1)))).toBe(sha256(sent));
  expect(carried(gateway).up - sent.length).toBeLessThan(sent.length / 2);
  // The other flow may be through before the kernels have taken all that they can of this one.
  await until(() => framesOf("data").some(({ isWaiting }) => isWaiting));
  expect(sha256(await readAll(target))).toBe(sha256(sent));
  expect(framesOf("written").length).toBeGreaterThan(0);
});

test("a client that does not read holds its target back", async () => {
  const sent = randomBytes(64 * 1024 * 1024);
  await using gateway = await openFront((socket) => socket.end(sent));
  const held = await openClient(gateway.listenPort);
  expect(sha256(await exchange(gateway.listenPort, ""))).toBe(sha256(sent));
  expect(carried(gateway).down - sent.length).toBeLessThan(sent.length / 2);
  expect(sha256(await readAll(held.end()))).toBe(sha256(sent));
});

test.each(["client", "target"])("a %s that resets while the other end does not read is noticed", async (who) => {
  const sent = Buffer.alloc(64 * 1024 * 1024);
  await using peer = await openTalk();
  await using gateway = await openListening(peer.target, { limits: { pingIntervalMs: 20 } });
  const client = (await openClient(gateway.listenPort)).pause();
  const target = (await peer.next(0)).pause();
  const [resetting, up, down] = who === "client" ? [client, 1, 0] : [target, 0, 1];
  resetting.write(sent);
  await until(() => {
    const bytes = carried(gateway);
    return up * bytes.up + down * bytes.down > 1024 * 1024;
  });
  // What the kernels take between the two ends is full when nothing waits to be read any more.
  await until(() => resetting.writableLength > 0 && recorded(gateway).bytes.at(-1)?.isWaiting === true);
  resetting.resetAndDestroy();
  expect(await flowsOf(gateway)).toMatchObject({ outcome: who === "client" ? "reset" : "connection-reset" });
});

test("through a Unix socket", async () => {
  await using peer = await openUnixPeer(echo);
  await using gateway = await openListening(peer.target);
  expect((await exchange(gateway.listenPort, "brick")).toString()).toBe("brick");
  await flowsOf(gateway);
  expect(recorded(gateway).texts[0]).toMatchObject({ target: { name: "peer", transport: "unix" } });
});

test("through TLS, whose facts are written down, and a handshake that hangs is given up", async () => {
  await using certificates = await Certificates.open();
  const { certPath, keyPath } = await certificates.make("server");
  const pair = { cert: readFileSync(certPath), key: readFileSync(keyPath), allowHalfOpen: true };
  const server = createTlsServer(pair, echo).listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as { port: number };
  {
    const target = parseTarget(`safe=tls://127.0.0.1:${port}?ca=${certPath}`);
    await using gateway = await openListening(target);
    const sent = randomBytes(1024 * 1024);
    expect(sha256(await exchange(gateway.listenPort, sent))).toBe(sha256(sent));
    await flowsOf(gateway);
    expect(recorded(gateway).texts[1]).toMatchObject({ tls: { version: "TLSv1.3" } });
  }
  server.close();
  await using silent = await openPeer(() => {});
  const target = parseTarget(`safe=tls://127.0.0.1:${silent.port}?ca=${certPath}`);
  await using gateway = await openListening(target, { limits: { connectTimeoutMs: 20 } });
  expect(await refusalOf(gateway.listenPort)).toBe("ECONNRESET");
  expect(await flowsOf(gateway)).toMatchObject({ outcome: "connect-timeout" });
});

test("nothing listens at the target: the client is reset", async () => {
  const { target } = await closedPort();
  await using gateway = await openListening(target);
  expect(await refusalOf(gateway.listenPort)).toBe("ECONNRESET");
  expect(await flowsOf(gateway)).toMatchObject({ outcome: "connect-refused", sentBytes: 0 });
});

test("a PROXY header says who the client is where the target wants one", async () => {
  await using peer = await openPeer(echo);
  const target = { ...peer.target, proxy: "v2" as const };
  await using gateway = await openListening(target);
  const client = await openClient(gateway.listenPort);
  const [source, destination] = [client.localPort, client.remotePort].map((port = 0) => ({
    address: "127.0.0.1",
    port,
  }));
  const header = encodeProxyHeader(source && destination && { source, destination });
  client.end("brick");
  expect(await readAll(client)).toEqual(Buffer.concat([header, Buffer.from("brick")]));
  expect(await flowsOf(gateway)).toMatchObject({ sentBytes: 5 });
  const head = recorded(gateway).texts.findLast(({ type }) => type === "flow");
  expect(head).toMatchObject({ target: { proxyHeaderBytes: 28 } });
});

test("one connection too many is reset, in all and from one address", async () => {
  await using peer = await openPeer(echo);
  for (const [limits, reason] of [
    [{ flowsMax: 2 }, "flows"],
    [{ flowsPerAddressMax: 2 }, "flows-per-address"],
  ] as const) {
    await using gateway = await openListening(peer.target, { limits });
    const [first] = [await openClient(gateway.listenPort), await openClient(gateway.listenPort)];
    expect(await refusalOf(gateway.listenPort)).toBe("ECONNRESET");
    expect(eventsOf(gateway, "closed")).toMatchObject([{ address: "127.0.0.1", reason }]);
    first?.end().resume();
    await until(() => gateway.app.listening.count === 1);
    // The place is free again.
    expect((await exchange(gateway.listenPort, "brick")).toString()).toBe("brick");
  }
});

const [elsewhere] = Object.values(networkInterfaces()).flatMap((each) =>
  (each ?? []).filter(({ family, internal }) => family === "IPv4" && !internal),
);

test.skipIf(elsewhere === undefined)("only networks of --allow may connect from beyond loopback", async () => {
  const address = String(elsewhere?.address);
  await using peer = await openPeer(echo);
  const on = (...allow: { address: string; bits: number }[]) =>
    openListening(peer.target, { listenHost: "0.0.0.0", config: { allow } });
  const foreign = { address: "198.51.100.0", bits: 24 };
  {
    await using gateway = await on(foreign);
    expect(await refusalOf(gateway.listenPort, address)).toBe("ECONNRESET");
    expect(eventsOf(gateway, "closed")).toMatchObject([{ address, reason: "not-allowed" }]);
    expect((await exchange(gateway.listenPort, "brick")).toString()).toBe("brick");
  }
  await using gateway = await on(foreign, { address, bits: 30 });
  const client = await openClient(gateway.listenPort, address);
  expect((await readAll(client.end("brick"))).toString()).toBe("brick");
});

test("a port that is taken is refused with the option's name", async () => {
  await using peer = await openPeer(echo);
  const listens = [{ host: "127.0.0.1", port: peer.port, target: peer.target }];
  const opening = openListening(peer.target, { config: { listens } });
  await expect(opening).rejects.toThrow(
    new RegExp(
      `^--listen: port ${peer.port} of 127\\.0\\.0\\.1 is in use, .*: --listen 127\\.0\\.0\\.1:\\d+=${peer.target.name}$`,
    ),
  );
});

const nameOf = (_: string, value?: string | number) => ["WIREBOOK_LISTEN", value ?? []].flat().join("=");

test("a port of the variable that is taken is refused with the variable's name", async () => {
  await using peer = await openPeer(echo);
  const listens = [{ host: "127.0.0.1", port: peer.port, target: peer.target }];
  const opening = openListening(peer.target, { config: { listens, nameOf } });
  await expect(opening).rejects.toThrow(
    new RegExp(`^WIREBOOK_LISTEN: port ${peer.port} .* choose another port: WIREBOOK_LISTEN=127\\.0\\.0\\.1:\\d+=`),
  );
});

test("when the gateway stops, a running flow may end", async () => {
  await using peer = await openTalk();
  const gateway = await openListening(peer.target, { limits: { drainMs: 60_000 } });
  const client = await openClient(gateway.listenPort);
  client.write("brick");
  const target = await peer.next(0);
  await once(target, "data");
  const closed = gateway.app.close();
  await expect.poll(() => refusalOf(gateway.listenPort)).toBe("ECONNREFUSED");
  target.end("done");
  expect((await readAll(client.end())).toString()).toBe("done");
  await closed;
  expect(eventsOf(gateway, "flow")).toMatchObject([{ outcome: "fin", receivedBytes: 4 }]);
});

test("when the gateway stops, a flow that does not end is reset", async () => {
  await using peer = await openTalk();
  const gateway = await openListening(peer.target, { limits: { drainMs: 20 } });
  const client = await openClient(gateway.listenPort);
  const target = await peer.next(0);
  const errors = Promise.all([errorOf(client), errorOf(target)]);
  await gateway.app.close();
  expect(await errors).toEqual(["ECONNRESET", "ECONNRESET"]);
  expect(eventsOf(gateway, "flow")).toMatchObject([{ outcome: "shutting-down" }]);
});
