import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { once } from "node:events";
import { get } from "node:http";
import type { IncomingMessage } from "node:http";
import { createConnection } from "node:net";
import type { Socket } from "node:net";
import { pipeline, Readable } from "node:stream";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, test } from "vitest";
import { closedPort, openBackend, openGateway, openPage } from "./gateway-fixture.ts";
import type { Gateway } from "./gateway-fixture.ts";

/** A folder that is removed when it is disposed of. */
async function openFolder(): Promise<AsyncDisposable & { path: string }> {
  const path = await mkdtemp(join(tmpdir(), "wirebook-page-"));
  return { path, [Symbol.asyncDispose]: () => rm(path, { recursive: true }) };
}

async function buildPage(folder: string): Promise<void> {
  await mkdir(join(folder, "assets"));
  await writeFile(join(folder, "index.html"), "<!doctype html><title>Wirebook</title>");
  await writeFile(join(folder, "assets", "index-B1gH4sh0.js"), "export {};\n");
  await writeFile(join(folder, "favicon.svg"), "<svg/>");
  await writeFile(join(folder, ".built-from"), "a stamp");
}

function ask({ port }: Gateway, path: string, options: RequestInit = {}): Promise<Response> {
  return fetch(`http://127.0.0.1:${port}${path}`, { redirect: "manual", ...options });
}

test("serves the built page: the start never from a cache, hashed files from it for a year", async () => {
  await using folder = await openFolder();
  await buildPage(folder.path);
  await using gateway = await openGateway(await closedPort(), { config: { page: folder.path } });
  const start = await ask(gateway, "/");
  expect(start.status).toBe(200);
  expect(start.headers.get("content-type")).toBe("text/html; charset=utf-8");
  expect(start.headers.get("cache-control")).toBe("no-cache");
  expect(await start.text()).toContain("<title>Wirebook</title>");
  const script = await ask(gateway, "/assets/index-B1gH4sh0.js");
  expect(script.headers.get("content-type")).toMatch(/^(text|application)\/javascript/);
  expect(script.headers.get("cache-control")).toBe("public, max-age=31536000, immutable");
  const icon = await ask(gateway, "/favicon.svg", { method: "HEAD" });
  expect([icon.status, icon.headers.get("cache-control")]).toEqual([200, "no-cache"]);
  // By hand, because fetch asks past caches when it is given a condition.
  const again = get({ port: gateway.port, headers: { "if-none-match": String(start.headers.get("etag")) } });
  const [response] = (await once(again, "response")) as [IncomingMessage];
  response.resume();
  expect(response.statusCode).toBe(304);
});

test("closes a connection whose client does not read, and leaves a WebSocket that is silent", async () => {
  await using folder = await openFolder();
  await buildPage(folder.path);
  await writeFile(join(folder.path, "assets", "large.js"), Buffer.alloc(16 * 1024 * 1024));
  const options = { config: { page: folder.path }, limits: { httpStalledMs: 2000 } };
  await using gateway = await openGateway(await closedPort(), options);
  await using page = await openPage(gateway);
  await page.frame("hello");
  const client = createConnection(gateway.port, "127.0.0.1").pause();
  client.write(`GET /assets/large.js HTTP/1.1\r\nHost: ${gateway.host}\r\n\r\n`);
  const [socket] = (await once(gateway.app.server, "connection")) as [Socket];
  await once(socket, "close");
  expect(socket.bytesWritten).toBeGreaterThan(0);
  expect(page.socket.readyState).toBe(page.socket.OPEN);
  client.destroy();
});

test("serves nothing but the page's own files", async () => {
  await using folder = await openFolder();
  const dist = join(folder.path, "dist");
  await mkdir(dist);
  await buildPage(dist);
  await writeFile(join(folder.path, "secret.txt"), "secret");
  await using gateway = await openGateway(await closedPort(), { config: { page: dist } });
  for (const path of [
    "/nowhere",
    "/.built-from",
    "/../secret.txt",
    "/%2e%2e/secret.txt",
    "/..%2fsecret.txt",
    "/assets/..%2f..%2fsecret.txt",
  ]) {
    const answer = await ask(gateway, path);
    expect([path, answer.status]).toEqual([path, expect.toBeOneOf([400, 403, 404])]);
    expect(await answer.text()).not.toContain("secret\n");
  }
  expect((await ask(gateway, "/", { method: "POST", body: "x" })).status).toBe(404);
});

test("says how to build the page when it is not built, and serves it as soon as it is", async () => {
  await using folder = await openFolder();
  await using gateway = await openGateway(await closedPort(), { config: { page: folder.path } });
  const missing = await ask(gateway, "/");
  expect(missing.status).toBe(503);
  expect(await missing.text()).toContain("run `npm start` to build it");
  await buildPage(folder.path);
  expect((await ask(gateway, "/")).status).toBe(200);
});

test("sends the security headers with every answer, the refused ones too", async () => {
  await using gateway = await openGateway(await closedPort());
  const answers = await Promise.all(["/", "/healthz", "/readyz", "/ws", "/nowhere"].map((path) => ask(gateway, path)));
  for (const { headers } of answers) {
    const policy = headers.get("content-security-policy")?.split("; ");
    expect(policy).toEqual(
      expect.arrayContaining([
        "default-src 'none'",
        "script-src 'self'",
        "connect-src 'self'",
        "base-uri 'none'",
        "frame-ancestors 'none'",
        "require-trusted-types-for 'script'",
        "trusted-types svelte-trusted-html",
      ]),
    );
    expect(policy?.join()).not.toMatch(/unsafe|\*|https?:/);
    expect(headers.get("x-content-type-options")).toBe("nosniff");
    expect(headers.get("referrer-policy")).toBe("same-origin");
    expect(headers.get("cross-origin-opener-policy")).toBe("same-origin");
    expect(headers.get("permissions-policy")).toContain("camera=()");
  }
});

test("tells a browser that /ws is for WebSockets", async () => {
  await using gateway = await openGateway(await closedPort());
  const answer = await ask(gateway, "/ws");
  expect([answer.status, answer.headers.get("upgrade")]).toEqual([426, "websocket"]);
});

test("is healthy without a server, but not ready", async () => {
  const closed = await closedPort();
  await using gateway = await openGateway(closed);
  expect((await ask(gateway, "/healthz")).status).toBe(200);
  const ready = await ask(gateway, "/readyz");
  expect(ready.status).toBe(503);
  expect(ready.headers.get("cache-control")).toBe("no-store");
  expect(await ready.text()).toContain(`nothing listens on 127.0.0.1:${closed.port}`);
});

test.each<[string, (socket: Socket) => void, number, RegExp]>([
  ["that closes, like the reference server", (socket) => socket.on("end", () => socket.end()), 200, /^ready\n$/],
  ["that speaks first and stays", (socket) => socket.write("220 mail ready\r\n"), 200, /^ready\n$/],
  ["that says nothing", () => undefined, 503, /sent nothing for 60 ms; it may be hung, .*\n$/],
  [
    "that resets the connection",
    (socket) => socket.resetAndDestroy(),
    503,
    /broke the connection after 0 bytes of its reply \(ECONNRESET\); .*\n$/,
  ],
  [
    "that cannot write",
    (socket) => socket.on("end", () => socket.end("https://x\n\nError: not ready: the disk is full\n")),
    503,
    /^the server is not ready: the disk is full\n$/,
  ],
  [
    "that says more than a terminal bears",
    (socket) => socket.on("end", () => socket.end(`Error: not ready: f\u00fcll\x1b[31m${"x".repeat(9000)}\n`)),
    503,
    /is not ready: füll\\u001b\[31mx{200,300}\n$/,
  ],
  [
    "that sends without end",
    (socket) => void pipeline(Readable.from(endless()), socket, () => undefined),
    200,
    /^ready\n$/,
  ],
])("asks a server %s whether it is ready", async (_, talk, status, sentence) => {
  await using backend = await openBackend((socket) => {
    socket.resume();
    talk(socket);
  });
  const isSilent = status === 503 && sentence.source.includes("60 ms");
  const limits = isSilent ? { readinessTimeoutMs: 60 } : { readinessTimeoutMs: 500 };
  await using gateway = await openGateway(backend, { limits });
  const answer = await ask(gateway, "/readyz");
  expect([answer.status, await answer.text()]).toEqual([status, expect.stringMatching(sentence)]);
});

function* endless(): Generator<Buffer> {
  for (;;) yield Buffer.alloc(16 * 1024, "x");
}

test("tries the server once for many questions, without a byte, and again when the answer is old", async () => {
  let bytes = 0;
  await using backend = await openBackend((socket) => {
    socket.on("data", (chunk) => (bytes += chunk.length));
    socket.on("end", () => socket.end());
  });
  await using gateway = await openGateway(backend, { limits: { readinessKeptMs: 60_000 } });
  const answers = await Promise.all(Array.from({ length: 50 }, () => ask(gateway, "/readyz")));
  expect(answers.every(({ status }) => status === 200)).toBe(true);
  expect((await ask(gateway, "/readyz")).status).toBe(200);
  expect([backend.acceptedCount, bytes]).toEqual([1, 0]);
  await using forgetful = await openGateway(backend, { limits: { readinessKeptMs: 0 } });
  await ask(forgetful, "/readyz");
  await ask(forgetful, "/readyz");
  expect(backend.acceptedCount).toBe(3);
  await expect.poll(() => backend.sockets.size).toBe(0);
});
