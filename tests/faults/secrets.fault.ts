/**
 * No key ever leaks: canaries, right and mistyped, in every place of a message where a user might put a key, by every
 * way in, on each engine of the history. Afterwards they are sought in every file, those of the NATS node too, and in
 * everything that any program has printed, and in what a page sees of a listening port. A gateway at which people log in gets half as many passwords, in every place of
 * a request.
 *
 * Not sought is what docs/reference/users.md says cannot be protected: a key with white space inside, and on an open server a
 * piece of one that stands alone.
 */

import { readFile, readdir } from "node:fs/promises";
import { join } from "node:path";
import { NatsCluster } from "../../test-support/nats-cluster.ts";
import { clientPath } from "../../test-support/programs.ts";
import type { ServerProgram } from "../../test-support/programs.ts";
import { run as runProgram } from "../../test-support/run.ts";
import { findNatsServer } from "../../scripts/nats-server.mjs";
import type { Random } from "../../test-support/random.ts";
import type { FaultTest, Finding, Trial } from "./framework/fault-test.ts";
import { createCanary, manners } from "./keys/canaries.ts";
import type { Canary } from "./keys/canaries.ts";
import { sendGatewaySecrets } from "./people/gateway-secrets.ts";
import { textOf } from "../../test-support/page-client.ts";
import { modes, startUsersFixture } from "./keys/users-fixture.ts";
import type { UsersFixture } from "./keys/users-fixture.ts";
import { addressOf, ask, exchange } from "../../test-support/tcp-client.ts";

/** One canary in so many goes through the client, which takes a while to start. */
const clientEvery = 10;

/** From whose address no canary is sent. */
const lastClient = 65_000;

/** Characters of a key whose appearance is a leak; a name or a number has fewer in a row. */
const pieceCharacters = 10;

export const faultTest: FaultTest = {
  promise: "a key or a password is in no file, on no terminal, in no log and in no frame but the reply that tells it",
  unit: "canaries",
  first: 100,
  ci: 30,
  full: 5000,
  isInCi: true,
  needs: [],
  negativeControls: [
    { mutant: "unredacted-keys", count: 40 },
    { mutant: "logged-unauthenticated", count: 60 },
    { mutant: "logged-names", count: 60 },
    { mutant: "unmasked-flows", count: 10 },
  ],
  run,
};

async function run(trial: Trial): Promise<Finding> {
  const { count, random, folder, nodeArgs, progress } = trial;
  await using all = new AsyncDisposableStack();
  const cluster = findNatsServer() === undefined ? undefined : all.use(await NatsCluster.start({ nodes: 1 }));
  const histories = modes.flatMap((mode) => [
    { mode },
    ...(cluster === undefined ? [] : [{ mode, historyPath: cluster.address(mode) }]),
  ]);
  const fixtures = await Promise.all(
    histories.map((history) => startUsersFixture(history.mode, { ...history, nodeArgs })),
  );
  for (const fixture of fixtures) all.use(fixture);
  const printed: string[] = [];
  const secrets = new Set(fixtures.map(({ admin }) => admin.split("~")[1] ?? ""));
  for (let done = 0; done < count; done++) {
    const fixture = random.pick(fixtures);
    const owner = await createUser(fixture, done);
    secrets.add(owner.split("~")[1] ?? "");
    const canary = createCanary(owner, { other: fixture.admin, mode: fixture.mode }, random);
    secrets.add(canary.key);
    printed.push(await send(fixture, canary, { random, number: done }));
    progress(done + 1);
  }
  const people = await sendGatewaySecrets(trial, Math.ceil(count / 2));
  for (const secret of people.secrets) secrets.add(secret);
  printed.push(people.printed);
  const folders = [folder, ...(cluster?.nodes ?? []).map((node) => node.folder)];
  const finding = await judge(fixtures, { folders, printed, secrets: [...secrets], count });
  return { ...finding, checked: `${finding.checked}, ${cluster === undefined ? "file alone" : "file and NATS"}` };
}

/** Operation 4, whose reply is the one place where a key belongs; a page that watches it gets that masked. */
async function createUser({ listenPort, admin }: UsersFixture, number: number): Promise<string> {
  const reply = await ask(listenPort, `${admin} 4`, addressOf(number));
  const username = /^[a-z]+-\d+~\w+$/m.exec(reply)?.[0];
  if (username === undefined) throw new Error(`no user was created: ${reply}`);
  return username;
}

/** Sends a message by one way or another; returns what came back or was printed. The client shows what it was told to send. */
async function send(
  fixture: UsersFixture,
  { message, key, isBrokenUp }: Canary,
  { random, number }: { random: Random; number: number },
): Promise<string> {
  if (number % clientEvery === 0 && !isBrokenUp) return askByClient(fixture.server, message, random.chance(0.5));
  if (random.chance(0.3)) return askByPage(fixture, message);
  const manner = random.pick(manners);
  const at = random.below(message.length);
  const port = isMaskedInFlows(message, key) && random.chance(0.5) ? fixture.listenPort : fixture.server.port;
  const { text } = await exchange(port, (socket) => manner(socket, message, at), {
    from: addressOf(number),
  });
  return text;
}

/** A gateway knows a key by the `~` before it, and who watches sees one that stands alone as it is. */
function isMaskedInFlows(message: Buffer, key: string): boolean {
  return message.includes(`~${key}`) && message.indexOf(key) === message.lastIndexOf(key);
}

/**
 * As words where it is made of words, as bytes otherwise. A key in two pieces always goes as bytes: a gateway, which
 * knows no users, logs the words of an unauthenticated user, and docs/reference/users.md says so.
 */
async function askByPage({ page }: UsersFixture, message: Buffer): Promise<string> {
  const [, user, words] = /^(["-~]+)((?: \d+(?: ["-~]+){0,2})?)$/.exec(message.toString("latin1")) ?? [];
  if (user === undefined || words === undefined)
    return textOf(
      await page.connect("wirebook", { bytes: Buffer.concat([message, Buffer.from("\n")]), isEnded: true }).ended,
    );
  return textOf(await page.request(user, words === "" ? [] : words.trim().split(" ")).ended);
}

/** By standard input, as JSON or with everything shown that the client can show. */
async function askByClient(server: ServerProgram, message: Buffer, isJson: boolean): Promise<string> {
  const args = [clientPath, "--port", String(server.port), isJson ? "--json" : "--trace"];
  const { stdout, stderr } = await runProgram(process.execPath, args, `${message.toString()}\n`);
  return stdout + stderr;
}

async function judge(
  fixtures: readonly UsersFixture[],
  {
    folders,
    printed,
    secrets,
    count,
  }: { folders: readonly string[]; printed: readonly string[]; secrets: readonly string[]; count: number },
): Promise<Finding> {
  const watched = await Promise.all(fixtures.map(watchedBytes));
  await Promise.all(fixtures.map(({ server }) => server.kill()));
  const texts = new Map<string, string>([
    ["what came back, or the client or a gateway with a login printed", printed.join("\n")],
    ["what a page saw of a listening port", watched.join("\n")],
  ]);
  for (const { server, gateway, page } of fixtures) {
    for (const [name, { stdout, stderr }] of Object.entries({ server, gateway })) {
      texts.set(`what the ${name} printed (${server.port})`, [...stdout, ...stderr].join("\n"));
    }
    texts.set(`frames to the page (${server.port})`, page.textFrames.join("\n"));
    if (!server.historyPath.startsWith("nats:")) await readAll(join(server.historyPath, ".."), texts);
  }
  for (const each of folders) await readAll(each, texts);
  const violations = findLeaks(texts, secrets);
  const bytes = [...texts.values()].reduce((sum, text) => sum + text.length, 0);
  return { tried: count, checked: `${texts.size} files and outputs, ${bytes} characters`, violations };
}

/** What the page saw of all connections through the port, each direction as a whole, when it has seen one more. */
async function watchedBytes({ listenPort, page }: UsersFixture): Promise<string> {
  const from = addressOf(lastClient);
  await ask(listenPort, "last", from);
  const flows = await page.until(() => {
    const seen = [...page.flows.flows.values()];
    return seen.some(({ head, last }) => head.client?.address === from && last !== undefined) ? seen : undefined;
  });
  return flows
    .flatMap(({ record }) => [record.writes, record.reads])
    .map((events) => Buffer.concat(events.map(({ bytes }) => bytes ?? new Uint8Array(0))).toString("latin1"))
    .join("\n");
}

/** Which text has a piece of a key, as sentences: a cut or an escape may have left only a part of one. */
function findLeaks(texts: ReadonlyMap<string, string>, keys: readonly string[]): string[] {
  const pieces = new Set(keys.flatMap(piecesOf));
  return [...texts].flatMap(([where, text]) => {
    const found = (text.match(/[0-9A-Za-z]+/g) ?? []).flatMap(piecesOf).find((piece) => pieces.has(piece));
    return found === undefined ? [] : [`${JSON.stringify(found)}, a piece of a key, is in ${where}`];
  });
}

/** Adds every file of a folder to the texts, by its path. */
async function readAll(folder: string, texts: Map<string, string>): Promise<void> {
  for (const entry of await readdir(folder, { recursive: true, withFileTypes: true })) {
    const path = join(entry.parentPath, entry.name);
    if (entry.isFile()) texts.set(path, await readFile(path, "utf8"));
  }
}

/** All that stands in so many neighbouring characters of a word, without regard to case. */
function piecesOf(word: string): string[] {
  const count = Math.max(0, word.length - pieceCharacters + 1);
  return Array.from({ length: count }, (_, at) => word.slice(at, at + pieceCharacters).toLowerCase());
}
