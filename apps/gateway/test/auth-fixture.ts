/** Gateways at which people authenticate, and what a browser or a program sends to them. */

import { once } from "node:events";
import { writeFile } from "node:fs/promises";
import { request } from "node:http";
import type { IncomingMessage, RequestOptions } from "node:http";
import { join } from "node:path";
import { hashSync } from "bcryptjs";
import { openEcho, openFolder, openGateway } from "./gateway-fixture.ts";
import type { Gateway, GatewayOptions } from "./gateway-fixture.ts";

/** The least cost, so that a test is no slower than it must be. */
const cost = 4;

/** Lines of htpasswd, each password hashed by bcrypt. */
export function usersText(passwords: Readonly<Record<string, string>>): string {
  return Object.entries(passwords)
    .map(([user, password]) => `${user}:${hashSync(password, cost)}\n`)
    .join("");
}

/** A gateway with a file of users, in front of a server that echoes. */
export interface PasswordGateway extends Gateway {
  readonly usersPath: string;
}

export const ada = { user: "ada", password: "correct horse" };
const everybodyUses = new Map([["*", "user"]] as const);

/** Starts a gateway that knows Ada, and others if need be. */
export async function openPasswordGateway(
  options: GatewayOptions = {},
  passwords: Readonly<Record<string, string>> = { ada: ada.password },
): Promise<PasswordGateway> {
  await using all = new AsyncDisposableStack();
  const folder = all.use(await openFolder());
  const usersPath = join(folder.path, "users");
  await writeFile(usersPath, usersText(passwords));
  const echo = all.use(await openEcho());
  const config = { auth: { method: "basic", path: usersPath } as const, roles: everybodyUses, ...options.config };
  const gateway = all.use(await openGateway(echo, { ...options, config }));
  const kept = all.move();
  return { ...gateway, usersPath, [Symbol.asyncDispose]: () => kept.disposeAsync() };
}

/** The value of `Authorization` for a name and a password. */
export function basic({ user, password } = ada): { authorization: string } {
  return { authorization: `Basic ${Buffer.from(`${user}:${password}`).toString("base64")}` };
}

/** Sends the form of the login page, as a browser does. */
export function sendLogin(
  gateway: Pick<Gateway, "host">,
  form: Readonly<Record<string, string>> = ada,
  { headers = {}, path = "/login" }: { headers?: Record<string, string>; path?: string } = {},
): Promise<Response> {
  const type = { "content-type": "application/x-www-form-urlencoded", origin: `http://${gateway.host}` };
  return send(
    gateway,
    path,
    { method: "POST", headers: { ...type, ...headers } },
    new URLSearchParams(form).toString(),
  );
}

/** The cookie that a response sets, as a browser sends it back. */
export function cookieOf(response: Response): { cookie: string } {
  return { cookie: (response.headers.get("set-cookie") ?? "").split(";")[0] ?? "" };
}

/** Logs in and gives the cookie. */
export async function logIn(gateway: Pick<Gateway, "host">, form = ada): Promise<{ cookie: string }> {
  return cookieOf(await sendLogin(gateway, form));
}

/** What a gateway answers, without following a redirect. */
export function ask(
  gateway: Pick<Gateway, "host">,
  path: string,
  headers: Record<string, string> = {},
): Promise<Response> {
  return send(gateway, path, { headers });
}

/** Unlike `fetch`, lets a test choose the Host header. */
async function send(
  { host }: Pick<Gateway, "host">,
  path: string,
  options: RequestOptions,
  body?: string,
): Promise<Response> {
  const asked = request(`http://${host}${path}`, { agent: false, ...options }).end(body);
  const [answer] = (await once(asked, "response")) as [IncomingMessage];
  const text = (await answer.setEncoding("utf8").toArray()).join("");
  const headers = Object.entries(answer.headers).map(([name, value]) => [name, String(value)] as [string, string]);
  return new Response(text, { status: answer.statusCode ?? 0, headers });
}
