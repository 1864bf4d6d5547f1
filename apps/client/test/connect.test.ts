import { createHash } from "node:crypto";
import { once } from "node:events";
import { existsSync } from "node:fs";
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { createServer } from "node:net";
import type { AddressInfo, Socket } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { text } from "node:stream/consumers";
import { createServer as createTlsServer } from "node:tls";
import { describe, expect, onTestFinished, test } from "vitest";
import { findProgram } from "../../../scripts/debian-programs.mjs";
import { Certificates } from "../../../test-support/certificate.ts";
import { startService } from "../../../test-support/services/debian.ts";
import { TestServer } from "../../../test-support/tcp-client.ts";
import { connect } from "../src/connect.ts";
import { exitOf, runCli, runCliBytes, startCli, until } from "./cli.ts";
import { openResponder } from "./tcp-peer.ts";

const sha256 = (bytes: Uint8Array): string => createHash("sha256").update(bytes).digest("hex");

/** Bytes in which every part differs from every other one. */
const sample = (byteCount: number): Buffer => {
  const bytes = Buffer.alloc(byteCount);
  for (let at = 0; at + 4 <= byteCount; at += 4) bytes.writeUInt32LE(Math.imul(at, 2_654_435_761) >>> 0, at);
  return bytes;
};

/** What a server has read when the client's FIN comes; the socket goes on. */
async function readAll(socket: Socket): Promise<Buffer> {
  const parts: Buffer[] = [];
  socket.on("data", (part: Buffer) => parts.push(part));
  await once(socket, "end");
  return Buffer.concat(parts);
}

async function openFolder(): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), "wirebook-connect-"));
  onTestFinished(() => rm(folder, { recursive: true }));
  return folder;
}

describe("in a pipe", () => {
  test("bytes go both ways as they are, and FIN at the end of each", async () => {
    const reply = Buffer.from([0, 27, 0x5b, 255, 254, 13, 10, 128]);
    const received: Promise<Buffer>[] = [];
    await using server = await TestServer.listen((socket) => {
      received.push(readAll(socket));
      socket.once("end", () => socket.end(reply));
    });
    const input = Buffer.from([10, 13, 0, 200, 7]);
    const { code, stdout, stderr } = await runCliBytes(["connect", server.address], { input });
    expect({ code, stdout, stderr }).toEqual({ code: 0, stdout: reply, stderr: "" });
    expect(await Promise.all(received)).toEqual([input]);
  });

  test("16 MiB arrive whole in each direction at once", async () => {
    const [there, back] = [sample(16 * 1024 * 1024), sample(16 * 1024 * 1024 + 1)];
    const received: Promise<Buffer>[] = [];
    await using server = await TestServer.listen((socket) => {
      received.push(readAll(socket));
      socket.end(back);
    });
    const { code, stdout } = await runCliBytes(["connect", server.address], { input: there });
    expect([code, sha256(stdout)]).toEqual([0, sha256(back)]);
    expect((await Promise.all(received)).map(sha256)).toEqual([sha256(there)]);
  });

  test("the server may speak and send FIN first: what is left of the input is still sent", async () => {
    const received: Promise<Buffer>[] = [];
    await using server = await TestServer.listen((socket) => {
      received.push(readAll(socket));
      socket.end("all that I have\n");
    });
    const child = startCli(["connect", server.address]);
    child.stdin.write("one\n");
    expect(await until(child.stdout, "have\n")).toBe("all that I have\n");
    child.stdin.end("two\n");
    child.stdout.resume();
    expect(await exitOf(child)).toBe(0);
    expect(String(await received[0])).toBe("one\ntwo\n");
  });

  test("--keep-open sends no FIN, and the server's ends it", async () => {
    let hasEnded = false;
    await using server = await TestServer.listen((socket) => {
      socket.once("end", () => (hasEnded = true));
      socket.once("data", () => socket.write("first\n"));
      socket.resume();
    });
    const child = startCli(["connect", "--keep-open", server.address]);
    child.stdin.end("x");
    await until(child.stdout, "first\n");
    // Whole conversations in which this one had time to send a FIN.
    await runCli(["connect", "--timeout", "60000", (await openEcho()).address], { input: "x" });
    expect(hasEnded).toBe(false);
    for (const socket of server.sockets) socket.end("second\n");
    expect(await until(child.stdout, "second\n")).toBe("second\n");
    child.stdout.resume();
    expect(await exitOf(child)).toBe(0);
  });

  test("the server waits while the output is not read", async () => {
    const replyBytes = 64 * 1024 * 1024;
    const sockets: Socket[] = [];
    await using server = await TestServer.listen((socket) => {
      sockets.push(socket);
      socket.end(Buffer.alloc(replyBytes));
    });
    const held = startCli(["connect", server.address]);
    await once(held.stdout, "readable");
    const { stdout } = await runCliBytes(["connect", server.address]);
    expect(stdout.length).toBe(replyBytes);
    expect(sockets[0]?.writableLength).toBeGreaterThan(0);
    held.kill();
    held.stdout.resume();
    await exitOf(held);
  });

  test("the input is held back while the server does not read", async () => {
    const inputBytes = 64 * 1024 * 1024;
    const input = Buffer.alloc(inputBytes);
    const received: Promise<Buffer>[] = [];
    let isFirst = true;
    await using server = await TestServer.listen((socket) => {
      if (isFirst) socket.pause();
      else received.push(readAll(socket));
      isFirst = false;
      socket.end();
    });
    const held = startCli(["connect", server.address]);
    held.stdin.end(input);
    await expect.poll(() => server.sockets.size).toBe(1);
    await runCli(["connect", server.address], { input });
    expect((await received[0])?.length).toBe(inputBytes);
    expect(held.stdin.writableLength).toBeGreaterThan(0);
    held.kill();
    await exitOf(held);
  });

  test("with --json the input waits while what is shown of it is not read", async () => {
    await using server = await TestServer.listen((socket) => {
      socket.resume();
      socket.once("end", () => socket.end());
    });
    // Far more than the pipes hold, and each byte is shown by four characters or more.
    const input = Buffer.alloc(1024 * 1024);
    const held = startCli(["connect", "--json", server.address]);
    held.stdin.end(input);
    await once(held.stdout, "readable");
    // Another one, which is read, goes through from end to end meanwhile.
    expect(await runCliBytes(["connect", "--json", server.address], { input })).toMatchObject({ code: 0 });
    expect(held.stdin.writableLength).toBeGreaterThan(0);
    held.kill();
    held.stdout.resume();
    await exitOf(held);
  });

  test("a reader that goes away ends it quietly", async () => {
    await using server = await TestServer.listen((socket) => void socket.write("line\n".repeat(4_000_000)));
    const child = startCli(["connect", server.address]);
    const complaint = text(child.stderr);
    await until(child.stdout, "line\n");
    child.stdout.destroy();
    expect({ code: await exitOf(child), complaint: await complaint }).toEqual({ code: 0, complaint: "" });
  });
});

/** A server that sends back what it gets. */
async function openEcho(): Promise<TestServer> {
  const server = await TestServer.listen((socket) => void socket.pipe(socket));
  onTestFinished(() => server[Symbol.asyncDispose]());
  return server;
}

describe("over a Unix socket", () => {
  test("it is the same", async () => {
    const path = join(await openFolder(), "echo.sock");
    const server = createServer({ allowHalfOpen: true }, (socket) => void socket.pipe(socket)).listen(path);
    onTestFinished(() => void server.close());
    await once(server, "listening");
    const input = sample(1024 * 1024);
    const { code, stdout, stderr } = await runCliBytes(["connect", `unix:${path}`], { input });
    expect({ code, sum: sha256(stdout), stderr }).toEqual({ code: 0, sum: sha256(input), stderr: "" });
  });

  test("where none is, a sentence says so", async () => {
    const path = join(await openFolder(), "none.sock");
    const { code, stderr } = await runCli(["connect", `unix:${path}`]);
    expect([code, stderr.split("\n").length]).toEqual([3, 2]);
    expect(stderr).toContain(path);
  });
});

/** A server that greets, answers each line in capitals, and ends at QUIT. */
async function openMail(files: { certPath: string; keyPath: string }): Promise<{ url: string }> {
  const [cert, key] = await Promise.all([readFile(files.certPath), readFile(files.keyPath)]);
  const server = createTlsServer({ cert, key, ALPNProtocols: ["smtp"] }, (socket) => {
    socket.on("error", () => {}); // A client that does not trust it breaks the handshake off.
    socket.write("220 mail.example\r\n");
    socket.on("data", (line) => {
      if (String(line).startsWith("QUIT")) socket.end("221 bye\r\n");
      else socket.write(`250 ${String(line).toUpperCase()}`);
    });
  }).listen(0, "127.0.0.1");
  onTestFinished(() => void server.close());
  await once(server, "listening");
  return { url: `tls://127.0.0.1:${(server.address() as AddressInfo).port}` };
}

describe("over TLS", () => {
  test("a conversation is held, and --trace has what the handshake came to", async () => {
    await using certificates = await Certificates.open();
    const files = await certificates.make("mail");
    const { url } = await openMail(files);
    const child = startCli(["connect", "--trace", `${url}?ca=${files.certPath}&alpn=smtp`]);
    const trace = text(child.stderr);
    await until(child.stdout, "220 mail.example\r\n");
    child.stdin.write("ehlo x\r\n");
    await until(child.stdout, "250 EHLO X\r\n");
    child.stdin.end("QUIT\r\n");
    await until(child.stdout, "221 bye\r\n");
    expect(await exitOf(child)).toBe(0);
    expect(await trace).toMatch(
      /secured +← TLSv1\.3, TLS_AES_\w+, ALPN smtp; certificate of CN=mail, issued by CN=mail, valid until 20/,
    );
  });

  test.each([
    ["self-signed", "", /certificate/],
    ["for another host", "ca=authority", /127\.0\.0\.1|host/],
  ])("a certificate that is %s is refused in a sentence, with the exit code 3", async (kind, parameter, sentence) => {
    await using certificates = await Certificates.open();
    const authority = await certificates.make("authority");
    const files =
      kind === "self-signed"
        ? await certificates.make("own")
        : await certificates.make("elsewhere", authority, "DNS:elsewhere.example");
    const { url } = await openMail(files);
    const query = parameter === "" ? "" : `?ca=${authority.certPath}`;
    const { code, stdout, stderr } = await runCli(["connect", url + query], { input: "QUIT\r\n" });
    expect({ code, stdout }).toEqual({ code: 3, stdout: "" });
    expect(stderr).toMatch(sentence);
    expect(stderr.split("\n")).toHaveLength(2);
  });

  test("a service that speaks no TLS fails with 3, and one that says nothing with 4", async () => {
    await using plain = await TestServer.listen((socket) => void socket.end("220 plain\r\n"));
    await using silent = await TestServer.listen((socket) => void socket.resume());
    expect(await runCli(["connect", `tls://${plain.address}`])).toMatchObject({ code: 3, stdout: "" });
    const { code, stderr } = await runCli(["connect", "--timeout", "300", `tls://${silent.address}`]);
    expect({ code, stderr }).toEqual({
      code: 4,
      stderr: expect.stringContaining("did not finish the TLS handshake within 300 ms") as string,
    });
  });
});

describe("what is shown", () => {
  test("--json is an object for each event, in which nothing acts on a terminal", async () => {
    await using server = await TestServer.listen((socket) => {
      socket.once("data", () => socket.write(Buffer.from([0x1b, 0xff, 0x0a])));
      socket.once("end", () => socket.end());
    });
    const child = startCli(["connect", "--json", server.address]);
    child.stdin.write("name~no-key\n");
    const begun = await until(child.stdout, '"read"');
    child.stdin.end();
    const { code, rest } = { rest: await text(child.stdout), code: await exitOf(child) };
    const lines = (begun + rest).trimEnd().split("\n");
    const ms = expect.any(Number) as number;
    expect(code).toBe(0);
    expect(lines.map((line) => JSON.parse(line) as unknown)).toEqual([
      expect.objectContaining({ type: "open", remote: { address: "127.0.0.1", port: server.port }, tls: null }),
      { type: "write", ms, offset: 0, bytes: 12, text: "name~no-key\n" },
      { type: "read", ms, offset: 0, bytes: 3, text: "\u001b\udcff\n" },
      { type: "fin", ms, from: "client" },
      { type: "fin", ms, from: "target" },
      { type: "end", failure: null, trace: expect.objectContaining({ sentBytes: 12, receivedBytes: 3 }) as unknown },
    ]);
    expect(lines[2]).toContain(String.raw`\u001b\udcff\n`);
  });

  test("--trace is a line for each step, on standard error", async () => {
    await using server = await TestServer.listen((socket) => {
      socket.once("data", () => socket.write("pong"));
      socket.once("end", () => socket.end());
    });
    const child = startCli(["connect", "--trace", server.address]);
    const trace = text(child.stderr);
    child.stdin.write("ping");
    expect(await until(child.stdout, "pong")).toBe("pong");
    child.stdin.end();
    expect(await exitOf(child)).toBe(0);
    const steps = [...(await trace).matchAll(/\.\d{3} +([a-z].*?) {2,}([→←] .*|both.*)$/gm)].map(([, step, what]) => [
      step,
      what,
    ]);
    expect(steps).toEqual([
      ["connecting", "→ SYN: asks for a connection"],
      ["established", "← SYN ACK: the server's system accepts it"],
      ["write 1", "→ 4 bytes"],
      ["read 1", "← 4 bytes"],
      ["fin", "→ FIN: this end sends no more"],
      ["fin", "← FIN: the target sends no more"],
      ["closed", "both ends have sent FIN"],
    ]);
    expect(await trace).toContain("4 bytes sent · 4 bytes received in 1 read");
  });

  test("--pcap has all bytes of a stream to any service, also behind a tilde", async () => {
    const path = join(await openFolder(), "a.pcapng");
    const echo = await openEcho();
    await runCli(["connect", "--pcap", path, echo.address], { input: "GET /~alice\n" });
    expect((await readFile(path)).includes("GET /~alice\n")).toBe(true);
  });
});

describe("the command line", () => {
  test.each([
    [[], "connect takes one target; type wirebook connect HOST:PORT"],
    [["localhost", "25"], "connect takes one target; type"],
    [["localhost"], "is not an address; type tcp://host:port"],
    [["http://localhost:80"], "is not an address; type tcp://host:port, tls://host:port or unix:/path"],
    [["localhost:1?proxy=v2"], "proxy=v2 names the client of a gateway"],
    [["tls://localhost:1?ca=/nonexistent"], "/nonexistent"],
    [["--eol", "crcr", "localhost:1"], '--eol is "crcr"; type crlf, lf, cr or none'],
    [["--host", "localhost", "localhost:1"], "unknown option --host"],
  ])("%j is refused in a sentence that says what to type", async (words, sentence) => {
    const { code, stdout, stderr } = await runCli(["connect", ...words]);
    expect({ code, stdout }).toEqual({ code: 2, stdout: "" });
    expect(stderr).toContain(sentence);
  });

  test("connect is a command where it is the first word, a mistake behind an option, and a user behind --", async () => {
    await using peer = await openResponder("fine\n");
    expect(await runCli([...peer.options, "connect", "localhost:25"])).toMatchObject({
      code: 2,
      stderr: expect.stringContaining("connect is a command; type it first (wirebook connect …)") as string,
    });
    await runCli([...peer.options, "--", "connect", "2"]);
    await runCli([...peer.options, "brick", "connect"]);
    expect(peer.messages).toEqual(["connect 2\n", "brick connect\n"]);
  });

  test("--help names every option, its variable and the default line end", async () => {
    const { code, stdout } = await runCli(["connect", "--help"]);
    expect({ code, stdout }).toEqual({ code: 0, stdout: connect.help });
    for (const [name, { env }] of Object.entries(connect.table)) {
      const option = name.replaceAll(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`);
      expect(stdout).toMatch(new RegExp(`^ {2}--${option} [^-]*${env}`, "m"));
    }
    expect(stdout).toContain("(WIREBOOK_EOL, crlf)");
    expect((await runCli(["--help"])).stdout).toContain("wirebook help connect");
  });

  test.each(["SIGINT", "SIGTERM", "SIGHUP"] as const)(
    "%s ends it with RST and 130, and leaves the record",
    async (signal) => {
      const path = join(await openFolder(), "hello.wire");
      const errors: Promise<unknown[]>[] = [];
      await using server = await TestServer.listen((socket) => {
        errors.push(once(socket, "error"));
        socket.write("hello\n");
        socket.resume();
      });
      const child = startCli(["connect", server.address, "--record", path]);
      await until(child.stdout, "hello\n");
      child.kill(signal);
      child.stdout.resume();
      expect(await exitOf(child)).toBe(130);
      expect(await errors[0]).toMatchObject([{ code: "ECONNRESET" }]);
      expect(await readFile(path, "utf8")).toContain("\n< hello\n");
    },
  );

  test("a connection that breaks gives 3", async () => {
    await using server = await TestServer.listen((socket) => void socket.once("data", () => socket.resetAndDestroy()));
    const broken = await runCli(["connect", server.address], { input: "x" });
    expect([broken.code, broken.stderr]).toEqual([3, expect.stringContaining("broke the connection")]);
  });
});

const hasRedis = findProgram("redis-server") !== undefined;

describe.skipIf(!hasRedis)("needs redis-server: a conversation with Redis", () => {
  test("over TCP and over its Unix socket", async () => {
    const socketPath = join(await openFolder(), "redis.sock");
    // With a title of its own it would write over its environment, by which it is known to belong to the tests.
    const words = ["--bind", "127.0.0.1", "--unixsocket", socketPath, "--save", "", "--set-proc-title", "no"];
    await using redis = await startService("redis-server", (port) => [...words, "--port", String(port)]);
    await expect.poll(() => existsSync(socketPath)).toBe(true);
    const input = "MULTI\r\nSET a 1\r\nINCR a\r\nEXEC\r\nQUIT\r\n";
    for (const target of [`127.0.0.1:${redis.port}`, `unix:${socketPath}`]) {
      const { code, stdout } = await runCli(["connect", target], { input });
      expect([code, stdout]).toEqual([0, "+OK\r\n+QUEUED\r\n+QUEUED\r\n*2\r\n+OK\r\n:2\r\n+OK\r\n"]);
    }
  });
});
