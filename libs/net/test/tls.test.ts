import { spawn } from "node:child_process";
import { once } from "node:events";
import { readFileSync } from "node:fs";
import type { Socket } from "node:net";
import { createSecureContext, TLSSocket } from "node:tls";
import type { TlsOptions } from "node:tls";
import { afterAll, beforeAll, describe, expect, test, vi } from "vitest";
import { Certificates } from "../../../test-support/certificate.ts";
import { HeldClock } from "../../../tests/interop/held-clock.ts";
import { describeTarget, parseTarget, tcpTarget } from "../src/index.ts";
import type { ExchangeError, Target } from "../src/index.ts";
import { openPeer } from "./peers.ts";
import type { Peer } from "./peers.ts";
import { converse, run } from "./runs.ts";

type Files = Awaited<ReturnType<Certificates["make"]>>;

let certificates: Certificates;
let authority: Files;
let server: Files;
let client: Files;

beforeAll(async () => {
  certificates = await Certificates.open();
  authority = await certificates.make("authority");
  server = await certificates.make("server", authority);
  client = await certificates.make("client", authority);
});

afterAll(() => certificates[Symbol.asyncDispose]());

/** A TLS server; `talk` gets the socket as soon as there is one, before the handshake. */
function openTlsPeer(talk: (socket: TLSSocket, transport: Socket) => void, options: Options = {}): Promise<Peer> {
  const { files = server, ...more } = options;
  const pair = { cert: readFileSync(files.certPath), key: readFileSync(files.keyPath) };
  const { minVersion, maxVersion, ca } = more;
  const secureContext = createSecureContext({ ...pair, minVersion, maxVersion, ca });
  return openPeer((transport) => {
    const socket = new TLSSocket(transport, { isServer: true, secureContext, ...more });
    // Best effort: tests break handshakes on purpose.
    socket.on("error", () => {});
    talk(socket, transport);
  });
}

interface Options extends TlsOptions {
  readonly files?: Files;
}

/** The peer as a target that trusts the authority, unless the parameters say otherwise. */
function targetOf({ port }: Peer, parameters = `ca=${authority.certPath}`, host = "127.0.0.1"): Target {
  return parseTarget(`mail=tls://${host}:${port}?${parameters}`);
}

/** The error with which an exchange fails. */
async function failureOf(target: Target, options = {}): Promise<Pick<ExchangeError, "code" | "message">> {
  const { events, ending } = run(target, options);
  const error = await ending;
  expect(events.filter((event) => event.startsWith("over"))).toHaveLength(1);
  return error as ExchangeError;
}

describe("TLS", () => {
  test("carries an exchange, and tells what the handshake came to", async () => {
    await using peer = await openTlsPeer(
      (socket) => socket.once("data", (bytes) => socket.end(`you said ${String(bytes)}`)),
      {
        ALPNProtocols: ["imap"],
      },
    );
    const target = targetOf(peer, `ca=${authority.certPath}&alpn=imap&servername=localhost`);
    const { events, texts, record, ending } = run(target, { isEnded: true });
    expect(await ending).toBe("fin");
    expect(texts.join("")).toBe("you said brick 2\n");
    expect(events).toEqual(["open", "written:8", "fin:own", "read:17", "over:fin"]);
    expect(record.tls).toEqual({
      version: "TLSv1.3",
      cipher: "TLS_AES_256_GCM_SHA384",
      alpn: "imap",
      peer: {
        subject: "CN=server",
        issuer: "CN=authority",
        validFrom: expect.stringMatching(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.000Z$/) as string,
        validTo: expect.stringMatching(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.000Z$/) as string,
      },
    });
    const { connecting, established, secured, written } = record.at;
    const times = [connecting, established, secured, written].map(Number);
    expect(times).toEqual(times.toSorted((one, other) => one - other));
    expect(record.remote).toEqual({ address: "127.0.0.1", port: peer.port });
    expect(record.local?.port).toBeGreaterThan(0);
    expect(describeTarget(target)).toBe(`mail (tls, 127.0.0.1:${peer.port})`);
  });

  test("goes on reading after its own FIN, and writing after the target's", async () => {
    const heard: string[] = [];
    await using peer = await openTlsPeer((socket) => {
      socket.on("data", (bytes) => heard.push(String(bytes)));
      socket.once("end", () => {
        heard.push("FIN");
        socket.write("after your FIN");
        socket.end();
      });
    });
    const mine = converse(targetOf(peer), { message: Buffer.from("last words"), isEnded: true });
    expect(await mine.ending).toBe("fin");
    expect(heard.join(" ")).toBe("last words FIN");
    expect(mine.texts.join("")).toBe("after your FIN");

    await using early = await openTlsPeer((socket) => {
      socket.end("I have said all");
      socket.on("data", (bytes) => heard.push(String(bytes)));
      socket.once("end", () => heard.push("end"));
    });
    const other = converse(
      targetOf(early),
      {},
      {
        onFin: (isFromTarget, _, connection) => {
          if (!isFromTarget) return;
          connection.write(Buffer.from("and I go on"));
          connection.end();
        },
      },
    );
    expect(await other.ending).toBe("fin");
    expect(other.events.filter((event) => event.startsWith("fin"))).toEqual(["fin:target"]);
    await vi.waitFor(() => expect(heard.slice(2)).toEqual(["and I go on", "end"]), { timeout: 60_000 });
  });

  test("takes a FIN without close_notify as the target's FIN", async () => {
    await using peer = await openTlsPeer((socket, transport) => {
      socket.write("cut", () => transport.end());
    });
    const { texts, ending } = run(targetOf(peer));
    expect(await ending).toBe("fin");
    expect(texts.join("")).toBe("cut");
  });

  test("is reset by RST of the TCP connection beneath, also while its FIN is on its way", async () => {
    for (const isEnding of [false, true]) {
      const seen = Promise.withResolvers<string>();
      await using peer = await openTlsPeer((socket, transport) => {
        socket.on("error", ({ code }: NodeJS.ErrnoException) => seen.resolve(String(code)));
        transport.on("error", ({ code }: NodeJS.ErrnoException) => seen.resolve(String(code)));
        socket.write("hello");
        // A socket that has ended is read no more, so only a write finds out.
        const look = (): void => void socket.write("?", (error) => void (error ?? setImmediate(look)));
        socket.once("end", look).resume();
      });
      const { ending } = converse(
        targetOf(peer),
        {},
        {
          onRead(_, __, connection) {
            if (isEnding) connection.end();
            connection.reset();
          },
        },
      );
      expect(await ending).toBe("reset");
      expect(await seen.promise).toMatch(isEnding ? /^(ECONNRESET|EPIPE)$/ : /^ECONNRESET$/);
    }
  });

  test("sends a PROXY header before the handshake", async () => {
    const seen = Promise.withResolvers<string>();
    const pair = { cert: readFileSync(server.certPath), key: readFileSync(server.keyPath) };
    await using peer = await openPeer((transport) => {
      transport.once("readable", () => {
        seen.resolve(String(transport.read(7)));
        const socket = new TLSSocket(transport, { isServer: true, secureContext: createSecureContext(pair) });
        socket.on("error", () => {});
        socket.once("data", () => socket.end("fine"));
      });
    });
    const { texts, record, ending } = run(targetOf(peer), { proxyHeader: Buffer.from("PROXY 2") });
    expect(await ending).toBe("fin");
    expect(await seen.promise).toBe("PROXY 2");
    expect(texts.join("")).toBe("fine");
    expect(record.sentBytes).toBe(8);
  });

  test("reads slowly where it is told to", async () => {
    using clock = new HeldClock();
    await using peer = await openTlsPeer((socket) => socket.once("data", () => socket.end("0123456789")));
    const read = { afterMs: 40, bytes: 4, everyMs: 30 };
    const { record, texts, ending } = run(targetOf(peer), { read });
    await clock.until(() => record.at.secured !== undefined);
    for (const [index, ms] of [40, 30, 30, 30].entries()) {
      clock.pass(ms);
      await clock.until(() => record.readCount > index || record.at.closed !== undefined);
    }
    expect(await ending).toBe("fin");
    expect(texts).toEqual(["0123", "4567", "89"]);
    expect(record.reads.map(({ atMs }) => Math.round(atMs - Number(record.at.secured)))).toEqual([40, 70, 100]);
  });

  test("holds the target back while it is paused", async () => {
    const replyBytes = 32 * 1024 * 1024;
    const sockets: TLSSocket[] = [];
    await using peer = await openTlsPeer((socket) => {
      sockets.push(socket);
      socket.end(Buffer.alloc(replyBytes));
    });
    const paused = Promise.withResolvers<void>();
    const held = converse(
      targetOf(peer),
      {},
      {
        onRead(_, __, connection) {
          if (connection.record.readCount > 1) return;
          connection.pause();
          paused.resolve();
        },
        onFin: (_, __, connection) => connection.end(),
      },
    );
    await paused.promise;
    const free = run(targetOf(peer));
    expect(await free.ending).toBe("fin");
    expect(held.record.readCount).toBe(1);
    expect(sockets[0]?.writableFinished).toBe(false);
    held.connection.resume();
    expect(await held.ending).toBe("fin");
    expect(held.record.receivedBytes).toBe(replyBytes);
  });

  test("may be paused at any time before the handshake is over", async () => {
    await using peer = await openTlsPeer((socket) => socket.end("welcome"));
    const { connection, record, texts, events, ending } = run(targetOf(peer));
    connection.pause();
    await vi.waitFor(() => expect(events).toContain("open"), { timeout: 60_000 });
    expect(record.readCount).toBe(0);
    connection.resume();
    expect(await ending).toBe("fin");
    const early = run(targetOf(peer));
    early.connection.pause();
    await vi.waitFor(() => expect(early.record.at.established).toBeDefined(), { timeout: 60_000 });
    early.connection.resume();
    expect(await early.ending).toBe("fin");
    expect([...texts, ...early.texts]).toEqual(["welcome", "welcome"]);
  });

  test("lets an exchange be left before the handshake is over", async () => {
    const { promise: accepted, resolve } = Promise.withResolvers<Socket>();
    await using peer = await openPeer(resolve);
    const { connection, record, events, ending } = run(targetOf(peer));
    await accepted;
    await vi.waitFor(() => expect(record.at.established).toBeDefined(), { timeout: 60_000 });
    connection.cancel();
    expect(await ending).toBe("cancelled");
    expect(events).toEqual(["over:cancelled"]);
  });
});

describe("TLS fails with", () => {
  test("connect-timeout where the handshake is not answered", async () => {
    await using peer = await openPeer((socket) => socket.resume());
    expect(await failureOf(targetOf(peer), { connectTimeoutMs: 300 })).toMatchObject({
      code: "connect-timeout",
      message: `127.0.0.1:${peer.port} accepted the connection but did not finish the TLS handshake within 300 ms; check that this port speaks TLS`,
    });
  });

  test("tls-failed where something else is spoken, or the connection is closed", async () => {
    await using plain = await openPeer((socket) => socket.write("* OK IMAP4rev1 ready\r\n"));
    expect(await failureOf(targetOf(plain))).toMatchObject({ code: "tls-failed" });
    await using closing = await openPeer((socket) => socket.once("data", () => socket.end()));
    const { code, message } = await failureOf(targetOf(closing));
    expect({ code, message }).toEqual({
      code: "tls-failed",
      message: `the TLS handshake with 127.0.0.1:${closing.port} failed (ECONNRESET); check that this port speaks TLS`,
    });
  });

  test.each([
    ["tls-expired", "20200101000000Z", "20210101000000Z", "has expired"],
    ["tls-not-yet-valid", "20900101000000Z", "20910101000000Z", "is not valid yet"],
  ])("%s", async (code, from, until, words) => {
    const files = await certificates.makeValid(code, authority, from, until);
    await using peer = await openTlsPeer(() => {}, { files });
    expect(await failureOf(targetOf(peer))).toMatchObject({ code, message: expect.stringContaining(words) as string });
  });

  test("tls-wrong-host where the certificate has other names", async () => {
    const files = await certificates.make("elsewhere", authority, "DNS:elsewhere.example");
    await using peer = await openTlsPeer(() => {}, { files });
    expect(await failureOf(targetOf(peer))).toMatchObject({ code: "tls-wrong-host" });
    // As soon as the right name is expected, all is well.
    await using right = await openTlsPeer((socket) => socket.end("welcome"), { files });
    const parameters = `ca=${authority.certPath}&servername=elsewhere.example`;
    expect(await run(targetOf(right, parameters)).ending).toBe("fin");
  });

  test("tls-self-signed and tls-unknown-authority", async () => {
    const files = await certificates.make("alone");
    await using alone = await openTlsPeer(() => {}, { files });
    expect(await failureOf(targetOf(alone))).toMatchObject({ code: "tls-self-signed" });
    await using peer = await openTlsPeer(() => {});
    expect(await failureOf(targetOf(peer, "alpn=x"))).toMatchObject({ code: "tls-unknown-authority" });
    // The certificate itself may be what is trusted.
    await using trusted = await openTlsPeer((socket) => socket.end("welcome"), { files });
    expect(await run(targetOf(trusted, `ca=${files.certPath}`)).ending).toBe("fin");
  });

  test("tls-no-common-protocol for a version and for an application protocol", async () => {
    await using old = await openTlsPeer(() => {}, { minVersion: "TLSv1.1", maxVersion: "TLSv1.1" });
    expect(await failureOf(targetOf(old))).toMatchObject({ code: "tls-no-common-protocol" });
    await using other = await openTlsPeer(() => {}, { ALPNProtocols: ["smtp"] });
    const target = targetOf(other, `ca=${authority.certPath}&alpn=imap`);
    expect(await failureOf(target)).toMatchObject({ code: "tls-no-common-protocol" });
  });

  test.each(["-tls1_2", "-tls1_3"])("tls-client-certificate where openssl wants one: %s", async (version) => {
    await using peer = await openDemandingServer(version);
    const targetWith = ({ certPath, keyPath }: Files): Target =>
      targetOf(peer, `ca=${authority.certPath}&cert=${certPath}&key=${keyPath}`);
    const accepted = converse(targetWith(client), { message: Buffer.from("hello\n") });
    await peer.said("hello");
    accepted.connection.cancel();
    expect(await accepted.ending).toBe("cancelled");

    expect(await failureOf(targetWith(await certificates.make("stranger")))).toMatchObject({
      code: "tls-client-certificate",
      message: expect.stringContaining("wants a client certificate that it trusts") as string,
    });
    expect(await failureOf(targetOf(peer))).toMatchObject({
      code: "tls-client-certificate",
      message: expect.stringContaining("a client certificate") as string,
    });
  });
});

/** `openssl s_server`, which only a client with a certificate of the authority may use. */
async function openDemandingServer(version: string): Promise<Peer & { said(words: string): Promise<void> }> {
  const own = ["-cert", server.certPath, "-key", server.keyPath];
  const others = ["-CAfile", authority.certPath, "-Verify", "1", "-verify_return_error"];
  const child = spawn("openssl", ["s_server", "-accept", "127.0.0.1:0", version, ...own, ...others], {
    // It ends when its input does.
    stdio: ["pipe", "pipe", "ignore"],
  });
  let output = "";
  child.stdout.on("data", (bytes) => (output += String(bytes)));
  const said = async (words: string | RegExp): Promise<void> => {
    while (output.search(words) < 0) await once(child.stdout, "data");
  };
  await said(/ACCEPT .*:\d+\n/);
  const port = Number(/ACCEPT .*:(\d+)/.exec(output)?.[1]);
  return {
    target: tcpTarget("openssl", { host: "127.0.0.1", port }),
    port,
    said,
    async [Symbol.asyncDispose]() {
      child.kill();
      await once(child, "exit");
    },
  };
}
