/**
 * Who may do what: everybody who can speak, with every operation, in both modes, by every way in, against a table that
 * is written down here once more and not taken from the program.
 */

import { spawn } from "node:child_process";
import { readFile } from "node:fs/promises";
import { setTimeout as pause } from "node:timers/promises";
import { clientPath, startGateway, startServer } from "../../test-support/programs.ts";
import type { ServerProgram } from "../../test-support/programs.ts";
import type { FaultTest, Finding, Trial } from "./framework/fault-test.ts";
import { Page } from "./parts/page.ts";
import { register } from "./parts/people.ts";
import { exchange } from "./parts/wire.ts";

const people = ["admin", "member", "own name without its key", "own name with a wrong key", "stranger"] as const;
const operations = ["", "1 1", "2", "3", "4", "5", "6"] as const;
const modes = ["open", "registered"] as const;
const ways = ["TCP", "TCP and FIN", "client", "page", "page, raw"] as const;
/** Milliseconds until a server is asked again whether it knows its users. */
const usersKnownMs = 100;
type Person = (typeof people)[number];
type Mode = (typeof modes)[number];

/** What is to come of it. */
type Verdict = "done" | "role" | "unknown";

/** The table of docs/users.md. */
function verdictOf(mode: Mode, person: Person, operation: string): Verdict {
  if (person.startsWith("own name")) return "unknown";
  if (mode === "open") return "done";
  if (person === "stranger") return "unknown";
  return person === "member" && /^[13]/.test(operation) ? "role" : "done";
}

/** Answers to wrong keys wait, longer each time for an address: where all come from one, two operations must do. */
const isTried = (way: (typeof ways)[number], person: Person, words: string): boolean =>
  person !== "own name with a wrong key" || way.startsWith("TCP") || words === "" || words === "3";

const cells = modes.flatMap((mode) =>
  ways.flatMap((way) =>
    people.flatMap((person) =>
      operations.filter((words) => isTried(way, person, words)).map((words) => ({ mode, way, person, words })),
    ),
  ),
);
type Cell = (typeof cells)[number];

export const faultTest: FaultTest = {
  promise: "who may do what is as docs/users.md has it, by every way in",
  unit: "attempts",
  first: cells.length,
  full: 10 * cells.length,
  isInCi: false,
  needs: [],
  negativeControls: [
    { mutant: "no-roles", count: cells.length },
    { mutant: "any-key", count: cells.length },
  ],
  run,
};

/** The programs of one mode, and the usernames of the people. */
interface Stage extends AsyncDisposable {
  readonly server: ServerProgram;
  readonly page: Page;
  readonly users: Readonly<Record<Person, string>>;
}

async function run({ count, random, nodeArgs, progress }: Trial): Promise<Finding> {
  // The first round in order; the order of the others is chance.
  const tries = Array.from({ length: count }, (_, at) => cells[at] ?? random.pick(cells));
  const violations: string[] = [];
  let done = 0;
  const tryMode = async (mode: Mode): Promise<void> => {
    await using stage = await setUp(mode, nodeArgs);
    for (const cell of tries.filter((each) => each.mode === mode)) {
      const violation = await tryOne(cell, stage, done);
      if (violation !== undefined) violations.push(violation);
      progress(++done);
    }
  };
  await Promise.all(modes.map(tryMode));
  return { tried: count, checked: `replies and histories against a table of ${cells.length} cells`, violations };
}

async function setUp(mode: Mode, nodeArgs: readonly string[]): Promise<Stage> {
  const stack = new AsyncDisposableStack();
  const server = stack.use(await startServer({ nodeArgs, options: ["--users", mode] }));
  const gateway = stack.use(await startGateway({ server: server.address }));
  const page = stack.use(await Page.open(gateway.port));
  const users = {
    admin: await register(server.historyPath, "ada", "admin"),
    member: await register(server.historyPath, "mel", "member"),
    "own name without its key": "mel",
    "own name with a wrong key": "mel~7d2mqk0x9rcv41hzw8tbn53yfe",
    stranger: "somebody",
  };
  // The server may need a moment to learn of its users.
  while (!(await ask(server, `${users.admin} 6`)).includes("engine: ")) await pause(usersKnownMs);
  return { server, page, users, [Symbol.asyncDispose]: () => stack.disposeAsync() };
}

async function tryOne({ mode, way, person, words }: Cell, stage: Stage, number: number): Promise<string | undefined> {
  const { server, users } = stage;
  await ask(server, `${users.admin} 2 -1`); // So that there is a line to delete.
  const before = await outcomesOf(server);
  const reply = await send(stage, way, users[person], words, number);
  const done = (await outcomesOf(server)) - before;
  const expected = verdictOf(mode, person, words);
  const found = judge(reply, words);
  // A delete of all leaves one outcome, whatever was there; so what counts there is the reply.
  const isEffectRight = words === "3" ? true : done === (expected === "done" && /^[14]/.test(words) ? 1 : 0);
  if (found === expected && isEffectRight) return undefined;
  const what = `${mode}, ${way}, ${person}, operation ${words === "" ? "none" : words}`;
  return `${what}: expected ${expected}, found ${found} with ${done} new outcomes: ${JSON.stringify(reply.slice(-120))}`;
}

function judge(reply: string, words: string): Verdict | "nothing that is known" {
  if (reply.trim() === "Authentication error.") return "unknown";
  if (/Error: operation \d needs the role admin/.test(reply)) return "role";
  return (signs[words] as RegExp).test(reply) ? "done" : "nothing that is known";
}

/** How a reply shows that it was done; the client alone leaves out the beginning. */
const signs: Readonly<Record<string, RegExp>> = {
  "": /enter 6 after your username/,
  "1 1": /Deleted line 1\.\n$/,
  "2": /"\n$/,
  "3": /Deleted all\.\n$/,
  "4": /[a-z]+-\d+~[0-9a-z]{26}\n$/,
  "5": /Following from line \d+\.\n/,
  "6": /\nengine: file\n$/,
};

/** A follow goes on for as long as one likes. */
const isEnough = (reply: string): boolean => reply.includes("Following from line");

async function send(
  { server, page }: Stage,
  way: Cell["way"],
  user: string,
  words: string,
  number: number,
): Promise<string> {
  const message = words === "" ? user : `${user} ${words}`;
  const line = { port: server.port, from: `127.0.${1 + (number >> 8)}.${number & 0xff}` };
  switch (way) {
    case "TCP":
      return exchange(line, (socket) => socket.write(`${message}\n`), isEnough);
    case "TCP and FIN":
      return exchange(line, (socket) => socket.end(message), isEnough);
    case "page":
      return page.request(user, words === "" ? [] : words.split(" "), isEnough);
    case "page, raw":
      return page.raw(Buffer.from(`${message}\n`), isEnough);
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

function ask(server: ServerProgram, message: string): Promise<string> {
  return exchange(server, (socket) => socket.write(`${message}\n`));
}

async function outcomesOf(server: ServerProgram): Promise<number> {
  const lines = (await readFile(server.historyPath, "utf8")).split("\n");
  return lines.filter((line) => / (?:deleted line|created user) /.test(line)).length;
}
