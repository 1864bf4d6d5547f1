import { spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { writeFile } from "node:fs/promises";
import { createConnection } from "node:net";
import type { Socket } from "node:net";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { expect, onTestFinished, test } from "vitest";
import { Certificates } from "../../../test-support/certificate.ts";
import { usersText } from "./auth-fixture.ts";
import { closedPort, openBackend, openFolder, openGateway, openMute, openPage } from "./gateway-fixture.ts";

const main = fileURLToPath(new URL("../src/main.ts", import.meta.url));

/** A gateway in a process of its own, killed when it is disposed of. */
interface Program extends AsyncDisposable {
  readonly out: () => string;
  readonly err: () => string;
  /** Waits for the line that says where it listens. */
  listening(): Promise<{ event: string; host: string; port: number; page: string }>;
  /** Waits for a line that contains a text. */
  saying(text: string): Promise<string>;
  kill(signal: NodeJS.Signals): void;
  readonly exited: Promise<number | null>;
}

function run(words: readonly string[], env: Record<string, string> = {}): Program {
  const child = spawn(process.execPath, [main, ...words], { env: { ...process.env, ...env } });
  let out = "";
  let err = "";
  child.stdout.on("data", (chunk: Buffer) => (out += chunk.toString()));
  child.stderr.on("data", (chunk: Buffer) => (err += chunk.toString()));
  const exited = once(child, "close").then(([code]) => code as number | null);
  const saying = async (text: string): Promise<string> => {
    for (;;) {
      const line = out.split("\n").find((each) => each.includes(text));
      if (line !== undefined) return line;
      if (child.exitCode !== null) throw new Error(`the gateway ended: ${err}`);
      await Promise.race([once(child.stdout, "data"), exited]);
    }
  };
  return {
    out: () => out,
    err: () => err,
    exited,
    saying,
    listening: async () => JSON.parse(await saying('"event":"listening"')) as Awaited<ReturnType<Program["listening"]>>,
    kill: (signal) => child.kill(signal),
    async [Symbol.asyncDispose]() {
      child.kill("SIGKILL");
      await exited;
    },
  };
}

test("starts without its server, says where it listens, carries an exchange and stops on SIGTERM", async () => {
  const { port: serverPort } = await closedPort();
  await using program = run(["--port", "0", "--server", `127.0.0.1:${serverPort}`]);
  const { port, ...listening } = await program.listening();
  const address = `http://127.0.0.1:${port}/`;
  expect(listening).toEqual({
    event: "listening",
    host: "127.0.0.1",
    page: address,
    targets: [`wirebook (tcp, 127.0.0.1:${serverPort})`],
    listening: [],
  });
  await using page = await openPage({ host: `127.0.0.1:${port}` });
  expect((await page.ask({ type: "request", id: 1, user: "brick" })).last).toMatchObject({ code: "connect-refused" });
  program.kill("SIGTERM");
  expect(await page.closing).toMatchObject({ code: 1001, reason: expect.stringMatching(/^shutting-down: /) });
  expect(await program.exited).toBe(0);
  expect(program.err()).toBe("");
});

test("exits at once on a second signal", async () => {
  await using mute = await openMute();
  await using program = run(["--port", "0", "--server", `127.0.0.1:${mute.port}`]);
  const { port } = await program.listening();
  await using page = await openPage({ host: `127.0.0.1:${port}` });
  const stream = page.start({ type: "request", id: 1, user: "brick" });
  await stream.opened;
  program.kill("SIGINT");
  await page.error("shutting-down");
  program.kill("SIGINT");
  expect(await program.exited).toBe(1);
});

test("prints the address that users were given when it listens on all, and https when it speaks TLS", async () => {
  await using certificates = await Certificates.open();
  const { certPath, keyPath } = await certificates.make("first");
  const words = ["--port", "0", "--tls-cert", certPath, "--tls-key", keyPath];
  await using own = run(words);
  const { port, page } = await own.listening();
  expect(page).toBe(`https://127.0.0.1:${port}/`);
  await using all = run([...words, "--host", "0.0.0.0", "--origin", "https://wirebook.example", "--auth", "none"]);
  expect((await all.listening()).page).toBe("https://wirebook.example/");
});

test("reads its certificate again on SIGHUP, and logs the result", async () => {
  await using certificates = await Certificates.open();
  const { certPath, keyPath } = await certificates.make("first");
  await using program = run(["--port", "0", "--tls-cert", certPath, "--tls-key", keyPath]);
  await program.listening();
  program.kill("SIGHUP");
  await program.saying("read the certificate again");
  await writeFile(keyPath, "no key");
  program.kill("SIGHUP");
  await program.saying("cannot read the certificate again: --tls-key");
  program.kill("SIGTERM");
  expect(await program.exited).toBe(0);
});

test("reads its users again by itself, logs the result, and goes on at SIGHUP", async () => {
  await using folder = await openFolder();
  const path = join(folder.path, "users");
  await writeFile(path, usersText({ ada: "x" }));
  await using program = run(["--port", "0", "--auth", `basic:${path}`, "--role", "*=user"]);
  await program.listening();
  program.kill("SIGHUP");
  await writeFile(path, usersText({ ada: "xy", bob: "x" }));
  await program.saying("read the users again");
  await writeFile(path, "ada:no hash\n");
  await program.saying("cannot read the users again, so they stay as they were: --auth basic:");
  program.kill("SIGTERM");
  expect(await program.exited).toBe(0);
});

test("says in one sentence that its users cannot be read", async () => {
  await using program = run(["--port", "0", "--auth", "basic:/nowhere"]);
  expect(await program.exited).toBe(2);
  expect(program.err()).toMatch(
    /wirebook: --auth basic:\/nowhere cannot be read \(ENOENT\); name a file that htpasswd -B writes\n$/,
  );
});

const hasScript = spawnSync("script", ["--version"], { encoding: "utf8" }).stdout?.includes("util-linux") ?? false;

test.skipIf(!hasScript)("a gateway on a terminal ends with it, though it has a certificate", async () => {
  await using certificates = await Certificates.open();
  const { certPath, keyPath } = await certificates.make("first");
  const command = `exec ${process.execPath} ${main} --port 0 --tls-cert ${certPath} --tls-key ${keyPath}`;
  const options = ["--quiet", "--command", command, "/dev/null"];
  const terminal = spawn("script", options, {
    stdio: ["pipe", "pipe", "ignore"],
    env: { ...process.env, SHELL: "/bin/sh" },
  });
  onTestFinished(() => void terminal.kill("SIGKILL"));
  let screen = "";
  terminal.stdout.on("data", (chunk: Buffer) => (screen += chunk.toString()));
  const shown = async (pattern: RegExp): Promise<string> => {
    while (!pattern.test(screen)) await once(terminal.stdout, "data");
    return pattern.exec(screen)?.[1] ?? "";
  };
  const port = Number(await shown(/Open \S+:(\d+)/));
  expect(await listens(port)).toBe(true);
  terminal.kill("SIGKILL");
  await expect.poll(() => listens(port), { timeout: 20_000 }).toBe(false);
});

async function listens(port: number): Promise<boolean> {
  const socket = createConnection(port, "127.0.0.1");
  try {
    await once(socket, "connect");
    return true;
  } catch {
    return false;
  } finally {
    socket.destroy();
  }
}

test("says in one sentence that its key cannot be read", async () => {
  await using program = run(["--port", "0", "--tls-cert", "/nowhere.crt", "--tls-key", "/nowhere.key"]);
  expect(await program.exited).toBe(2);
  expect(program.err()).toBe("wirebook: --tls-cert /nowhere.crt cannot be read (ENOENT); name a PEM file\n");
});

test("says in one sentence that its port is taken", async () => {
  await using mute = await openMute();
  await using program = run(["--port", String(mute.port)]);
  expect(await program.exited).toBe(1);
  expect(program.err()).toMatch(/^wirebook: port \d+ of 127\.0\.0\.1 is in use, .*--port \d+\n$/);
});

test("refuses to listen beyond loopback without an origin, and says what to pass", async () => {
  await using program = run(["--host", "0.0.0.0", "--port", "0"]);
  expect(await program.exited).toBe(2);
  expect(program.err()).toMatch(/^wirebook: --host 0\.0\.0\.0 .*--origin.*\n$/);
  expect(program.out()).toBe("");
});

test("prints its options and exits well", async () => {
  await using program = run(["--help"]);
  expect(await program.exited).toBe(0);
  expect(program.out()).toContain("--connections N");
});

test("ends follows and conversations at once when it stops, lets others end, and begins nothing new", async () => {
  const { promise: slow, resolve } = Promise.withResolvers<Socket>();
  await using backend = await openBackend((socket) => {
    socket.once("data", (line) => line.toString() === "slow\n" && resolve(socket));
  });
  const gateway = await openGateway(backend, { limits: { drainMs: 60_000 } });
  await using page = await openPage(gateway);
  const [follow, conversation, exchange] = [
    page.request("brick", ["5"]),
    page.connect("wirebook", { bytes: "hello" }),
    page.request("slow"),
  ];
  await Promise.all([follow, conversation, exchange].map(({ opened }) => opened));
  const closed = gateway.app.close();
  expect(await page.error("shutting-down")).toMatchObject({ id: null, hop: "gateway", retryAfterMs: 1000 });
  await using late = await openPage(gateway);
  expect(await late.error("shutting-down")).toMatchObject({ id: null, retryAfterMs: 1000 });
  expect(await late.closing).toMatchObject({ code: 1001, reason: expect.stringMatching(/^shutting-down: /) });
  const ready = await fetch(`http://${gateway.host}/readyz`);
  expect([ready.status, await ready.text()]).toEqual([503, "the gateway is stopping\n"]);
  for (const { ended } of [follow, conversation])
    expect((await ended).last).toMatchObject({ code: "shutting-down", hop: "gateway", retryAfterMs: 1000 });
  for (const { ended } of [page.request("brick"), page.connect("wirebook")])
    expect((await ended).last).toMatchObject({ code: "shutting-down" });
  (await slow).end("at last");
  expect((await exchange.ended).text).toBe("at last");
  expect(await page.closing).toMatchObject({ code: 1001 });
  await closed;
});

test("ends what still runs when its time to stop is up", async () => {
  await using mute = await openMute();
  const gateway = await openGateway(mute, { limits: { drainMs: 30 } });
  await using page = await openPage(gateway);
  const stream = page.start({ type: "request", id: 1, user: "brick" });
  await stream.opened;
  await gateway.app.close();
  expect((await stream.ended).last).toMatchObject({ code: "shutting-down", hop: "gateway" });
  expect(await page.closing).toMatchObject({ code: 1001 });
  await expect.poll(() => mute.sockets.size).toBe(0);
});
