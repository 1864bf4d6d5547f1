import { writeFileSync } from "node:fs";
import { chmod, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { getRounds, hashSync } from "bcryptjs";
import Fastify from "fastify";
import { expect, test } from "vitest";
import { hashesToCheck, PasswordChecker } from "../src/auth/password-checker.ts";
import { GuessLimiter, Passwords } from "../src/auth/passwords.ts";
import { readSessionKey, Sessions } from "../src/auth/sessions.ts";
import { UsersFile } from "../src/auth/users-file.ts";
import { gatewayLimits } from "../src/limits.ts";
import { createLog } from "../src/telemetry/access-log.ts";
import { ada, ask, basic, openPasswordGateway, sendLogin, usersText } from "./auth-fixture.ts";
import { eventsOf, openFolder } from "./gateway-fixture.ts";

const hash = hashSync("x", 4);

async function readUsers(text: string): Promise<UsersFile> {
  await using folder = await openFolder();
  const path = join(folder.path, "users");
  await writeFile(path, text);
  return new UsersFile(path);
}

test("reads what htpasswd -B writes, with comments, empty lines and any line ends", async () => {
  const users = await readUsers(`\uFEFF# people\r\nada:${hash}\r\n\n"J\u00fcrgen M":${hash.replace("$2b$", "$2y$")}\n`);
  expect([users.hashOf("ada"), users.hashOf("ADA"), users.hashOf("# people")]).toEqual([hash, undefined, undefined]);
  expect(users.hashOf('"J\u00fcrgen M"')).toMatch(/^\$2y\$/);
});

test.each([
  ...[
    "$apr1$abcdefgh$0123456789012345678901",
    "{SHA}W6ph5Mm5Pz8GgiULbPgzG37mj9g=",
    "$6$a$b",
    "rl1234567890A",
    `${hash}x`,
  ].map((other): [string, string] => [
    `ada:${other}`,
    "line 1 is not NAME:HASH with each name once and a bcrypt hash of the cost 4 to 14; let htpasswd write it",
  ]),
  [`ada:${hash.replace("$04$", "$17$")}`, "line 1 is not NAME:HASH"],
  [`ada:${hash.replace("$04$", "$03$")}`, "line 1 is not NAME:HASH"],
  [`ada:${hash}\nada:${hash}`, "line 2 is not NAME:HASH with each name once"],
  ["my secret", "line 1 is not NAME:HASH"],
  [`a\u200bb:${hash}`, "line 1 is not NAME:HASH"],
  ["# nobody\n", "has no users; create one: htpasswd -B -C 12"],
  ["x".repeat(1024 * 1024 + 1), "cannot be read (1048577 bytes are over the limit of 1048576)"],
])("refuses %j, and says what to type without a hash in it", async (text, sentence) => {
  const problem = await readUsers(text).catch((error: Error) => error.message);
  expect(problem).toContain(sentence);
  expect(problem).not.toMatch(/secret|rl1234|\$\d+\$\w{22}|mj9g/);
});

function roundsOf(hashes: readonly string[]): number {
  return hashes.reduce((sum, each) => sum + 2 ** getRounds(each), 0);
}

test("checks every password for as long as the dearest one", () => {
  for (const known of [undefined, hash, hashSync("x", 6), hashSync("x", 8)]) {
    const hashes = hashesToCheck(known, 8);
    expect(roundsOf(hashes)).toBe(2 ** 8);
    if (known !== undefined) expect(hashes[0]).toBe(known);
  }
});

test("knows the right password from a wrong one", async () => {
  const users = await readUsers(usersText({ ada: ada.password, bob: "" }));
  const checker = new PasswordChecker();
  const check = (name: string, password: string): Promise<boolean> =>
    checker.check(password, hashesToCheck(users.hashOf(name), users.cost));
  const names = ["ada", "bob", "eve"];
  const verdicts = Promise.all(names.map((name) => check(name, ada.password)));
  expect(checker.waitingCount).toBe(2);
  expect(await verdicts).toEqual([true, false, false]);
  expect(await check("bob", "")).toBe(true);
  expect(checker.waitingCount).toBe(0);
  const order: string[] = [];
  const ended = ["first", "second", "owner"].map((name) =>
    checker.check("x", [hash], name === "owner").then(() => order.push(name)),
  );
  await Promise.all(ended);
  expect(order).toEqual(["first", "owner", "second"]);
  checker.close();
});

test.each([
  ["has got another one", { ada: "another" }],
  ["was removed", { bob: "" }],
])("takes no password of a user who %s while it was checked", async (_what, then) => {
  await using folder = await openFolder();
  const path = join(folder.path, "users");
  await writeFile(path, usersText({ ada: ada.password }));
  const settings = { roles: new Map(), sessionKey: undefined };
  const passwords = new Passwords(path, settings, gatewayLimits, createLog(Fastify().log));
  const logIn = passwords.logIn("192.0.2.1", ada.user, ada.password);
  writeFileSync(path, usersText(then));
  passwords.users.reload();
  expect(await logIn).toMatchObject({ status: 401 });
  passwords.close();
});

const limits = { ...gatewayLimits, guessesPerAddressMax: 4, guessesPerNameMax: 2 };

test("bounds the guesses from one address, and from one /64 of IPv6", () => {
  for (const addresses of [["192.0.2.1"], ["2001:db8::1", "2001:db8::2", "2001:db8:0:0:ffff::"]]) {
    const guesses = new GuessLimiter(limits);
    const take = (at: number) => guesses.take(addresses[at % addresses.length] as string, `name ${at}`);
    expect([0, 1, 2, 3, 4].map(take)).toEqual([
      undefined,
      undefined,
      undefined,
      undefined,
      limits.guessAddressRefillMs,
    ]);
    expect(guesses.take("198.51.100.1", "name")).toBeUndefined();
  }
});

test("bounds the guesses at one name from all addresses, but not where its owner logs in", () => {
  const guesses = new GuessLimiter(limits);
  expect(guesses.take("192.0.2.1", "ada")).toBeUndefined();
  guesses.giveBack("192.0.2.1", "ada");
  const attempts = [1, 2, 3, 4].map((at) => guesses.take(`198.51.100.${at}`, "ada"));
  expect(attempts).toEqual([undefined, undefined, limits.guessNameRefillMs, limits.guessNameRefillMs]);
  expect(guesses.take("192.0.2.1", "ada")).toBeUndefined();
  expect(guesses.take("198.51.100.5", "bob")).toBeUndefined();
});

test("an address that is over its bound cannot have others' guesses at a name forgotten", () => {
  const guesses = new GuessLimiter({ ...limits, guessersMax: 8 });
  for (const at of [1, 2]) guesses.take(`198.51.100.${at}`, "ada");
  for (let at = 0; at < 100; at++) guesses.take("192.0.2.1", `name ${at}`);
  expect(guesses.take("198.51.100.3", "ada")).toBe(limits.guessNameRefillMs);
});

test("an attempt that a name's bound refuses costs its address nothing", () => {
  const guesses = new GuessLimiter(limits);
  for (const _ of [1, 2, 3, 4, 5, 6]) guesses.take("192.0.2.1", "ada");
  expect([guesses.take("192.0.2.1", "bob"), guesses.take("192.0.2.1", "cy")]).toEqual([undefined, undefined]);
});

test("tells who guesses too often to wait, at the form and at the header, and counts no right password", async () => {
  await using gateway = await openPasswordGateway({ limits: { guessesPerNameMax: 2 } });
  for (const _ of [1, 2, 3]) expect((await sendLogin(gateway)).status).toBe(303);
  const wrong = { user: "eve", password: "wrong" };
  const statuses = [
    await sendLogin(gateway, wrong),
    await ask(gateway, "/", basic(wrong)),
    await sendLogin(gateway, wrong),
  ];
  expect(statuses.map(({ status }) => status)).toEqual([403, 401, 429]);
  const refused = await ask(gateway, "/", basic(wrong));
  expect([refused.status, refused.headers.get("retry-after")]).toEqual([429, "60"]);
  expect(await refused.text()).toBe("too many wrong passwords; try again in 60 s\n");
  expect(eventsOf(gateway, "login").at(-1)).toMatchObject({ outcome: "too many wrong passwords; try again in 60 s" });
  expect((await sendLogin(gateway)).status).toBe(303);
});

test("takes the same name and password, sent many times at once, for one attempt", async () => {
  await using gateway = await openPasswordGateway({ limits: { guessesPerNameMax: 1, passwordChecksMax: 1 } });
  const answers = await Promise.all(Array.from({ length: 20 }, () => ask(gateway, "/nothing", basic())));
  expect(answers.map(({ status }) => status)).toEqual(Array.from({ length: 20 }, () => 404));
});

test("tells who finds no room among the passwords that wait to come again", async () => {
  await using gateway = await openPasswordGateway({ limits: { passwordChecksMax: 0 } });
  const [form, program] = [await sendLogin(gateway), await ask(gateway, "/", basic())];
  for (const { status, headers } of [form, program]) expect([status, headers.get("retry-after")]).toEqual([503, "2"]);
  expect(await form.text()).toContain("Too many logins at once; try again in a moment.");
});

test("a cookie is a session's only with its signature, until it ends, for any number of logouts", () => {
  const sessions = new Sessions(
    readSessionKey(undefined, () => {}),
    { ...gatewayLimits, sessionsKeptMax: 2 },
  );
  const [first, ...others] = Array.from({ length: 4 }, () => sessions.create("ada", "tag"));
  if (first === undefined) throw new Error("no session");
  const cookie = sessions.encode(first);
  expect(sessions.decode(cookie)).toEqual(first);
  const [value = "", signature = ""] = cookie.split(".");
  const forged = Buffer.from(JSON.stringify(["x", "eve", Date.now(), "tag"])).toString("base64url");
  for (const wrong of [
    "",
    ".",
    value,
    `${value}.`,
    `${forged}.${signature}`,
    `${value}.${signature}x`,
    `${value}x.${signature}`,
  ]) {
    expect(sessions.decode(wrong)).toBeUndefined();
  }
  expect(
    new Sessions(
      readSessionKey(undefined, () => {}),
      gatewayLimits,
    ).decode(cookie),
  ).toBeUndefined();
  expect(sessions.whyEnded(first)).toBeUndefined();
  sessions.end(first);
  for (const other of others) sessions.end(other);
  // The first logout is forgotten by now; so no session of that time is trusted.
  expect(sessions.whyEnded(first)).toBe("you logged out");
});

test("a key has some length, and is not for everybody's eyes", async () => {
  await using folder = await openFolder();
  const path = join(folder.path, "key");
  const notices: string[] = [];
  const read = () => readSessionKey(path, (sentence) => notices.push(sentence));
  expect(read).toThrow("cannot be read (ENOENT); create one: (umask 077; openssl rand -base64 48 >");
  for (const [length, problem] of [
    [0, "has 0 bytes, and at least 32 are needed; create one"],
    [31, "has 31 bytes, and at least 32 are needed; create one"],
    [1025, "cannot be read (1025 bytes are over the limit of 1024); create one"],
  ] as const) {
    await writeFile(path, "k".repeat(length));
    expect(read).toThrow(problem);
  }
  await writeFile(path, "k".repeat(32));
  for (const mode of [0o640, 0o644]) {
    await chmod(path, mode);
    expect(read()).toHaveLength(32);
  }
  expect(notices).toEqual([expect.stringContaining(`who can then be anybody here; type chmod o= ${path}`)]);
});
