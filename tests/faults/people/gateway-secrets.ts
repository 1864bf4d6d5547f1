/**
 * Passwords, cookies and the key of the cookies, right and mistyped, in every place where a client may put one. What the
 * gateway prints and which files there are is for the caller to search.
 */

import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { PageClient } from "../../../test-support/page-client.ts";
import type { Random } from "../../../test-support/random.ts";
import type { Program } from "../../../test-support/program.ts";
import type { Trial } from "../framework/fault-test.ts";
import { basic, password, send, startPeopleGateway, writePeople } from "./people-fixture.ts";
import type { Sending } from "./people-fixture.ts";

/** What the gateway printed, and what must not be in it. */
export interface GatewaySecrets {
  readonly printed: string;
  readonly secrets: readonly string[];
}

/** Sends so many secrets. The key is removed from the folder's own file by its being elsewhere. */
export async function sendGatewaySecrets({ random, folder, nodeArgs }: Trial, count: number): Promise<GatewaySecrets> {
  const path = await writePeople(folder, ["ada"]);
  const key = randomWord(random, 40);
  const keyPath = join(folder, "session.key");
  await writeFile(keyPath, key);
  const options = ["--auth", `basic:${path}`, "--session-key", keyPath, "--role", "*=user"];
  await using fixture = await startPeopleGateway(options, nodeArgs);
  const { gateway } = fixture;
  const secrets = [key, password];
  for (let sent = 0; sent < count; sent++) {
    const secret = random.chance(0.2) ? password : randomWord(random, 26);
    secrets.push(secret);
    const { cookie } = await send(gateway, random.pick(placesFor(secret)));
    if (/=./.test(cookie)) secrets.push(...(await useCookie(gateway, cookie)));
  }
  await gateway.kill();
  // The key's file is the operator's, and has to hold it.
  await writeFile(keyPath, "");
  return { printed: [...gateway.stdout, ...gateway.stderr].join("\n"), secrets };
}

/** As the password and as the name, since people take one field for the other; in a cookie, and where it has no place at all. */
function placesFor(secret: string): Sending[] {
  const headers = [
    { authorization: basic("ada", secret) },
    { authorization: basic(secret, password) },
    { authorization: `Basic ${secret}` },
    { authorization: `Bearer ${secret}` },
    { cookie: `wirebook=${secret}` },
    { cookie: `wirebook=${secret}.${secret}` },
    { cookie: `__Host-wirebook=${secret}` },
  ];
  return [
    { path: "/login", form: { user: "ada", password: secret } },
    { path: "/login", form: { user: secret, password: secret } },
    { path: "/login", form: { user: `ada ${secret}`, password: "" } },
    { path: `/login?password=${secret}`, form: { user: "ada", password: secret } },
    { path: `/logout?${secret}`, form: { password: secret }, headers: { cookie: `wirebook=${secret}` } },
    ...headers.map((each) => ({ path: "/nothing", headers: each })),
    ...headers.map((each) => ({ path: "/metrics", headers: each })),
  ];
}

/** Opens a page with a cookie, then logs out; the cookie's own secrets. */
async function useCookie(gateway: Program, cookie: string): Promise<string[]> {
  await using page = await PageClient.open(gateway.address, { headers: { cookie } });
  await page.frame("hello");
  await page.connect("it", { bytes: "x" }, { answersFin: true }).ended;
  await send(gateway, { path: "/logout", form: {}, headers: { cookie } });
  return decodeURIComponent(cookie).split(/[=.]/).slice(1);
}

function randomWord(random: Random, length: number): string {
  return Array.from({ length }, () => random.pick([..."0123456789abcdefghjkmnpqrstvwxyz"])).join("");
}
