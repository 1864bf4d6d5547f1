/**
 * The names and password hashes of `--auth basic:FILE`: lines `name:hash` as htpasswd writes them, bcrypt alone.
 *
 * The other kinds of htpasswd (MD5, SHA-1, crypt) are guessed by the million a second from a stolen file, so they are
 * refused. A file that cannot be read again leaves the users as they were.
 */

import { createHmac, randomBytes } from "node:crypto";
import { unwatchFile, watchFile } from "node:fs";
import { getRounds } from "bcryptjs";
import { readSmallFile, SettingsError } from "@wirebook/settings";
import { isUserName } from "./identity.ts";

/** Bytes of the file: some ten thousand users. */
const fileBytesMax = 1024 * 1024;

/** The cheapest and the dearest hash: one of the latter takes seconds, and the next one waits for it. */
const [costMin, costMax] = [4, 14];

const lineForm = /^([^:]+):(\$2[aby]\$(\d\d)\$[./A-Za-z0-9]{53})\s*$/;

/** The users of one file, as last read. */
export class UsersFile {
  readonly #path: string;
  readonly #tagKey: Uint8Array;
  #hashes: ReadonlyMap<string, string>;

  /** @param tagKey what signs the cookies, so that tags in them hold as long as they do @throws SettingsError */
  constructor(path: string, tagKey: Uint8Array = randomBytes(32)) {
    this.#path = path;
    this.#tagKey = tagKey;
    this.#hashes = readUsers(path);
  }

  /** Reads the file again. @throws SettingsError; then the users stay as they were */
  reload(): void {
    this.#hashes = readUsers(this.#path);
  }

  /** Calls back when the file has changed. Returns what ends that. */
  watch(everyMs: number, onChange: () => void): () => void {
    // Names and links may change under it, which a watch of the file itself would not see.
    watchFile(this.#path, { interval: everyMs, persistent: false }, onChange);
    return () => unwatchFile(this.#path, onChange);
  }

  /** The bcrypt hash of a user's password. */
  hashOf(user: string): string | undefined {
    return this.#hashes.get(user);
  }

  /** The cost of the dearest hash, which the check of every password is made to have. */
  get cost(): number {
    return Math.max(...this.#hashes.values().map(getRounds));
  }

  /** Changes with the user's password, and says nothing of the hash; `undefined` when there is no such user. */
  tagOf(user: string): string | undefined {
    const hash = this.hashOf(user);
    return hash && createHmac("sha256", this.#tagKey).update(`${user}:${hash}`).digest("base64url").slice(0, 16);
  }
}

function readUsers(path: string): Map<string, string> {
  const option = `--auth basic:${path}`;
  const hashes = new Map<string, string>();
  const text = readSmallFile(option, path, fileBytesMax, "name a file that htpasswd -B writes").toString();
  const lines = text.replace(/^\uFEFF/, "").split("\n");
  for (const [at, line] of lines.entries()) {
    if (line.trim() === "" || line.startsWith("#")) continue;
    const [, name = "", hash = "", cost] = lineForm.exec(line) ?? [];
    if (!isUserName(name) || hashes.has(name) || Number(cost) < costMin || Number(cost) > costMax) {
      // A line may be a password by mistake, so it is not repeated.
      const form = `NAME:HASH with each name once and a bcrypt hash of the cost ${costMin} to ${costMax}`;
      const advice = `let htpasswd write it: htpasswd -B -C 12 ${path} NAME`;
      throw new SettingsError(`${option}, line ${at + 1} is not ${form}; ${advice}`);
    }
    hashes.set(name, hash);
  }
  if (hashes.size > 0) return hashes;
  throw new SettingsError(`${option} has no users; create one: htpasswd -B -C 12 ${path} ada`);
}
