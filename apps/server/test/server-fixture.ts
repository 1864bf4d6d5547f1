/** A real server on a real history in a folder of its own, and all that it showed. */

import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Writable } from "node:stream";
import { openFileHistory, openFileUsers } from "@wirebook/history";
import type { History, Users } from "@wirebook/history";
import { decodeEntry, encodeReplyHeader, operations } from "@wirebook/protocol";
import type { Role } from "@wirebook/protocol";
import { limitsDefault } from "../src/limits.ts";
import type { Limits } from "../src/limits.ts";
import { listen } from "../src/server.ts";
import type { WirebookServer } from "../src/server.ts";
import { createKey, hashKey } from "../src/auth/auth.ts";
import type { Mode } from "../src/auth/auth.ts";
import { RequestLog } from "../src/request-log.ts";
import type { LogEvent } from "../src/request-log.ts";

const link = "https://example.org/wirebook";

/** What comes before every response. */
export const header = encodeReplyHeader({ link, operations });

/** A folder that goes with its owner. */
export interface Folder extends AsyncDisposable {
  readonly path: string;
}

export async function makeFolder(): Promise<Folder> {
  const path = await mkdtemp(join(tmpdir(), "wirebook-server-"));
  return { path, [Symbol.asyncDispose]: () => rm(path, { recursive: true, force: true }) };
}

/** A server under test. */
export interface Rig extends AsyncDisposable {
  readonly port: number;
  readonly server: WirebookServer;
  readonly history: History;
  readonly users: Users;
  readonly historyPath: string;
  readonly folder: string;
  /** What the users had to tell their operator. */
  readonly notices: readonly string[];
  /** The events that the terminal has shown. */
  readonly shown: readonly LogEvent[];
  /** The lines of the file. */
  lines(): Promise<string[]>;
  /** The messages of the lines that say what was asked; one that was cut ends in `…`. */
  asked(): Promise<string[]>;
  /** Registers somebody; returns the username with its key. */
  register(name: string, role: Role): Promise<string>;
}

/** Names a setting as one that was given by its option. */
export const nameOf = (name: string, value?: string | number): string => ["--" + name, value ?? []].flat().join(" ");

export async function openRig(
  limits: Partial<Limits> = {},
  { mode = "open", trustedProxies = [] }: { readonly mode?: Mode; readonly trustedProxies?: readonly string[] } = {},
): Promise<Rig> {
  const folder = await makeFolder();
  const historyPath = join(folder.path, "history.txt");
  const shown: LogEvent[] = [];
  const history = await openFileHistory(historyPath);
  const notices: string[] = [];
  const users = openFileUsers(historyPath, { onNotice: (sentence) => notices.push(sentence) });
  const terminal = new RequestLog(collect(shown), false);
  const options = { host: "127.0.0.1", port: 0, link, users: mode, iKnow: false, trustProxy: [...trustedProxies] };
  const server = await listen({ ...options, nameOf }, { ...limitsDefault, ...limits }, history, users, terminal);
  const lines = async (): Promise<string[]> => (await readFile(historyPath, "utf8")).split("\n").slice(0, -1);
  return {
    port: server.address.port,
    server,
    history,
    users,
    historyPath,
    folder: folder.path,
    notices,
    shown,
    lines,
    asked: async () => (await lines()).flatMap(askedIn),
    register: async (name, role) => {
      const key = createKey();
      const createdAt = new Date().toISOString();
      await users.add({ name, role, keyHash: hashKey(name, key), createdAt, createdBy: "-" });
      return `${name}~${key}`;
    },
    [Symbol.asyncDispose]: async () => {
      await server[Symbol.asyncDispose]();
      await history[Symbol.asyncDispose]();
      await terminal[Symbol.asyncDispose]();
      await folder[Symbol.asyncDispose]();
    },
  };
}

function askedIn(line: string): string[] {
  const entry = decodeEntry(line);
  return entry.kind === "request" ? [entry.message + (entry.isCut ? "…" : "")] : [];
}

function collect(shown: LogEvent[]): Writable {
  return new Writable({
    decodeStrings: false,
    write: (text: string, _encoding, done) => {
      for (const line of text.split("\n").filter((each) => each !== "")) shown.push(JSON.parse(line) as LogEvent);
      done();
    },
  });
}
