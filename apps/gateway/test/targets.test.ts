import { randomBytes } from "node:crypto";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { createServer } from "node:tls";
import { once } from "node:events";
import type { AddressInfo } from "node:net";
import { expect, test } from "vitest";
import { parseTarget, readProxyHeader } from "@wirebook/net";
import { Certificates } from "../../../test-support/certificate.ts";
import type { TlsFiles } from "../../../test-support/certificate.ts";
import { RelayClient } from "../../../test-support/relay-client.ts";
import {
  eventsOf,
  named,
  openBackend,
  openEcho,
  openFolder,
  openGateway,
  openMirror,
  openPage,
} from "./gateway-fixture.ts";

/** A TLS server that sends back what it gets. */
async function openTlsMirror({ certPath, keyPath }: TlsFiles) {
  const [cert, key] = [await readFile(certPath), await readFile(keyPath)];
  const server = createServer({ cert, key, ALPNProtocols: ["mirror"] }, (socket) => {
    socket.on("error", () => socket.destroy());
    socket.pipe(socket);
  });
  server.on("tlsClientError", () => undefined);
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  return {
    port: (server.address() as AddressInfo).port,
    async [Symbol.asyncDispose]() {
      server.close();
      await once(server, "close");
    },
  };
}

test("names its targets to a page, wirebook first, without the path of a socket", async () => {
  await using folder = await openFolder();
  await using echo = await openEcho();
  await using local = await openMirror(join(folder.path, "socket"));
  const mail = parseTarget("mail=tls://imap.example:993?servername=mail.example");
  const proxied = { ...named("proxied", echo), proxy: "v2" } as const;
  await using gateway = await openGateway([echo.target, mail, named("local", local), proxied]);
  await using page = await openPage(gateway);
  const address = `127.0.0.1:${echo.port}`;
  expect((await page.frame("hello")).targets).toEqual([
    { name: "wirebook", transport: "tcp", address, proxyHeaderBytes: 0 },
    { name: "mail", transport: "tls", address: "imap.example:993", proxyHeaderBytes: 0 },
    { name: "local", transport: "unix", proxyHeaderBytes: 0 },
    { name: "proxied", transport: "tcp", address, proxyHeaderBytes: 28 },
  ]);
});

test("refuses a name that is not there, and a request where there is no Wirebook server", async () => {
  await using mirror = await openMirror();
  await using gateway = await openGateway([named("it", mirror)]);
  await using page = await openPage(gateway);
  for (const stream of [page.connect("other"), page.connect("wirebook"), page.request("brick")]) {
    const { last, open } = await stream.ended;
    expect(last).toMatchObject({ code: "target-unknown", hop: "gateway", message: expect.stringMatching(/\bit\b/) });
    expect(open).toBeUndefined();
  }
  const { text } = await page.connect("it", { bytes: "x", isEnded: true }).ended;
  expect(text).toBe("x");
  expect(mirror.acceptedCount).toBe(1);
});

test("reaches each target by its name and no other", async () => {
  const names = ["a", "b", "c"];
  await using stack = new AsyncDisposableStack();
  const servers = await Promise.all(
    names.map(async (name) => stack.use(await openBackend((socket) => socket.once("data", () => socket.end(name))))),
  );
  await using gateway = await openGateway(servers.map((server, at) => named(names[at] ?? "", server)));
  await using page = await openPage(gateway);
  const answers = await Promise.all(
    Array.from({ length: 60 }, (_, at) => page.connect(names[at % 3] ?? "", { bytes: "?", isEnded: true }).ended),
  );
  expect(answers.map(({ text }) => text)).toEqual(Array.from({ length: 60 }, (_, at) => names[at % 3]));
  expect(servers.map(({ acceptedCount }) => acceptedCount)).toEqual([20, 20, 20]);
});

test("sends nothing to a target that no page asked for", async () => {
  await using first = await openMirror();
  await using second = await openMirror();
  const targets = [named("first", first), named("second", second)];
  await using gateway = await openGateway(targets, { config: { relay: true }, limits: { pingIntervalMs: 5 } });
  await using page = await openPage(gateway);
  for (let turn = 0; turn < 10; turn += 1) {
    await once(page.socket, "ping");
    for (const path of ["/readyz", "/healthz", "/metrics", "/", "/tcp/first"]) {
      await fetch(`http://${gateway.host}${path}`);
    }
  }
  await page.connect("first", { bytes: "x" }).received(1);
  expect([first.acceptedCount, second.acceptedCount]).toEqual([1, 0]);
});

test("speaks TLS to a target, and tells what the handshake came to and when", async () => {
  await using certificates = await Certificates.open();
  const files = await certificates.make("mirror");
  await using mirror = await openTlsMirror(files);
  const ca = encodeURIComponent(files.certPath);
  const target = parseTarget(`safe=tls://localhost:${mirror.port}?ca=${ca}&alpn=mirror`);
  await using gateway = await openGateway([target], { config: { relay: true } });
  await using page = await openPage(gateway);
  const stream = page.connect("safe", { bytes: "one " });
  const { tls, at } = await stream.opened;
  expect(tls).toMatchObject({
    version: "TLSv1.3",
    cipher: expect.stringMatching(/^TLS_/),
    alpn: "mirror",
    peer: { subject: expect.stringContaining("mirror"), validTo: expect.stringMatching(/^\d{4}-\d{2}-\d{2}T/) },
  });
  expect(Number(at.secured)).toBeGreaterThan(Number(at.established));
  await stream.received(4);
  await stream.send("two");
  stream.end();
  expect(await stream.ended).toMatchObject({
    text: "one two",
    last: { reason: "fin", sentBytes: 7, receivedBytes: 7 },
  });
  await using client = await RelayClient.open(gateway.host, "safe");
  await client.send("through the relay");
  expect(String(await client.received(17))).toBe("through the relay");
});

test("carries much over TLS and over a Unix socket, to a page and to a relay that stall meanwhile", async () => {
  await using certificates = await Certificates.open();
  await using folder = await openFolder();
  const files = await certificates.make("mirror");
  await using safe = await openTlsMirror(files);
  await using local = await openMirror(join(folder.path, "socket"));
  const ca = encodeURIComponent(files.certPath);
  const targets = [parseTarget(`safe=tls://localhost:${safe.port}?ca=${ca}`), named("local", local)];
  await using gateway = await openGateway(targets, { config: { relay: true } });
  const sent = randomBytes(8 * 1024 * 1024);
  for (const { name } of targets) {
    await using page = await openPage(gateway);
    await using client = await RelayClient.open(gateway.host, name);
    const stream = page.connect(name);
    await stream.opened;
    for (const { socket } of [page, client]) socket.pause();
    void stream.send(sent);
    for (let at = 0; at < sent.length; at += 100_000) void client.send(sent.subarray(at, at + 100_000));
    await fetch(`http://${gateway.host}/healthz`);
    for (const { socket } of [page, client]) socket.resume();
    expect((await stream.received(sent.length)).equals(sent)).toBe(true);
    expect((await client.received(sent.length)).equals(sent)).toBe(true);
  }
});

test("resets the TCP connection beneath TLS", async () => {
  await using certificates = await Certificates.open();
  const files = await certificates.make("mirror");
  await using mirror = await openTlsMirror(files);
  const target = parseTarget(`safe=tls://localhost:${mirror.port}?ca=${encodeURIComponent(files.certPath)}`);
  await using gateway = await openGateway([target]);
  await using page = await openPage(gateway);
  const stream = page.connect("safe", { bytes: "x" });
  await stream.received(1);
  stream.reset();
  expect((await stream.ended).last).toMatchObject({ type: "end", reason: "reset" });
});

test("verifies certificates, always, and says what is wrong with one", async () => {
  await using certificates = await Certificates.open();
  const authority = await certificates.make("authority");
  const other = await certificates.make("other");
  const expired = await certificates.makeValid("expired", authority, "20200101000000Z", "20200201000000Z");
  const future = await certificates.makeValid("future", authority, "20990101000000Z", "20990201000000Z");
  const elsewhere = await certificates.make("elsewhere", authority, "DNS:elsewhere.example");
  const wrong: [files: TlsFiles, parameters: string, code: string][] = [
    [expired, `ca=${authority.certPath}`, "tls-expired"],
    [future, `ca=${authority.certPath}`, "tls-not-yet-valid"],
    [elsewhere, `ca=${authority.certPath}`, "tls-wrong-host"],
    [other, `ca=${authority.certPath}`, "tls-self-signed"],
    [elsewhere, `ca=${other.certPath}`, "tls-unknown-authority"],
    [authority, `ca=${authority.certPath}&alpn=nonsense`, "tls-no-common-protocol"],
  ];
  for (const [files, parameters, code] of wrong) {
    await using mirror = await openTlsMirror(files);
    const target = parseTarget(`safe=tls://localhost:${mirror.port}?${parameters}`);
    await using gateway = await openGateway([target], { config: { relay: true } });
    await using page = await openPage(gateway);
    const { last, open } = await page.connect("safe", { bytes: "a secret" }).ended;
    expect(last).toMatchObject({ code, hop: "gateway-server", sentBytes: 0 });
    expect(open).toBeUndefined();
    await using client = await RelayClient.open(gateway.host, "safe");
    expect(await client.closing).toMatchObject({ code: 1011, reason: expect.stringContaining(code) });
  }
});

test("reaches a Unix socket, which has no addresses, and tells no path when it fails", async () => {
  await using folder = await openFolder();
  const path = join(folder.path, "the-socket");
  const local = parseTarget(`local=unix:${path}`);
  await using gateway = await openGateway([local]);
  await using page = await openPage(gateway);
  {
    await using mirror = await openMirror(path);
    const { text, open, last } = await page.connect("local", { bytes: "x", isEnded: true }).ended;
    expect(text).toBe("x");
    expect(open).not.toHaveProperty("local");
    expect(open).not.toHaveProperty("remote");
    expect(last).toMatchObject({ type: "end", reason: "fin" });
    expect(mirror.acceptedCount).toBe(1);
  }
  const { last } = await page.connect("local").ended;
  expect(last).toMatchObject({ type: "error", hop: "gateway-server", message: expect.stringContaining("local") });
  expect(page.textFrames.join("") + gateway.log.join("")).not.toContain("the-socket");
});

test("sends a PROXY header to the targets that want one, and to no other", async () => {
  await using mirror = await openMirror();
  const targets = [named("plain", mirror), { ...named("proxied", mirror), proxy: "v2" as const }];
  await using gateway = await openGateway(targets, { config: { relay: true } });
  await using page = await openPage(gateway, { localAddress: "127.0.0.5" });
  const [plain, proxied] = ["plain", "proxied"].map((name) => page.connect(name, { bytes: "x", isEnded: true }).ended);
  expect((await plain)?.text).toBe("x");
  const answer = await proxied;
  expect(answer?.last).toMatchObject({ sentBytes: 1, receivedBytes: 29 });
  const source = { address: "127.0.0.5" };
  expect(readProxyHeader(answer?.bytes ?? Buffer.alloc(0))).toMatchObject({ length: 28, connection: { source } });
  await using client = await RelayClient.open(gateway.host, "proxied", { localAddress: "127.0.0.6" });
  expect(readProxyHeader(await client.received(28))).toMatchObject({
    connection: { source: { address: "127.0.0.6" } },
  });
});

test("logs a target's name, and a conversation's size instead of its bytes", async () => {
  await using mirror = await openMirror();
  await using gateway = await openGateway([named("mail", mirror)]);
  await using page = await openPage(gateway);
  await page.connect("mail", { bytes: "PASS secret\r\n", isEnded: true }).ended;
  await expect
    .poll(() => eventsOf(gateway, "stream"))
    .toMatchObject([{ target: "mail", message: "13 bytes", outcome: "fin", sentBytes: 13, receivedBytes: 13 }]);
  expect(gateway.log.join("")).not.toContain("secret");
});
