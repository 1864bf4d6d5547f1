/** Who may do what at a gateway: every proof of who somebody is, by every way in, against a table written down here. */

import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { PageClient, textOf } from "../../../test-support/page-client.ts";
import { RelayClient } from "../../../test-support/relay-client.ts";
import type { Trial } from "../framework/fault-test.ts";
import { basic, logIn, password, send, startPeopleGateway, writePeople } from "./people-fixture.ts";
import type { PeopleFixture } from "./people-fixture.ts";

const ways = ["file", "page, request", "page, conversation", "relay"] as const;
type Way = (typeof ways)[number];

/** Each proof, and what its owner may do: nothing, look, or use the targets. */
const proofs = {
  none: "out",
  "cookie of a viewer": "look",
  "cookie of a user": "use",
  "cookie of an operator": "use",
  "password of a viewer": "look",
  "password of a user": "use",
  "wrong password of a user": "out",
  "password of a user under an unknown name": "out",
  "cookie of a user who logged out": "out",
  "cookie of a user who was removed": "out",
  "cookie of a user with another name put in": "out",
  "cookie of a user who logged out, with another id put in": "out",
  "cookie of another gateway": "out",
  "header that no proxy sent": "out",
} as const;
type Proof = keyof typeof proofs;

export const gatewayCells: readonly { readonly proof: Proof; readonly way: Way }[] = (
  Object.keys(proofs) as Proof[]
).flatMap((proof) => ways.map((way) => ({ proof, way })));

/** Tries the first cells, as many as `count`; the violations. */
export async function tryGatewayRoles(trial: Trial, count: number): Promise<string[]> {
  const { folder, nodeArgs } = trial;
  const path = await writePeople(folder, ["vic", "ursa", "opal", "gone"]);
  const roles = ["--role", "*=user", "--role", "vic=viewer", "--role", "opal=operator"];
  await using fixture = await startPeopleGateway(["--auth", `basic:${path}`, ...roles], nodeArgs);
  await using other = await startPeopleGateway(["--auth", `basic:${path}`, ...roles], nodeArgs);
  // The proxy is no address from which this trial connects.
  const byHeader = ["--auth", "header:X-Remote-User", "--trust-proxy", "192.0.2.1", "--role", "*=user"];
  await using proxied = await startPeopleGateway(byHeader, nodeArgs);
  const headersOf = await makeProofs(fixture, other, folder);
  const violations: string[] = [];
  for (const { proof, way } of gatewayCells.slice(0, count)) {
    const at = proof === "header that no proxy sent" ? proxied : fixture;
    const found = await attempt(at, way, headersOf[proof]);
    const expected = verdictOf(proof, way);
    if (found !== expected) violations.push(`${way}, ${proof}: expected ${expected}, found ${found}`);
  }
  return violations;
}

function verdictOf(proof: Proof, way: Way): string {
  const may = proofs[proof];
  if (may === "out") return "out";
  if (way === "file") return "in";
  return may === "use" ? "in" : way === "relay" ? "out" : "forbidden";
}

type Headers = Readonly<Record<string, string>>;

async function makeProofs(
  { gateway }: PeopleFixture,
  other: PeopleFixture,
  folder: string,
): Promise<Readonly<Record<Proof, Headers>>> {
  const cookies = new Map<string, string>();
  for (const user of ["vic", "ursa", "opal", "gone"]) cookies.set(user, await logIn(gateway, user));
  const cookieOf = (user: string): Headers => ({ cookie: cookies.get(user) ?? "" });
  const left = { cookie: await logIn(gateway, "ursa") };
  await send(gateway, { path: "/logout", form: {}, headers: left });
  await writeFile(join(folder, "people"), "");
  await writePeople(folder, ["vic", "ursa", "opal"]);
  while ((await send(gateway, { path: "/nothing", headers: cookieOf("gone") })).status !== 401);
  return {
    none: {},
    "cookie of a viewer": cookieOf("vic"),
    "cookie of a user": cookieOf("ursa"),
    "cookie of an operator": cookieOf("opal"),
    "password of a viewer": { authorization: basic("vic", password) },
    "password of a user": { authorization: basic("ursa", password) },
    "wrong password of a user": { authorization: basic("ursa", `${password}x`) },
    "password of a user under an unknown name": { authorization: basic("eve", password) },
    "cookie of a user who logged out": left,
    "cookie of a user who was removed": cookieOf("gone"),
    "cookie of a user with another name put in": { cookie: forge(cookies.get("vic") ?? "", '"vic"', '"ursa"') },
    "cookie of a user who logged out, with another id put in": { cookie: forge(left.cookie, '["', '["x') },
    "cookie of another gateway": { cookie: await logIn(other.gateway, "ursa") },
    "header that no proxy sent": { "x-remote-user": "ursa" },
  };
}

/** The same cookie with something else in its fields. */
function forge(cookie: string, find: string, replace: string): string {
  const [name = "", value = ""] = cookie.split("=");
  const [fields = "", signature = ""] = decodeURIComponent(value).split(".");
  const text = Buffer.from(fields, "base64url").toString().replace(find, replace);
  return `${name}=${encodeURIComponent(`${Buffer.from(text).toString("base64url")}.${signature}`)}`;
}

async function attempt({ gateway }: PeopleFixture, way: Way, headers: Headers): Promise<string> {
  try {
    if (way === "file") return (await send(gateway, { path: "/nothing", headers })).status === 404 ? "in" : "out";
    if (way === "relay") return await attemptRelay(gateway.address, headers);
    await using page = await PageClient.open(gateway.address, { headers });
    await page.frame("hello");
    const stream =
      way === "page, request" ? page.request("ursa") : page.connect("it", { bytes: "x" }, { answersFin: true });
    const reply = textOf(await stream.ended);
    if (reply.startsWith("(forbidden: ")) return "forbidden";
    // There is no Wirebook server.
    return /^answer to |^\(target-unknown: /.test(reply) ? "in" : reply;
  } catch (error) {
    return /closed: 4001|response: 40[13]/.test(String(error)) ? "out" : String(error);
  }
}

async function attemptRelay(address: string, headers: Headers): Promise<string> {
  await using client = await RelayClient.open(address, "it", { headers });
  await client.send("x");
  return String(await client.received("answer to x".length)) === "answer to x" ? "in" : "nothing that is known";
}
