/** `wirebook play` as a program, with real sockets: what it says, writes and ends with. */

import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { PassThrough, Readable } from "node:stream";
import { text } from "node:stream/consumers";
import { decodeSession } from "@wirebook/capture";
import { InputError } from "@wirebook/net";
import { SettingsError } from "@wirebook/settings";
import { describe, expect, onTestFinished, test } from "vitest";
import { freePort } from "../../../test-support/free-port.ts";
import { TestServer } from "../../../test-support/tcp-client.ts";
import { exitCodes, runCommand } from "../src/command.ts";
import { createPaint } from "../src/output/text.ts";
import { play as playCommand } from "../src/play.ts";
import { exitOf, runCli, startCli, until } from "./cli.ts";
import type { Ran } from "./cli.ts";
import { keys, PtyCli, ptyMaker } from "./pty.ts";
import { openResponder } from "./tcp-peer.ts";

const key = "s3cret-of-brick";

/** For a machine that is busy with other work. */
const patient = ["--timeout", "120000"];

/** Writes scenarios, and returns the folder. */
async function writeScenarios(scenarios: Readonly<Record<string, string>>): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), "wirebook-play-"));
  onTestFinished(() => rm(folder, { recursive: true }));
  for (const [name, content] of Object.entries(scenarios)) await writeFile(join(folder, name), content);
  return folder;
}

/** The same as the program, but in this process, which is faster. */
async function playHere(words: readonly string[]): Promise<Ran> {
  const out = new PassThrough();
  let stderr = "";
  const printError = (sentence: string): void => void (stderr += `wirebook: ${sentence}\n`);
  const [input, paint] = [Readable.from([]), createPaint(false)];
  const io = { input, out, errorOut: new PassThrough(), paint, errorPaint: paint, program: "test", printError };
  const running = runCommand(
    playCommand,
    { argv: words, env: {} },
    { ...io, listenForInterrupt: () => () => undefined },
  );
  const code = await running.catch((error: unknown) => {
    if (!(error instanceof SettingsError || error instanceof InputError)) throw error;
    printError(error.message);
    return exitCodes.usage;
  });
  out.end();
  return { code, stdout: await text(out), stderr };
}

/** A server that greets first, repeats each line in upper case behind 250, and ends at QUIT, as SMTP has it. */
async function openMail(): Promise<TestServer> {
  return await TestServer.listen((socket) => {
    socket.write("220 mail.example\r\n");
    let held = "";
    socket.once("end", () => socket.end());
    socket.on("data", (bytes) => {
      const lines = (held + String(bytes)).split("\r\n");
      held = lines.pop() ?? "";
      for (const line of lines) {
        if (line === "QUIT") socket.end("221 bye\r\n");
        else if (line === "RESET") socket.resetAndDestroy();
        else if (line !== "SILENT") socket.write(`250 ${line.startsWith("key") ? line : line.toUpperCase()}\r\n`);
      }
    });
  });
}

const scenarios = {
  "held.wire": `
# Greets
< 220 {{host}}
> ehlo {{user}}
< 250 EHLO *
> host {{host}}
<* 250 HOST MAIL*
> QUIT
< 221 *
< EOF`,
  "key.wire": `
connect mail
< 220 *
>| key {{key}}
wait 20ms
>> " twice {{key}}\\r\\n"
< 250 key {{key}} twice {{key}}
> QUIT
< nothing like {{key}}`,
  "failed.wire": "target: mail\n< 220 *\n> rcpt \u202e\n< 250 rcpt\n",
  "reset.wire": "< 220 *\n> RESET\nwait 20ms\n< RST\n",
  "kept.wire": "< 220 {{key}}\n> key {{key}}\n< 250 *\n",
  "broken.wire": "< 220 *\n> RESET\n< 250 *\n",
} as const;

describe("plays of several scenarios", () => {
  test("are told in lines, JSON and NDJSON, and none of them has the key", async () => {
    await using mail = await openMail();
    const folder = await writeScenarios(scenarios);
    const streams = join(folder, "streams.ndjson");
    const files = Object.keys(scenarios).map((name) => join(folder, name));
    const words = [
      ...patient,
      ...files,
      "--target",
      `mail=tcp://${mail.address}`,
      "--value",
      "user=brick",
      "--value",
      `key=${key}`,
    ];
    const lines = await runCli(["play", ...words, "--export", streams]);
    expect(lines).toMatchObject({ code: 1, stderr: "" });
    const told = lines.stdout.replaceAll(`${folder}/`, "").replaceAll(/\d+ ms\n/g, "N ms\n");
    expect(told).toBe(
      [
        "held.wire: held, 8 steps, N ms",
        "key.wire:9: expected `nothing like {{key}}`, got `221 bye`",
        "failed.wire:4: expected `250 rcpt`, got `250 RCPT \\xe2\\x80\\xae`",
        "reset.wire: held, 4 steps, N ms",
        "kept.wire: held, 3 steps, N ms",
        "broken.wire:3: expected `250 *`, got RST",
        "",
      ].join("\n"),
    );

    const { records, problems } = decodeSession(await readFile(streams));
    expect(problems).toEqual([]);
    expect(records.map(({ end: { how } }) => how)).toEqual([
      "fin",
      "cancelled",
      "cancelled",
      "failed",
      "fin",
      "failed",
    ]);
    const sent = records[1]?.events.filter(({ from, bytes }) => from === "client" && bytes !== undefined) ?? [];
    expect(sent.map(({ bytes = "" }) => Buffer.from(bytes, "base64").toString())).toEqual([
      `key ${"*".repeat(key.length)}`,
      ` twice ${"*".repeat(key.length)}\r\n`,
      "QUIT\r\n",
    ]);
    expect(records[4]?.events.map(({ bytes = "" }) => atob(bytes)).join("")).not.toContain("mail.example");
    expect(records[3]?.events.at(-1)).toMatchObject({ from: "target", rst: true });

    const json = await playHere(["--json", "--pace", "fast", ...words]);
    const plays = json.stdout
      .trimEnd()
      .split("\n")
      .map((line) => JSON.parse(line) as Record<string, unknown>);
    expect(plays.map(({ verdict, line }) => [verdict, line])).toEqual([
      ["held", null],
      ["failed", 9],
      ["failed", 4],
      ["held", null],
      ["held", null],
      ["failed", 3],
    ]);
    expect(plays[2]).toMatchObject({
      type: "play",
      target: "mail",
      message: "expected `250 rcpt`, got `250 RCPT \\xe2\\x80\\xae`",
      steps: [
        { line: 2, source: "< 220 *", state: "passed", isFromTarget: true, from: 0, to: 18 },
        { line: 3, state: "passed", isFromTarget: false, from: 0, to: 10 },
        { line: 4, state: "failed", from: 18, to: 32 },
      ],
    });
    const exported = records.flatMap(({ events }) => events.map(({ bytes = "" }) => Buffer.from(bytes, "base64")));
    const outputs = [lines.stdout, json.stdout, ...exported.map(String)].join("\n");
    expect(outputs).not.toContain(key);
    // What would act on a terminal is escaped everywhere.
    expect(outputs.replaceAll(/[\r\n]/g, "").replace(Buffer.concat(exported).toString(), "")).not.toMatch(
      /[\0-\u001f]/,
    );
  });

  test("go on after a target that cannot be connected, which counts more than an expectation", async () => {
    await using mail = await openMail();
    const folder = await writeScenarios({
      "gone.wire": "target: gone\n< *\n",
      "failed.wire": "target: mail\n< 221 *\n",
    });
    const targets = ["--target", `gone=tcp://127.0.0.1:${await freePort()}`, "--target", `mail=tcp://${mail.address}`];
    const files = [join(folder, "gone.wire"), join(folder, "failed.wire")];
    const { code, stdout } = await playHere([...patient, ...files, ...targets]);
    expect(code).toBe(3);
    expect(stdout).toMatch(
      /^\S+gone\.wire: nothing listens on 127\.0\.0\.1:\d+; .*\n\S+failed\.wire:2: expected `221 \*`/,
    );
    expect((await playHere([...patient, files[1] ?? "", ...targets])).code).toBe(1);
  });
});

describe("before anything is connected", () => {
  test("what is wrong with the files, the targets, the values and the outputs is told, with the exit code 2", async () => {
    let connections = 0;
    await using server = await TestServer.listen(() => void (connections += 1));
    const folder = await writeScenarios({
      "good.wire": "> PING\n",
      "key.wire": "> AUTH {{key}}\n",
      "mail.wire": "connect mail\n> PING\n",
      "bad.wire": 'connect mail\n<no space\n>> "\u001b[2J"\nwait forever\n',
      "notes.txt": "somebody's\n",
    });
    const [one, mail] = [`a=tcp://${server.address}`, `mail=tcp://${server.address}`];
    const cases: readonly (readonly [words: readonly string[], sentence: string])[] = [
      [[], "play needs a scenario"],
      [["good.wire"], "good.wire needs one target; type --target NAME=tcp://HOST:PORT"],
      [["good.wire", "--target", one, "--target", mail], "good.wire needs one target"],
      [["mail.wire", "--target", one], "mail.wire is for the target mail, which is not there"],
      [["good.wire", "--target", "a=ftp://x:1"], "wirebook: target a: "],
      [["good.wire", "--target", `${one}?proxy=v2`], "proxy=v2 names the client of a gateway"],
      [["good.wire", "key.wire", "--target", one], "{{key}}; type --value key=VALUE"],
      [["good.wire", "--target", one, "--value", key], "--value has no name"],
      [["good.wire", "--target", one, "--pace", "slow"], '--pace is "slow"; type recorded or fast'],
      [["good.wire", "--target", one, "--timeout", "0"], "type milliseconds from 1 to 86400000"],
      [["none.wire", "--target", one], "none.wire cannot be read (ENOENT)"],
      [["good.wire", "--target", one, "--export", "notes.txt"], "notes.txt exists and is no NDJSON file"],
      [["good.wire", "--target", one, "--export", "no/streams.ndjson"], "streams.ndjson cannot be written (ENOENT)"],
    ];
    const inFolder = (word: string): string => (/^[a-z/]+\.[a-z]+$/.test(word) ? join(folder, word) : word);
    const ran = await Promise.all(cases.map(([words]) => playHere(words.map(inFolder))));
    for (const [at, { code, stdout, stderr }] of ran.entries()) {
      const [words, sentence] = cases[at] ?? [];
      expect({ code, stdout }, String(words)).toEqual({ code: 2, stdout: "" });
      expect(stderr).toContain(sentence);
      expect(stderr).not.toContain(key);
    }
    const malformed = await playHere([...["good.wire", "bad.wire"].map(inFolder), "--target", mail]);
    expect(malformed).toMatchObject({ code: 2, stdout: "" });
    expect(malformed.stderr.replaceAll(`${folder}/`, "").match(/^wirebook: bad\.wire:\d+:\d+: .+$/gm)).toHaveLength(3);
    expect(malformed.stderr).not.toContain("\u001b");
    expect(connections).toBe(0);
  });
});

test("what does not come in the scenario's time is told, with the exit code 4", async () => {
  await using mail = await openMail();
  const folder = await writeScenarios({ "silent.wire": "timeout: 2s\n< 220 *\n> SILENT\n< 250 *\n" });
  const { code, stdout } = await playHere([join(folder, "silent.wire"), "--target", `mail=tcp://${mail.address}`]);
  expect([code, stdout]).toEqual([4, `${folder}/silent.wire:4: expected \`250 *\` within 2 s, got nothing\n`]);
});

test("Ctrl-C leaves a target that says nothing, with 130", async () => {
  const connected = Promise.withResolvers<void>();
  await using mute = await TestServer.listen(() => connected.resolve());
  const folder = await writeScenarios({ "mute.wire": "timeout: 10m\n< 220 *\n" });
  const child = startCli(["play", join(folder, "mute.wire"), "--target", `mute=tcp://${mute.address}`]);
  await connected.promise;
  child.kill("SIGINT");
  expect(await until(child.stdout, "\n")).toBe(`${folder}/mute.wire: interrupted\n`);
  expect(await exitOf(child)).toBe(130);
});

test("a target that sends without end, or reads nothing, ends the play within bounds", async () => {
  await using flood = await TestServer.listen((socket) => {
    const more = (): void => void (socket.destroyed || socket.write("x".repeat(65_536), more));
    more();
  });
  const folder = await writeScenarios({
    "line.wire": "<* 250 *\n",
    "bytes.wire": "wait 10m\n",
    "full.wire": `timeout: 50ms\n${"> {{long}}{{long}}{{long}}{{long}}\n".repeat(400)}`,
  });
  const play = (name: string, { address }: TestServer): Promise<Ran> =>
    playHere([join(folder, name), "--target", `flood=tcp://${address}`, "--value", `long=${"y".repeat(60_000)}`]);
  expect(await play("line.wire", flood)).toMatchObject({ code: 1, stdout: expect.stringContaining("65536") as string });
  expect(await play("bytes.wire", flood)).toMatchObject({
    code: 1,
    stdout: expect.stringContaining("1048576") as string,
  });
  await using deaf = await TestServer.listen((socket) => socket.pause());
  expect(await play("full.wire", deaf)).toMatchObject({
    code: 4,
    stdout: expect.stringMatching(/full\.wire:\d+: the target took nothing for 50 ms, and \d+ bytes wait/) as string,
  });
});

describe.skipIf(ptyMaker === undefined)("needs script(1) or python3: on a terminal", () => {
  test("values are asked for, and what is typed for a key is not shown", async () => {
    await using mail = await openMail();
    const folder = await writeScenarios({ "key.wire": "< 220 *\n> key {{key}} {{user}}\n< 250 key * brick\n" });
    await using cli = new PtyCli([
      "play",
      ...patient,
      join(folder, "key.wire"),
      "--target",
      `mail=tcp://${mail.address}`,
    ]);
    await cli.until("key: ");
    cli.type(`${key}${keys.enter}`);
    await cli.until("user: ");
    cli.type(`brick${keys.enter}`);
    await cli.until("held, 3 steps");
    expect(await cli.exitCode).toBe(0);
    expect(cli.screen).not.toContain(key.slice(0, 4));
    expect(cli.screen).toContain("brick");
  });
});

test("what wirebook connect recorded is played again, and holds; a Wirebook server's key is left out", async () => {
  await using mail = await openMail();
  const folder = await writeScenarios({ "mine.wire": "> PING\n" });
  const [recorded, exported] = [join(folder, "mail.wire"), join(folder, "mail.ndjson")];
  const files = ["--record", recorded, "--export", exported];
  // Its FIN would meet the RST, sometimes before and sometimes after.
  const connected = await runCli(["connect", "--keep-open", mail.address, ...files], {
    input: "ehlo {{x}} *\r\nRESET\r\n",
  });
  expect(connected).toMatchObject({ code: 3, stdout: "220 mail.example\r\n250 EHLO {{X}} *\r\n" });
  expect(await playHere([...patient, recorded, "--target", `mail=tcp://${mail.address}`])).toMatchObject({ code: 0 });
  const { records } = decodeSession(await readFile(exported));
  expect(records[0]).toMatchObject({ target: mail.address, transport: "tcp", end: { how: "failed" } });
  expect(records[0]?.events.at(-1)).toMatchObject({ from: "target", rst: true });

  await using server = await openResponder("one line\n");
  await runCli(["connect", `127.0.0.1:${server.port}`, ...files], { input: `brick~${key} 2\n` });
  expect(await readFile(recorded, "utf8")).toContain("\n> brick~{{key}} 2\n");
  expect(decodeSession(await readFile(exported)).records[0]?.events.map(({ bytes = "" }) => atob(bytes))).toContain(
    `brick~${"*".repeat(key.length)} 2\n`,
  );
  // Where nothing listens, what was recorded before stays.
  const before = await readFile(recorded, "utf8");
  expect(await runCli(["connect", `localhost:${await freePort()}`, "--record", recorded])).toMatchObject({ code: 3 });
  expect(await readFile(recorded, "utf8")).toBe(before);
  const refused = await runCli(["connect", mail.address, "--record", join(folder, "mine.wire")]);
  expect(refused).toMatchObject({ code: 2, stderr: expect.stringContaining("is no recorded scenario file") as string });
});
