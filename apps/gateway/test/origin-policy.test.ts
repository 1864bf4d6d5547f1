import { request } from "node:http";
import { createConnection } from "node:net";
import { once } from "node:events";
import { text } from "node:stream/consumers";
import { describe, expect, test } from "vitest";
import { subprotocol } from "@wirebook/protocol";
import { OriginPolicy } from "../src/http/access-control.ts";
import { closedPort, eventsOf, openGateway } from "./gateway-fixture.ts";
import type { Gateway } from "./gateway-fixture.ts";

const handshake = {
  connection: "Upgrade",
  upgrade: "websocket",
  "sec-websocket-version": "13",
  "sec-websocket-key": "AAAAAAAAAAAAAAAAAAAAAA==",
  "sec-websocket-protocol": subprotocol,
};

/** The status of a plain request, or of an upgrade: 101 when the gateway became a WebSocket. */
async function statusOf(gateway: Gateway, path: string, headers: Record<string, string | string[]>): Promise<number> {
  const asked = request({ host: "127.0.0.1", port: gateway.port, path, headers, agent: false });
  const { promise, resolve, reject } = Promise.withResolvers<number>();
  asked.on("response", (response) => {
    response.resume();
    response.on("close", () => resolve(response.statusCode ?? 0));
  });
  asked.on("upgrade", (_response, socket) => {
    socket.destroy();
    resolve(101);
  });
  asked.on("error", reject);
  asked.end();
  return promise;
}

/** The status for a request as it is written here, with each `HOST` replaced by the gateway's own. */
async function statusOfText(gateway: Gateway, head: string): Promise<number> {
  const socket = createConnection(gateway.port, "127.0.0.1");
  socket.write(`${head.replaceAll("HOST", gateway.host)}\r\nConnection: close\r\n\r\n`);
  return Number((await text(socket)).split(" ", 2)[1]);
}

describe("over the wire", () => {
  test.each([
    ["GET /healthz HTTP/1.1\r\nHost: HOST", 200],
    ["GET /healthz HTTP/1.1\r\nHost: HOST\r\nHost: HOST", 400],
    ["GET / HTTP/1.1\r\nHost: HOST\r\nhost: evil.example", 400],
    ["GET /metrics HTTP/1.0\r\nHost: HOST\r\nHost: HOST", 400],
    ["GET /ws HTTP/1.1\r\nHost: HOST\r\nHost: HOST\r\nOrigin: http://HOST\r\nUpgrade: websocket", 400],
    ["GET /healthz HTTP/1.1\r\nX: y", 400],
    ["GET /healthz HTTP/1.1\r\nHost: a b", 400],
    ["GET /healthz HTTP/1.1\r\nHost: HOST/", 400],
    ["GET /healthz HTTP/1.1\r\nHost: HOST, HOST", 400],
    ["GET /healthz HTTP/1.1\r\nHost:", 400],
    ["GET /%zz HTTP/1.1\r\nHost: evil.example", 403],
    ["GET /%zz HTTP/1.1\r\nHost: HOST", 404],
    // HAProxy's `option httpchk` asks like that.
    ["OPTIONS / HTTP/1.0", 403],
    ["GET /healthz HTTP/1.0", 200],
    ["GET /readyz HTTP/1.0", 503],
    ["GET /metrics HTTP/1.0", 403],
    ["GET / HTTP/1.0", 403],
  ])("answers %j with %i (RFC 9112, section 3.2)", async (head, status) => {
    await using gateway = await openGateway(await closedPort());
    expect(await statusOfText(gateway, head)).toBe(status);
  });

  test.each(["/", "/ws", "/healthz", "/%zz", "/tcp/%ff"])(
    "closes the connection of a refused upgrade to %s",
    async (path) => {
      await using gateway = await openGateway(await closedPort());
      const socket = createConnection(gateway.port, "127.0.0.1");
      socket.write(
        `GET ${path} HTTP/1.1\r\nHost: ${gateway.host}\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n`,
      );
      expect(await text(socket)).toMatch(/^HTTP\/1.1 40[34] [^]*\ncontent-security-policy: /);
    },
  );

  test("closes a connection over which no request comes, or only a part of one", async () => {
    await using gateway = await openGateway(await closedPort(), { limits: { httpRequestMs: 60, httpLookMs: 20 } });
    const parts = ["", "GET / HT", `GET / HTTP/1.1\r\nHost: ${gateway.host}\r\n`];
    const ended = parts.map(async (part) => {
      const socket = createConnection(gateway.port, "127.0.0.1");
      socket.write(part);
      return text(socket);
    });
    for (const answer of await Promise.all(ended)) expect(answer).toMatch(/^HTTP\/1.1 408 /);
  });

  test("upgrades for the allowed pairs of Host and Origin and for no other", async () => {
    await using gateway = await openGateway(await closedPort(), { config: { origin: ["https://wirebook.example"] } });
    const { port } = gateway;
    const goodHosts = [`127.0.0.1:${port}`, `localhost:${port}`, `[::1]:${port}`, "wirebook.example"];
    const badHosts = [
      "evil.example",
      `evil.example:${port}`,
      "127.0.0.1",
      `127.0.0.1:${port + 1}`,
      `127.0.0.2:${port}`,
      `0x7f.1:${port}`,
      `localhost.evil.example:${port}`,
      `wirebook.example:${port}`,
    ];
    const goodOrigins = [`http://127.0.0.1:${port}`, `http://localhost:${port}`, "https://wirebook.example"];
    const badOrigins = [
      "http://evil.example",
      `http://evil.example:${port}`,
      `https://127.0.0.1:${port}`,
      `http://127.0.0.1:${port}/`,
      `http://127.0.0.1:${port}.evil.example`,
      `http://127.0.0.1:${port}, http://evil.example`,
      `HTTP://127.0.0.1:${port}`,
      "http://127.0.0.1",
      "http://wirebook.example",
      "https://wirebook.example:443",
      "https://wirebook.example.evil.example",
      "null",
      "file://",
      "",
    ];
    for (const host of [...goodHosts, ...badHosts]) {
      for (const origin of [...goodOrigins, ...badOrigins]) {
        // A page of the gateway's own name goes with no other Host: elsewhere that name is another machine.
        const isOwnPage = origin.startsWith("http:");
        const isGood =
          goodHosts.includes(host) && goodOrigins.includes(origin) && !(isOwnPage && host === "wirebook.example");
        const status = await statusOf(gateway, "/ws", { ...handshake, host, origin });
        expect([host, origin, status]).toEqual([host, origin, isGood ? 101 : 403]);
      }
    }
  });

  test("refuses an upgrade without an Origin, with two, without the subprotocol, and anywhere but at /ws", async () => {
    await using gateway = await openGateway(await closedPort());
    const { host } = gateway;
    const origin = `http://${host}`;
    expect(await statusOf(gateway, "/ws", { ...handshake, host })).toBe(403);
    expect(await statusOf(gateway, "/ws", { ...handshake, host, origin: [origin, "http://evil.example"] })).toBe(403);
    expect(await statusOf(gateway, "/ws", { ...handshake, host, origin, "sec-websocket-protocol": "chat" })).toBe(400);
    for (const path of ["/", "/healthz", "/readyz", "/nowhere"]) {
      expect(await statusOf(gateway, path, { ...handshake, host, origin })).toBe(404);
    }
    expect(await statusOf(gateway, "/ws", { ...handshake, host, origin })).toBe(101);
  });

  test("looks at the Host of every request", async () => {
    await using gateway = await openGateway(await closedPort());
    for (const path of ["/", "/healthz", "/readyz", "/ws", "/assets/x.js", "/nowhere"]) {
      expect(await statusOf(gateway, path, { host: `evil.example:${gateway.port}` })).toBe(403);
    }
    expect(await statusOf(gateway, "/healthz", { host: `LocalHost:${gateway.port}` })).toBe(200);
    expect(eventsOf(gateway, "refused")).toContainEqual(
      expect.objectContaining({ address: "127.0.0.1", status: 403, message: expect.stringContaining("evil.example") }),
    );
  });

  test("survives a connection that is reset while it is being refused", async () => {
    await using gateway = await openGateway(await closedPort());
    for (let at = 0; at < 20; at++) {
      const socket = createConnection(gateway.port, "127.0.0.1");
      await once(socket, "connect");
      const head = Object.entries(handshake).map(([name, value]) => `${name}: ${value}\r\n`);
      socket.write(`GET /ws HTTP/1.1\r\nHost: ${gateway.host}\r\nOrigin: http://evil.example\r\n${head.join("")}\r\n`);
      socket.resetAndDestroy();
      await once(socket, "close");
    }
    expect(await statusOf(gateway, "/healthz", { host: gateway.host })).toBe(200);
  });
});

describe("the allow-list", () => {
  test("knows only its own name beyond loopback, and the origins that it was told", () => {
    const admission = new OriginPolicy("http", "192.0.2.7", 8007, ["https://wirebook.example", "http://10.0.0.5:8007"]);
    const isIn = (host: string): boolean => admission.refuseHost(host) === undefined;
    expect(["192.0.2.7:8007", "wirebook.example", "10.0.0.5:8007"].map(isIn)).toEqual([true, true, true]);
    expect(["127.0.0.1:8007", "localhost:8007", "[::1]:8007", "10.0.0.5"].map(isIn)).toEqual([
      false,
      false,
      false,
      false,
    ]);
  });

  test("does not know every address as a name, nor another scheme than its own", () => {
    const open = new OriginPolicy("http", "0.0.0.0", 8007, ["https://wirebook.example"]);
    expect(open.refuseHost("0.0.0.0:8007")).toMatchObject({ status: 403, reason: "host" });
    expect(open.refuseHost("wirebook.example")).toBeUndefined();
    const secure = new OriginPolicy("https", "localhost", 443, []);
    expect(secure.refuseHost("localhost")).toBeUndefined();
    const from = (origin: string) => secure.refuseOrigin("localhost", origin);
    expect(from("https://localhost")).toBeUndefined();
    expect(from("https://localhost:443")).toBeUndefined();
    expect(from("http://localhost")).toMatchObject({ status: 403, reason: "origin" });
  });

  test("leaves out port 80 as a browser does", () => {
    const admission = new OriginPolicy("http", "localhost", 80, []);
    expect(admission.refuseHost("localhost")).toBeUndefined();
    expect(admission.refuseHost("[::1]")).toBeUndefined();
    expect(admission.refuseOrigin("[::1]", "http://localhost")).toBeUndefined();
  });

  test("names in its message what to open and what to pass", () => {
    const admission = new OriginPolicy("http", "127.0.0.1", 8007, []);
    expect(admission.refuseHost("evil.example")?.message).toContain("open http://127.0.0.1:8007");
    expect(admission.refuseHost()?.message).toContain('does not serve the host ""');
    expect(admission.refuseOrigin("127.0.0.1:8007", "http://a.example")?.message).toContain(
      '"http://a.example" may not connect',
    );
    expect(admission.refuseOrigin("127.0.0.1:8007")?.message).toContain("open http://127.0.0.1:8007");
  });
});
