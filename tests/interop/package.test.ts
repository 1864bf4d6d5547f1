/** The package as somebody gets it who has Node and nothing else: packed, installed into a folder of its own, and used. */

import { spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { existsSync, globSync, readFileSync, statSync } from "node:fs";
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { delimiter, dirname, join } from "node:path";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, expect, test } from "vitest";
import { freePort } from "../../test-support/free-port.ts";
import { password, writePeople } from "../faults/people/people-fixture.ts";

interface Manifest {
  readonly version: string;
  readonly private: boolean;
  readonly dependencies: Readonly<Record<string, string>>;
  readonly peerDependencies: Readonly<Record<string, string>>;
  readonly scripts?: object;
}

const root = fileURLToPath(new URL("../..", import.meta.url));
const readManifest = (folder: string): Manifest =>
  JSON.parse(readFileSync(join(folder, "package.json"), "utf8")) as Manifest;
const { version } = readManifest(root);
/** Bytes that the package itself may take when it is installed. */
const installedBytesMax = 5 * 1024 * 1024;

let folder: string;
const installed = (): string => join(folder, "prefix", "lib", "node_modules", "wirebook");
const command = (): string => join(folder, "prefix", "bin", "wirebook");

/**
 * Without the checkout's Node and packages on the search path, and without what would configure Wirebook. Which
 * authorities npm trusts is the machine's, and `--prefix` hides the global npmrc that may say so too.
 */
function environment(): NodeJS.ProcessEnv {
  const kept = Object.entries(process.env).filter(
    ([name]) => !/^(?:WIREBOOK_|npm_|NODE_(?!EXTRA_CA_CERTS$))/.test(name),
  );
  const path = (process.env.PATH ?? "").split(delimiter).filter((each) => !each.startsWith(root));
  // The command's first line asks for `node`: this one, which is new enough.
  return { ...Object.fromEntries(kept), PATH: [dirname(process.execPath), ...path].join(delimiter) };
}

function run(program: string, words: readonly string[], cwd: string) {
  const { status, stdout, stderr } = spawnSync(program, words, { cwd, env: environment(), encoding: "utf8" });
  return { status, stdout, stderr };
}

function install(...packages: string[]): void {
  const quiet = ["--no-audit", "--no-fund", "--prefer-offline", "--loglevel=error"];
  const words = ["install", "-g", "--prefix", join(folder, "prefix"), ...quiet, ...packages];
  expect(run("npm", words, folder)).toMatchObject({ status: 0, stderr: "" });
}

function runServerOnNats() {
  return run(command(), ["server", "--port", "0", "--history", "nats://127.0.0.1:1/x"], folder);
}

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "wirebook-package-"));
  const packed = run(process.execPath, [join(root, "scripts/package.mjs"), join(folder, "dist")], root);
  expect(packed).toMatchObject({ status: 0 });
  const file = join(folder, "dist", `wirebook-${version}.tgz`);
  expect(packed.stdout).toContain(`npm install -g ${file}\n`);
  install(file);
});

afterAll(() => rm(folder, { recursive: true, force: true }));

test("the package has one version, exact dependencies, and no script that npm would run", () => {
  const manifest = readManifest(installed());
  expect(manifest).toMatchObject({ version, private: true });
  expect(manifest.scripts).toBeUndefined();
  const { dependencies, peerDependencies } = manifest;
  expect(Object.keys(dependencies)).toContain("fastify");
  expect(Object.keys(peerDependencies)).toEqual(["@nats-io/jetstream", "@nats-io/kv", "@nats-io/transport-node"]);
  for (const each of Object.values({ ...dependencies, ...peerDependencies })) expect(each).toMatch(/^\d+\.\d+\.\d+$/);
});

test("the package is small, and has neither TypeScript nor a checkout's words in it", () => {
  const names = globSync("**/*", { cwd: installed(), exclude: ["node_modules"] });
  const files = names.map((name) => join(installed(), name)).filter((path) => statSync(path).isFile());
  expect(files.length).toBeGreaterThan(100);
  expect(files.reduce((bytes, path) => bytes + statSync(path).size, 0)).toBeLessThan(installedBytesMax);
  expect(files.filter((path) => path.endsWith(".ts"))).toEqual([]);
  const scripts = files.filter((path) => /\.(?:m?js|html)$/.test(path));
  const texts = scripts.map((path) => readFileSync(path, "utf8"));
  expect(scripts.filter((_path, at) => /@wirebook\/\w+"/.test(texts[at] ?? ""))).toEqual([]);
  const told = scripts.filter((path, at) => /npx wirebook|npm run/.test(texts[at] ?? "") && !path.endsWith("start.js"));
  expect(told).toEqual([]);
});

/** `wirebook start` in a folder, with what it says. */
function start(place: string, ...words: string[]) {
  const program = spawn(command(), ["start", ...words], {
    cwd: place,
    env: environment(),
    stdio: ["ignore", "pipe", "inherit"],
  });
  const ended = once(program, "close");
  const lines: string[] = [];
  const reading = createInterface({ input: program.stdout }).on("line", (line) => lines.push(line));
  const saying = async (text: string): Promise<void> => {
    while (!lines.some((line) => line.includes(text))) {
      await Promise.race([once(reading, "line"), ended.then(() => expect.unreachable(lines.join("\n")))]);
    }
  };
  return { program, ended, lines, saying };
}

test("wirebook start serves the page from an empty folder, and stops on SIGTERM", async () => {
  const [serverPort, gatewayPort] = [await freePort(), await freePort()];
  const place = await mkdtemp(join(folder, "empty-"));
  const ports = ["--server-port", `${serverPort}`, "--gateway-port", `${gatewayPort}`];
  const { program, ended, lines, saying } = start(place, ...ports);
  try {
    await saying("by hand");
    const page = `http://127.0.0.1:${gatewayPort}`;
    expect(lines).toContain(`    page      ${page}`);
    expect(lines).toContain(`    client    wirebook --port ${serverPort} brick 2`);
    const html = await (await fetch(page)).text();
    const [, script = ""] = /<script type="module"[^>]* src="([^"]+)"/.exec(html) ?? [];
    expect((await fetch(new URL(script, `${page}/`))).headers.get("content-type")).toContain("javascript");

    const { status, stdout } = run(command(), ["--port", `${serverPort}`, "brick", "2"], place);
    expect([status, stdout]).toEqual([0, expect.stringMatching(/ 127\.0\.0\.1 "brick 2"\n$/) as string]);
    expect(await readFile(join(place, "history.txt"), "utf8")).toBe(stdout);
  } finally {
    program.kill("SIGTERM");
  }
  expect(await ended).toEqual([0, null]);
  expect(lines).toContainEqual(expect.stringContaining('"event":"stopping","message":"SIGTERM: finishing'));
  await expect(fetch(`http://127.0.0.1:${gatewayPort}`)).rejects.toThrow("fetch failed");
});

test("wirebook start lets people log in, and gives its page to them alone", async () => {
  const [serverPort, gatewayPort] = [await freePort(), await freePort()];
  const place = await mkdtemp(join(folder, "people-"));
  const people = await writePeople(place, ["ada"]);
  const ports = ["--server-port", `${serverPort}`, "--gateway-port", `${gatewayPort}`];
  const { program, ended, saying } = start(place, ...ports, "--auth", `basic:${people}`, "--role", "*=user");
  try {
    await saying("by hand");
    const page = `http://127.0.0.1:${gatewayPort}`;
    expect((await fetch(page)).status).toBe(401);
    const logIn = (typed: string): Promise<Response> =>
      fetch(`${page}/login`, {
        method: "POST",
        body: new URLSearchParams({ user: "ada", password: typed }),
        redirect: "manual",
      });
    expect((await logIn("wrong")).status).toBe(403);
    const loggedIn = await logIn(password);
    expect([loggedIn.status, loggedIn.headers.get("location")]).toEqual([303, "./"]);
    const cookie = loggedIn.headers.get("set-cookie")?.split(";")[0] ?? "";
    expect((await fetch(page, { headers: { cookie } })).status).toBe(200);
  } finally {
    program.kill("SIGTERM");
  }
  expect(await ended).toEqual([0, null]);
});

test("every command of the package says its help", () => {
  for (const name of ["start", "server", "gateway", "users", "history", "connect", "client"]) {
    expect(run(command(), ["help", name], folder), name).toMatchObject({ status: 0, stderr: "" });
  }
  expect(run(command(), ["--version"], folder)).toEqual({ status: 0, stdout: `wirebook ${version}\n`, stderr: "" });
});

test("a history on NATS says which packages are missing, and finds them where it says", ({ skip }) => {
  const client = join("node_modules", "@nats-io", "jetstream");
  skip(existsSync(join(tmpdir(), client)), "needs a folder for temporary files without packages of its own");
  const { status, stderr } = runServerOnNats();
  expect(status).toBe(1);
  expect(stderr).toContain(
    "a history on NATS needs @nats-io/jetstream, @nats-io/kv and @nats-io/transport-node, which are",
  );
  const [, advice = ""] = /not installed; run npm install -g ([^,]+), or npm ci in a checkout\n$/.exec(stderr) ?? [];
  const packages = advice.split(" ");
  expect(packages).toHaveLength(3);
  install(...packages);
  expect(runServerOnNats().stderr).toContain("127.0.0.1:1");
});
