import { spawnSync } from "node:child_process";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import {
  describeSettings,
  filledText,
  ipAddresses,
  portNumber,
  readSettings,
  selectOptions,
  SettingsError,
  toggle,
} from "@wirebook/settings";

const option = { env: "X", form: "X", expects: "something else", help: "" };
const table = {
  port: { ...option, schema: portNumber, default: 5007, env: "X_PORT" },
  trustProxy: { ...option, schema: ipAddresses, default: [] as string[], env: "X_TRUST", isList: true },
  name: { ...option, schema: filledText, default: "here", env: "X_NAME" },
  trace: { ...option, schema: toggle, default: false, env: "X_TRACE", form: "" },
};

let folder: string;
let path: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "wirebook-config-"));
  path = join(folder, "a.json");
});
afterEach(() => rm(folder, { recursive: true }));

async function read(file: unknown, argv: string[] = [], env: Record<string, string> = {}) {
  await writeFile(path, typeof file === "string" ? file : JSON.stringify(file));
  return readSettings(table, { argv: ["--config", path, ...argv], env, section: "server" }).settings;
}

test("the file goes before the default, the environment before the file, and an option before both", async () => {
  const file = { server: { port: 1, "trust-proxy": ["::1", "192.0.2.7"], name: "there", trace: true } };
  const all = { port: 1, trustProxy: ["::1", "192.0.2.7"], name: "there", trace: true };
  expect(await read(file)).toEqual(all);
  expect(await read(file, [], { X_PORT: "2", X_TRACE: "0" })).toEqual({ ...all, port: 2, trace: false });
  expect(await read(file, ["--port", "3"], { X_PORT: "2" })).toEqual({ ...all, port: 3 });
  expect(await read({ gateway: { port: 1 } })).toMatchObject({ port: 5007 });
});

test("a number may be a text, one value stands for a list, and a variable names the file", async () => {
  await writeFile(path, JSON.stringify({ server: { port: "4", "trust-proxy": "::1" } }));
  const { settings } = readSettings(table, { argv: [], env: { WIREBOOK_CONFIG: path }, section: "server" });
  expect(settings).toMatchObject({ port: 4, trustProxy: ["::1"] });
});

test("a program without a section reads no file, and help needs none that is right", async () => {
  await writeFile(path, "nonsense");
  expect(readSettings(table, { argv: ["--config", path], env: {} }).settings.port).toBe(5007);
  expect(readSettings(table, { argv: ["--config", path, "--help"], env: {}, section: "server" }).isHelp).toBe(true);
});

test("a program that sends keys reads a named file alone, and its help says so", async () => {
  const [before, source] = [process.cwd(), { argv: [], env: {}, section: "client" } as const];
  await writeFile(join(folder, "wirebook.config.json"), JSON.stringify({ client: { port: 1 } }));
  process.chdir(folder);
  try {
    expect(readSettings(table, source).settings.port).toBe(1);
    expect(readSettings(table, { ...source, isFileNamed: true }).settings.port).toBe(5007);
    const named = { ...source, isFileNamed: true, env: { WIREBOOK_CONFIG: "wirebook.config.json" } };
    expect(readSettings(table, named).settings.port).toBe(1);
  } finally {
    process.chdir(before);
  }
  expect(describeSettings(table, { isFileNamed: true })).toContain("(WIREBOOK_CONFIG)");
});

test("programs that share a section take the options of each other for known", async () => {
  await writeFile(path, JSON.stringify({ client: { port: 1, eol: "lf" } }));
  const eol = { ...option, schema: filledText, default: "crlf" };
  const source = { argv: ["--config", path], env: {}, section: "client", sectionTable: { ...table, eol } } as const;
  expect(readSettings(table, source).settings.port).toBe(1);
});

test.each([
  ["{", "is not JSON"],
  ["[1]", 'is not an object; type for example {"server": {"port": 5017}}'],
  [{ server: 5 }, '"server" of PATH is not an object'],
  [{ sever: {} }, 'has an unknown section "sever"; the sections are server, gateway, client'],
  [{ server: { prot: 1 } }, '"prot" in "server" of PATH is not an option; see wirebook help server'],
  [{ server: { port: 70_000 } }, '"port" in "server" of PATH is "70000"; type something else'],
  [{ server: { port: null } }, '"port" in "server" of PATH is "null"; type something else'],
  [{ server: { trace: "yes" } }, '"trace" in "server" of PATH is "yes"; type true or false'],
  [{ server: { trace: 1 } }, '"trace" in "server" of PATH is "1"; type true or false'],
  ['{"server": {"port": 1, "p\\u006frt": 2}}', '"port" twice in one object; leave one of them'],
  ['{"server": {"name": "{\\"a\\":", "trust-proxy": ["a", "a"]}, "server": {}}', '"server" twice in one object'],
  ['{"__proto__": {"server": {}}}', 'has an unknown section "__proto__"'],
  ['{"server": {"__proto__": {"port": 1}}}', '"__proto__" in "server" of PATH is not an option'],
  [{ server: { "\u001b[31mred": 1 } }, '"\\u001b[31mred" in "server" of PATH is not an option'],
  [{ server: { constructor: 1 } }, '"constructor" in "server" of PATH is not an option'],
  [" ".repeat(70_000), "cannot be read (70000 bytes are over the limit of 65536); name another file with --config"],
  [
    { server: { "trust-proxy": ["::1", "here"] } },
    '"trust-proxy" in "server" of PATH is "::1", "here"; type something',
  ],
])("%j is refused in a sentence", async (file, sentence) => {
  const error = await read(file).catch((thrown: unknown) => thrown);
  expect(error).toBeInstanceOf(SettingsError);
  expect((error as Error).message.replaceAll(path, "PATH")).toContain(sentence);
});

test("nothing of a file that is no JSON is repeated, since it may be a password", async () => {
  for (const text of ['{"name": hunter2}', "hunter2", '{"name": "x" hunter2}']) {
    const error = (await read(text).catch((thrown: unknown) => thrown)) as Error;
    expect(error.message).toContain("is not JSON");
    expect(error.message.slice(error.message.indexOf("is not JSON"))).not.toContain("hunter");
  }
});

test.skipIf(process.platform === "win32")("neither a folder nor a pipe is waited for", async () => {
  const pipe = join(folder, "pipe");
  expect(spawnSync("mkfifo", [pipe]).status).toBe(0);
  for (const place of [folder, pipe]) {
    const source = { argv: ["--config", place], env: {}, section: "server" } as const;
    expect(() => readSettings(table, source)).toThrow(`${place} cannot be read (it is not a file)`);
  }
});

test("a file that is named must be there", () => {
  const source = { argv: ["--config", join(folder, "none.json")], env: {}, section: "server" } as const;
  expect(() => readSettings(table, source)).toThrow(
    "none.json cannot be read (ENOENT); name another file with --config",
  );
});

test("the options of a part of a table are selected with their values, and --config always", () => {
  const argv = [
    "word",
    "--port",
    "-5",
    "--trace",
    "--name=x",
    "--trust-proxy",
    "::1",
    "--config",
    "f",
    "--",
    "--port",
    "6",
  ];
  const { port, trace, trustProxy } = table;
  expect(selectOptions(table, argv, { port, trace })).toEqual(["--port=-5", "--trace", "--config=f"]);
  expect(selectOptions(table, argv, { trustProxy })).toEqual(["--trust-proxy=::1", "--config=f"]);
});
