/**
 * Who may do what: every identity, with every operation, in both modes, by every way in, against a table that
 * is written down here once more and not taken from the program. At the gateway likewise: every proof of who somebody is.
 */

import { spawn } from "node:child_process";
import { readFile } from "node:fs/promises";
import { clientPath } from "../../test-support/programs.ts";
import type { ServerProgram } from "../../test-support/programs.ts";
import type { FaultTest, Finding, Trial } from "./framework/fault-test.ts";
import { textOf } from "../../test-support/page-client.ts";
import { modes, register, startUsersFixture, untilKnown } from "./keys/users-fixture.ts";
import type { Mode, UsersFixture } from "./keys/users-fixture.ts";
import { gatewayCells, tryGatewayRoles } from "./people/gateway-roles.ts";
import { addressOf, ask, exchange } from "../../test-support/tcp-client.ts";

const identities = [
  "admin",
  "member",
  "own name without its key",
  "own name with a wrong key",
  "unregistered name",
] as const;
const operations = ["", "1 1", "2", "3", "4", "5", "6", "7 1000000"] as const;
const ways = ["TCP", "TCP and FIN", "client", "page", "page, conversation"] as const;
type Identity = (typeof identities)[number];

type Verdict = "done" | "role" | "unknown";

/** The table of docs/reference/users.md. */
function verdictOf(mode: Mode, identity: Identity, operation: string): Verdict {
  if (identity.startsWith("own name")) return "unknown";
  if (mode === "open") return "done";
  if (identity === "unregistered name") return "unknown";
  return identity === "member" && /^[137]/.test(operation) ? "role" : "done";
}

/** Answers to wrong keys wait, longer each time for an address: where all come from one, two operations must do. */
const isTried = (way: (typeof ways)[number], identity: Identity, words: string): boolean =>
  identity !== "own name with a wrong key" || way.startsWith("TCP") || words === "" || words === "3";

const cells = modes.flatMap((mode) =>
  ways.flatMap((way) =>
    identities.flatMap((identity) =>
      operations.filter((words) => isTried(way, identity, words)).map((words) => ({ mode, way, identity, words })),
    ),
  ),
);
type Cell = (typeof cells)[number];

export const faultTest: FaultTest = {
  promise: "who may do what is as docs/reference/users.md and docs/reference/gateway.md have it, by every way in",
  unit: "attempts",
  first: gatewayCells.length + cells.length,
  full: gatewayCells.length + 10 * cells.length,
  isInCi: false,
  needs: [],
  negativeControls: [
    { mutant: "no-roles", count: gatewayCells.length + cells.length },
    { mutant: "any-key", count: gatewayCells.length + cells.length },
    { mutant: "talking-viewers", count: gatewayCells.length },
    { mutant: "unsigned-cookies", count: gatewayCells.length },
    { mutant: "kept-logouts", count: gatewayCells.length },
    { mutant: "any-proxy", count: gatewayCells.length },
  ],
  run,
};

/** The programs of one mode, and the username of each identity. */
interface Fixture extends UsersFixture {
  readonly users: Readonly<Record<Identity, string>>;
}

async function run(trial: Trial): Promise<Finding> {
  const { count, random, nodeArgs, progress } = trial;
  const violations = await tryGatewayRoles(trial, count);
  // The first round in order; the order of the others is chance.
  const left = Math.max(0, count - gatewayCells.length);
  const tries = Array.from({ length: left }, (_, at) => cells[at] ?? random.pick(cells));
  let done = 0;
  const tryMode = async (mode: Mode): Promise<void> => {
    await using fixture = await setUp(mode, nodeArgs);
    for (const cell of tries.filter((each) => each.mode === mode)) {
      const violation = await tryOne(cell, fixture, done);
      if (violation !== undefined) violations.push(violation);
      progress(++done);
    }
  };
  if (left > 0) await Promise.all(modes.map(tryMode));
  const table = `${gatewayCells.length} and ${cells.length} cells`;
  return { tried: count, checked: `replies and histories against tables of ${table}`, violations };
}

async function setUp(mode: Mode, nodeArgs: readonly string[]): Promise<Fixture> {
  const fixture = await startUsersFixture(mode, { nodeArgs });
  const member = await register(fixture.server.historyPath, "mel", "member");
  await untilKnown(fixture.server.port, member);
  const users = {
    admin: fixture.admin,
    member,
    "own name without its key": "mel",
    "own name with a wrong key": "mel~7d2mqk0x9rcv41hzw8tbn53yfe",
    "unregistered name": "somebody",
  };
  return { ...fixture, users };
}

async function tryOne(
  { mode, way, identity, words }: Cell,
  fixture: Fixture,
  number: number,
): Promise<string | undefined> {
  const { server, users } = fixture;
  await ask(server.port, `${users.admin} 2 -1`); // So that there is a line to delete.
  const before = await resultsOf(server);
  const reply = await send(fixture, way, users[identity], words, number);
  const done = (await resultsOf(server)) - before;
  const expected = verdictOf(mode, identity, words);
  const found = judge(reply, words);
  // A delete of all leaves one result, whatever was there; so what counts there is the reply.
  const isEffectRight = words === "3" ? true : done === (expected === "done" && /^[14]/.test(words) ? 1 : 0);
  if (found === expected && isEffectRight) return undefined;
  const what = `${mode}, ${way}, ${identity}, operation ${words === "" ? "none" : words}`;
  return `${what}: expected ${expected}, found ${found} with ${done} new results: ${JSON.stringify(reply.slice(-120))}`;
}

function judge(reply: string, words: string): Verdict | "nothing that is known" {
  if (reply.trim() === "Authentication error.") return "unknown";
  if (/Error: operation \d needs the role admin/.test(reply)) return "role";
  return (signs[words] as RegExp).test(reply) ? "done" : "nothing that is known";
}

/** How a reply shows that it was done; the client alone leaves out the header. */
const signs: Readonly<Record<string, RegExp>> = {
  "": /enter 6 after your username/,
  "1 1": /Deleted line 1\.\n$/,
  "2": /"\n$/,
  "3": /Deleted all\.\n$/,
  "4": /[a-z]+-\d+~[0-9a-z]{26}\n$/,
  "5": /Following from line \d+\.\n/,
  "6": /\nengine: file\n$/,
  "7 1000000": /Archived no line, since all are to be kept\.\n$/,
};

/** A follow goes on for as long as one likes. */
const isEnough = (reply: string): boolean => reply.includes("Following from line");

async function send(
  { server, page }: Fixture,
  way: Cell["way"],
  user: string,
  words: string,
  number: number,
): Promise<string> {
  const message = words === "" ? user : `${user} ${words}`;
  const from = addressOf(number);
  switch (way) {
    case "TCP":
      return (await exchange(server.port, `${message}\n`, { from, isEnough })).text;
    case "TCP and FIN":
      return (await exchange(server.port, (socket) => socket.end(message), { from, isEnough })).text;
    case "page":
      return textOf(await page.request(user, words === "" ? [] : words.split(" "), { isEnough }).ended);
    case "page, conversation":
      return textOf(await page.connect("wirebook", { bytes: `${message}\n` }, { isEnough, answersFin: true }).ended);
    case "client":
      return askByClient(server, message.split(" "));
  }
}

/** What the client prints; Ctrl-C when that is enough. */
async function askByClient(server: ServerProgram, words: readonly string[]): Promise<string> {
  const client = spawn(process.execPath, [clientPath, "--port", String(server.port), ...words], {
    stdio: ["ignore", "pipe", "ignore"],
  });
  let printed = "";
  for await (const chunk of client.stdout) {
    printed += String(chunk);
    if (isEnough(printed)) client.kill("SIGINT");
  }
  return printed;
}

async function resultsOf(server: ServerProgram): Promise<number> {
  const lines = (await readFile(server.historyPath, "utf8")).split("\n");
  return lines.filter((line) => / (?:deleted line|created user) /.test(line)).length;
}
