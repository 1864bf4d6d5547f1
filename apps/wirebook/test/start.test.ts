/** What `wirebook start` refuses before it starts anything, and what it says once it runs. */

import { spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { createServer } from "node:net";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { expect, test } from "vitest";
import { writePeople } from "../../../tests/faults/people/people-fixture.ts";
import { freePort } from "../../../test-support/free-port.ts";
import { run as runToEnd } from "../../../test-support/run.ts";
import { ask } from "../../../test-support/tcp-client.ts";

const launcher = fileURLToPath(new URL("../bin/wirebook.mjs", import.meta.url));

const start = (...words: string[]) => runToEnd(process.execPath, [launcher, "start", ...words]);

/** A server that has a port of the system's choosing for as long as it is used. */
async function takePort(): Promise<AsyncDisposable & { readonly port: string }> {
  const server = createServer().listen({ host: "127.0.0.1", port: 0 });
  await once(server, "listening");
  const { port } = server.address() as AddressInfo;
  return {
    port: String(port),
    async [Symbol.asyncDispose]() {
      server.close();
      await once(server, "close");
    },
  };
}

test.each(["server-port", "gateway-port"])("a --%s that is taken, with another to choose", async (option) => {
  await using taken = await takePort();
  const other = option === "server-port" ? "gateway-port" : "server-port";
  const { code, stderr } = await start(`--${option}`, taken.port, `--${other}`, String(await freePort()));
  expect(stderr).toContain(`port ${taken.port} of 127.0.0.1 is in use`);
  // The next one is the listening port of the other Wirebook, where that has the default ports.
  const far = Number(taken.port) + (Number(taken.port) > 65_525 ? -10 : 10);
  expect(stderr).toContain(`choose another port: --${option} ${far}\n`);
  expect(code).toBe(1);
});

test.each([
  [
    "0.0.0.0",
    2,
    /^wirebook: WIREBOOK_HOST is 0\.0\.0\.0, which other machines can reach.* or WIREBOOK_HOST=127\.0\.0\.1 to stay/,
  ],
  [
    "300.1.1.1",
    1,
    /^wirebook: WIREBOOK_HOST is 300\.1\.1\.1, which is not an address .*; try WIREBOOK_HOST=127\.0\.0\.1\n$/,
  ],
])("the server's host %s, by the variable that says it", async (host, exitCode, sentence) => {
  process.env["WIREBOOK_HOST"] = host;
  using _ = { [Symbol.dispose]: () => delete process.env["WIREBOOK_HOST"] };
  const { code, stderr } = await start(...wordsOf(await freePorts()));
  expect(stderr).toMatch(sentence);
  expect(code).toBe(exitCode);
});

test.each<[env: Record<string, string>, status: number, sentence: string]>([
  [{ WIREBOOK_PORT: "0" }, 2, 'WIREBOOK_PORT is "0"; type a port from 1 to 65535\n'],
  [{ WIREBOOK_GATEWAY_PORT: "99999" }, 2, 'WIREBOOK_GATEWAY_PORT is "99999"; type a port from 1 to 65535\n'],
  [{ WIREBOOK_PORT: "TAKEN" }, 1, "or choose another port: WIREBOOK_PORT="],
  [
    { WIREBOOK_HOST: "192.0.2.1", WIREBOOK_USERS: "registered", WIREBOOK_PORT: "FREE" },
    1,
    "choose an address of this machine with WIREBOOK_HOST, and a port from 1024 on with WIREBOOK_PORT\n",
  ],
])("what %j says wrong, by its variable", async (given, status, sentence) => {
  await using taken = await takePort();
  const ports: Record<string, string> = { TAKEN: taken.port, FREE: String(await freePort()) };
  const said = Object.entries(given).map(([name, value]) => [name, ports[value] ?? value]);
  const env = { ...process.env, ...(Object.fromEntries(said) as Record<string, string>) };
  const ended = spawnSync(process.execPath, [launcher, "start"], { env, encoding: "utf8" });
  expect(ended.stderr).toContain(sentence);
  expect(ended.status).toBe(status);
});

test("one port for both", async () => {
  const port = String(await freePort());
  const { code, stderr } = await start("--server-port", port, "--gateway-port", port);
  expect(stderr).toBe(`wirebook: server and gateway cannot share port ${port}; choose another with --gateway-port\n`);
  expect(code).toBe(2);
});

test("an address in place of a port, as Kubernetes sets it, but says that it goes by the default", async () => {
  await using taken = await takePort();
  const env = { ...process.env, WIREBOOK_PORT: "tcp://10.96.0.12:5007", WIREBOOK_GATEWAY_PORT: taken.port };
  const { stderr } = spawnSync(process.execPath, [launcher, "start"], { env, encoding: "utf8" });
  expect(stderr).toMatch(
    /^wirebook: WIREBOOK_PORT is "tcp:.*", which Kubernetes .*; it is ignored, and --port is 5007$/m,
  );
});

test.each([
  [["--server-port", "0"], '--server-port is "0"; type a port from 1 to 65535'],
  [["--server-port", "65536"], '--server-port is "65536"; type a port from 1 to 65535'],
  [["--prot", "5"], "unknown option --prot; see --help"],
  [["brick"], '"brick" is not an option; see --help'],
  [["--server-port", "PORT", "--gateway-port", "0"], '--gateway-port is "0"; type a port from 1 to 65535'],
  [["--server-port", "PORT", "--host", "0.0.0.0"], "--host 0.0.0.0 may be reachable from other machines"],
  [["--users", "registered", "--i-know"], "--i-know is for --users open"],
])("%j", async (words, sentence) => {
  const port = String(await freePort());
  const { code, stdout, stderr } = await start(...words.map((word) => (word === "PORT" ? port : word)));
  expect(stderr).toContain(`wirebook: ${sentence}`);
  expect([code, stdout]).toEqual([2, ""]);
});

/** A folder with a page, in which programs of one test run. */
async function openFolder(): Promise<AsyncDisposable & { readonly path: string }> {
  const path = await mkdtemp(join(tmpdir(), "wirebook-start-"));
  await writeFile(join(path, "index.html"), "<!doctype html>");
  return { path, [Symbol.asyncDispose]: () => rm(path, { recursive: true }) };
}

/** What runs until it is told to stop, or ends by itself. */
interface Started extends AsyncDisposable {
  /** Resolves with what it said once it is ready, or with nothing when it has ended. */
  readonly said: Promise<string | undefined>;
  readonly ended: Promise<unknown[]>;
  err(): string;
}

function run(folder: { readonly path: string }, ...words: string[]): Started {
  const { path } = folder;
  const history = ["--history", join(path, `history-${Math.random()}.txt`)];
  const program = spawn(process.execPath, [launcher, "start", "--page", path, ...history, ...words], {
    cwd: path,
    stdio: ["ignore", "pipe", "pipe"],
  });
  const ended = once(program, "close");
  let [stdout, stderr] = ["", ""];
  program.stderr.on("data", (chunk: Buffer) => (stderr += chunk.toString()));
  const said = Promise.withResolvers<string | undefined>();
  program.stdout.on("data", (chunk: Buffer) => {
    stdout += chunk.toString();
    if (stdout.includes("Ctrl-C stops it")) said.resolve(stdout);
  });
  void ended.then(() => said.resolve(undefined));
  return {
    said: said.promise,
    ended,
    err: () => stderr,
    async [Symbol.asyncDispose]() {
      program.kill("SIGTERM");
      await ended;
    },
  };
}

const freePorts = async () => ({ server: String(await freePort()), gateway: String(await freePort()) });
const wordsOf = ({ server, gateway }: { server: string; gateway: string }) => [
  `--server-port=${server}`,
  `--gateway-port=${gateway}`,
];

test("it says the gateway's notices once, and stops at SIGTERM", async () => {
  await using folder = await openFolder();
  const people = await writePeople(folder.path, ["ada"]);
  const ports = await freePorts();
  const started = run(folder, ...wordsOf(ports), "--auth", `basic:${people}`, "--listen", "none");
  const said = await started.said;
  await started[Symbol.asyncDispose]();
  expect(await started.ended).toEqual([0, null]);
  expect(said).toContain(`\n    page      http://127.0.0.1:${ports.gateway}\n`);
  expect(said).not.toContain("watched");
  expect(started.err().match(/without a --role everybody may only look/g)).toHaveLength(1);
});

test("it says which ports lead to which targets", async () => {
  await using folder = await openFolder();
  const listen = await freePort();
  const words = ["--target=mail=tcp://127.0.0.1:25", `--listen=${listen}=mail`, "--listen=0=wirebook"];
  await using started = run(folder, ...wordsOf(await freePorts()), ...words);
  const said = await started.said;
  expect(said).toContain(`\n    watched   127.0.0.1:${listen} leads to mail\n`);
  expect(said).toMatch(/\n {4}watched {3}127\.0\.0\.1:[1-9]\d* leads to wirebook\n/);
});

test("a reply begins with the address of the page, or with what --link says", async () => {
  await using folder = await openFolder();
  const ports = [await freePorts(), await freePorts()] as const;
  await using plain = run(folder, ...wordsOf(ports[0]), "--listen", "none");
  await using linked = run(folder, ...wordsOf(ports[1]), "--listen", "none", "--link", "https://wirebook.example");
  await Promise.all([plain.said, linked.said]);
  expect(await ask(Number(ports[0].server), "brick")).toMatch(`http://127.0.0.1:${ports[0].gateway}\n`);
  expect(await ask(Number(ports[1].server), "brick")).toMatch("https://wirebook.example\n");
});

test("of two at one moment each has a port to watch, and says which", async () => {
  await using folder = await openFolder();
  const ports = [await freePorts(), await freePorts()];
  await using first = run(folder, ...wordsOf(ports[0] as (typeof ports)[0]));
  await using second = run(folder, ...wordsOf(ports[1] as (typeof ports)[0]));
  const said = await Promise.all([first.said, second.said]);
  const watched = said.map((each) => /watched .* nc 127\.0\.0\.1 (\d+)(.*)\n/.exec(each ?? "") ?? []);
  const [one, other] = watched.map(([, port]) => Number(port));
  expect(one).not.toBe(other);
  for (const [, port, why] of watched) {
    expect(why).toBe(port === "5008" ? "" : "   (port 5008 is in use)");
    expect(await ask(Number(port), "brick")).toContain("http://127.0.0.1:");
  }
});

test("of two at one moment for the same ports one runs, and the other says what to choose", async () => {
  await using folder = await openFolder();
  const words = [...wordsOf(await freePorts()), "--listen", "none"];
  await using first = run(folder, ...words);
  await using second = run(folder, ...words);
  const said = await Promise.all([first.said, second.said]);
  expect(said.filter((each) => each !== undefined)).toHaveLength(1);
  const loser = said[0] === undefined ? first : second;
  expect(await loser.ended).toEqual([1, null]);
  expect(loser.err()).toMatch(/port \d+ of 127\.0\.0\.1 is in use/);
});
