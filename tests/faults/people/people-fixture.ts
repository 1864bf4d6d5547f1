/** A gateway at which people log in, in front of a target that answers every line, and what they send. */

import { once } from "node:events";
import { writeFile } from "node:fs/promises";
import { request } from "node:http";
import type { IncomingMessage } from "node:http";
import { join } from "node:path";
import type { Program } from "../../../test-support/program.ts";
import { startGateway } from "../../../test-support/programs.ts";
import { TestServer } from "../../../test-support/tcp-client.ts";

/** The password of all of them, and what bcrypt makes of it at the least cost. */
export const password = "hj3w9k2p7xq5vt8m4rz6bdn0cs";
const passwordHash = "$2b$04$qMEdknlfZH7Hro1h3bcjauUl8eXrXvqOc5SR3dIZdMQn7QsM1bFUC";

/** A file of users who have that password. */
export async function writePeople(folder: string, names: readonly string[]): Promise<string> {
  const path = join(folder, "people");
  await writeFile(path, names.map((name) => `${name}:${passwordHash}\n`).join(""));
  return path;
}

/** The gateway, and the target's address. */
export interface PeopleFixture extends AsyncDisposable {
  readonly gateway: Program;
  readonly target: TestServer;
}

/** Starts a gateway with a relay. */
export async function startPeopleGateway(
  options: readonly string[],
  nodeArgs: readonly string[],
): Promise<PeopleFixture> {
  await using stack = new AsyncDisposableStack();
  const target = stack.use(
    await TestServer.listen((socket) => {
      socket.on("data", (bytes) => socket.end(`answer to ${String(bytes)}`)).on("end", () => socket.end());
    }),
  );
  const targets = ["--target", `it=tcp://${target.address}`, "--relay"];
  const gateway = stack.use(await startGateway({ options: [...targets, ...options], nodeArgs }));
  const kept = stack.move();
  return { gateway, target, [Symbol.asyncDispose]: () => kept.disposeAsync() };
}

/** What is sent over HTTP. */
export interface Sending {
  readonly path: string;
  readonly headers?: Readonly<Record<string, string>>;
  /** A form, which makes it a POST. */
  readonly form?: Readonly<Record<string, string>>;
  /** The sender's own address. */
  readonly from?: string;
}

/** What came back. */
export interface Answer {
  readonly status: number;
  readonly text: string;
  /** The cookie that was set, as a browser sends it; empty for none. */
  readonly cookie: string;
}

/** Sends a request, as a page of the gateway's own would. */
export async function send(gateway: Program, { path, headers = {}, form, from }: Sending): Promise<Answer> {
  const own = from === undefined ? {} : { localAddress: from };
  const type = form && { "content-type": "application/x-www-form-urlencoded", origin: `http://${gateway.address}` };
  const asked = request(`http://${gateway.address}${path}`, {
    agent: false,
    method: form === undefined ? "GET" : "POST",
    headers: { ...type, ...headers },
    ...own,
  });
  asked.end(form && new URLSearchParams(form).toString());
  const [answer] = (await once(asked, "response")) as [IncomingMessage];
  const text = (await answer.setEncoding("utf8").toArray()).join("");
  const [cookie = ""] = answer.headers["set-cookie"] ?? [];
  return { status: answer.statusCode ?? 0, text, cookie: cookie.split(";")[0] ?? "" };
}

/** Logs in; the cookie. */
export async function logIn(gateway: Program, user: string, from?: string): Promise<string> {
  const own = from === undefined ? {} : { from };
  const { status, cookie } = await send(gateway, { path: "/login", form: { user, password }, ...own });
  if (status !== 303) throw new Error(`${user} could not log in: ${status}`);
  return cookie;
}

/** The value of the header `Authorization`. */
export function basic(user: string, text: string): string {
  return `Basic ${Buffer.from(`${user}:${text}`).toString("base64")}`;
}
