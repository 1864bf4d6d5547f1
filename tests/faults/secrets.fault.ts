/**
 * No key ever leaks: canaries, right and mistyped, in every place of a message where somebody might put a key, by every
 * way in, on each engine of the history. Afterwards they are sought in every file, those of the NATS node too, and in
 * everything that any program has printed.
 *
 * Not sought is what docs/users.md says cannot be protected: a key with white space inside, and on an open server a
 * piece of one that stands alone.
 */

import { join } from "node:path";
import { setTimeout as pause } from "node:timers/promises";
import { NatsCluster } from "../../test-support/nats-cluster.ts";
import { clientPath, startGateway, startServer } from "../../test-support/programs.ts";
import type { ServerProgram } from "../../test-support/programs.ts";
import type { Program } from "../../test-support/program.ts";
import { run as runProgram } from "../../test-support/run.ts";
import { findNatsServer } from "../../scripts/nats-server.mjs";
import type { Random } from "../../bench/harness/random.ts";
import type { FaultTest, Finding, Trial } from "./framework/fault-test.ts";
import { createCanary, manners } from "./keys/canaries.ts";
import type { Canary } from "./keys/canaries.ts";
import { findLeaks, readAll } from "./keys/leaks.ts";
import { Page } from "./parts/page.ts";
import { register } from "./parts/people.ts";
import { exchange } from "./parts/wire.ts";

const modes = ["open", "registered"] as const;
/** Milliseconds until a server is asked again whether it knows its users. */
const usersKnownMs = 100;
/** One canary in so many goes through the client, which takes a while to start. */
const clientEvery = 10;

export const faultTest: FaultTest = {
  promise: "a key is in no file, on no terminal, in no log and in no frame but the reply that tells it",
  unit: "canaries",
  first: 100,
  ci: 30,
  full: 5000,
  isInCi: true,
  needs: [],
  negativeControls: [
    { mutant: "unredacted-keys", count: 40 },
    { mutant: "logged-unauthenticated", count: 60 },
  ],
  run,
};

interface Stage extends AsyncDisposable {
  readonly mode: (typeof modes)[number];
  readonly server: ServerProgram;
  readonly gateway: Program;
  readonly page: Page;
  /** Somebody in whose name other people's keys are typed. */
  readonly other: string;
}

async function run({ count, random, folder, nodeArgs, progress }: Trial): Promise<Finding> {
  await using all = new AsyncDisposableStack();
  const cluster = findNatsServer() === undefined ? undefined : all.use(await NatsCluster.start({ nodes: 1 }));
  const histories = modes.flatMap((mode) => [
    { mode },
    ...(cluster === undefined ? [] : [{ mode, historyPath: cluster.address(mode) }]),
  ]);
  const stages = await Promise.all(histories.map((history) => setUp(history, nodeArgs)));
  for (const stage of stages) all.use(stage);
  const printed: string[] = [];
  const secrets = new Set(stages.map(({ other }) => other.split("~")[1] ?? ""));
  for (let done = 0; done < count; done++) {
    const stage = random.pick(stages);
    const owner = await createUser(stage, done);
    secrets.add(owner.split("~")[1] ?? "");
    const canary = createCanary(owner, stage, random);
    secrets.add(canary.key);
    printed.push(await send(stage, canary, { random, number: done, home: folder }));
    progress(done + 1);
  }
  const folders = [folder, ...(cluster?.nodes ?? []).map((node) => node.folder)];
  const finding = await judge(stages, { folders, printed, secrets: [...secrets], count });
  return { ...finding, checked: `${finding.checked}, ${cluster === undefined ? "file alone" : "file and NATS"}` };
}

/** @param history without `historyPath`, a file of its own */
async function setUp(
  history: { readonly mode: (typeof modes)[number]; readonly historyPath?: string },
  nodeArgs: readonly string[],
): Promise<Stage> {
  const { mode, ...place } = history;
  const stack = new AsyncDisposableStack();
  const server = stack.use(await startServer({ ...place, nodeArgs, options: ["--users", mode] }));
  const gateway = stack.use(await startGateway({ server: server.address }));
  const page = stack.use(await Page.open(gateway.port));
  const other = await register(server.historyPath, "mel", "admin");
  while (!(await ask(server.port, `${other} 6`, 0)).includes("engine: ")) await pause(usersKnownMs);
  return { mode, server, gateway, page, other, [Symbol.asyncDispose]: () => stack.disposeAsync() };
}

/** Operation 4, whose reply is the one place where a key belongs. */
async function createUser({ server, other }: Stage, number: number): Promise<string> {
  const reply = await ask(server.port, `${other} 4`, number);
  const username = /^[a-z]+-\d+~\w+$/m.exec(reply)?.[0];
  if (username === undefined) throw new Error(`no user was created: ${reply}`);
  return username;
}

/** Sends a message by one way or another; returns what came back or was printed. The client shows what it was told to send. */
async function send(
  { server, page }: Stage,
  { message, isBrokenUp }: Canary,
  { random, number, home }: { random: Random; number: number; home: string },
): Promise<string> {
  if (number % clientEvery === 0 && !isBrokenUp) return askByClient(server, message, home, random.chance(0.5));
  if (random.chance(0.3)) return askByPage(page, message);
  const manner = random.pick(manners);
  const at = random.below(message.length);
  return exchange({ port: server.port, from: addressOf(number) }, (socket) => manner(socket, message, at));
}

/**
 * As words where it is made of words, as bytes otherwise. A key in two pieces always goes as bytes: a gateway, which
 * knows no users, logs the words of a stranger, and docs/users.md says so.
 */
function askByPage(page: Page, message: Buffer): Promise<string> {
  const [, user, words] = /^(["-~]+)((?: \d+(?: ["-~]+){0,2})?)$/.exec(message.toString("latin1")) ?? [];
  if (user === undefined || words === undefined) return page.raw(Buffer.concat([message, Buffer.from("\n")]));
  return page.request(user, words === "" ? [] : words.trim().split(" "));
}

/** By standard input, as JSON or with everything shown that the client can show. */
async function askByClient(server: ServerProgram, message: Buffer, home: string, isJson: boolean): Promise<string> {
  const args = [clientPath, "--port", String(server.port), isJson ? "--json" : "--trace"];
  const command = [`XDG_STATE_HOME=${home}`, process.execPath, ...args];
  const { stdout, stderr } = await runProgram("env", command, `${message.toString()}\n`);
  return stdout + stderr;
}

/** Wrong keys wait longer each time for an address, so each comes from one of its own. */
function addressOf(number: number): string {
  return `127.1.${number >> 8}.${number & 0xff}`;
}

function ask(port: number, message: string, number: number): Promise<string> {
  return exchange({ port, from: addressOf(number) }, (socket) => socket.write(`${message}\n`));
}

async function judge(
  stages: readonly Stage[],
  {
    folders,
    printed,
    secrets,
    count,
  }: { folders: readonly string[]; printed: readonly string[]; secrets: readonly string[]; count: number },
): Promise<Finding> {
  await Promise.all(stages.map(({ server }) => server.kill()));
  const texts = new Map<string, string>([["what came back or the client printed", printed.join("\n")]]);
  for (const { server, gateway, page } of stages) {
    for (const [name, { stdout, stderr }] of Object.entries({ server, gateway })) {
      texts.set(`what the ${name} printed (${server.port})`, [...stdout, ...stderr].join("\n"));
    }
    texts.set(`frames to the page (${server.port})`, page.frames.join("\n"));
    if (!server.historyPath.startsWith("nats:")) await readAll(join(server.historyPath, ".."), texts);
  }
  for (const each of folders) await readAll(each, texts);
  const violations = findLeaks(texts, secrets);
  const bytes = [...texts.values()].reduce((sum, text) => sum + text.length, 0);
  return { tried: count, checked: `${texts.size} files and outputs, ${bytes} characters`, violations };
}
