/**
 * The names and password hashes of `--auth basic:FILE`: lines `name:hash` as htpasswd writes them, bcrypt alone.
 *
 * The other kinds of htpasswd (MD5, SHA-1, crypt) are guessed by the million a second from a stolen file, so they are
 * refused. A file that cannot be read again leaves the users as they were.
 */

import { createHmac, randomBytes } from "node:crypto";
import { unwatchFile, watchFile } from "node:fs";
import { readSmallFile, SettingsError } from "@wirebook/settings";
import { isUserName } from "./identity.ts";

/** Bytes of the file: some ten thousand users. */
const fileBytesMax = 1024 * 1024;

/** The dearest hash that is checked: it takes seconds, and the next one waits for it. */
const costMax = 14;

const bcryptForm = /^\$2[aby]\$(\d\d)\$[./A-Za-z0-9]{53}$/;

/** The users of one file, as last read. */
export class UsersFile {
  readonly #path: string;
  /** For tags that say nothing of the hash. */
  readonly #tagKey: Uint8Array;
  #hashes: ReadonlyMap<string, string>;

  /**
   * @param tagKey what signs the cookies, so that tags in them hold as long as they do
   * @throws SettingsError that says what is wrong with the file
   */
  constructor(path: string, tagKey: Uint8Array = randomBytes(32)) {
    this.#path = path;
    this.#tagKey = tagKey;
    this.#hashes = readUsers(path);
  }

  /**
   * Reads the file again.
   *
   * @throws SettingsError; then the users stay as they were
   */
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
    return Math.max(...[...this.#hashes.values()].map(costOf));
  }

  /** Changes with the user's password; `undefined` when there is no such user. */
  tagOf(user: string): string | undefined {
    const hash = this.hashOf(user);
    return hash && createHmac("sha256", this.#tagKey).update(`${user}:${hash}`).digest("base64url").slice(0, 16);
  }
}

/** The cost of a bcrypt hash: two to this number rounds. */
export function costOf(hash: string): number {
  return Number(bcryptForm.exec(hash)?.[1]);
}

function readUsers(path: string): Map<string, string> {
  const hashes = new Map<string, string>();
  const bytes = readSmallFile(`--auth basic:${path}`, path, fileBytesMax, "name a file that htpasswd -B writes");
  for (const [at, line] of bytes
    .toString()
    .replace(/^\uFEFF/, "")
    .split(/\r?\n/)
    .entries()) {
    if (line.trim() === "" || line.startsWith("#")) continue;
    const problem = readLine(line, hashes);
    // A line may be a password by mistake, so it is not repeated.
    if (problem !== undefined) throw new SettingsError(`--auth basic:${path}, line ${at + 1}: ${problem}`);
  }
  if (hashes.size > 0) return hashes;
  throw new SettingsError(`--auth basic:${path} has no users; create one: htpasswd -B -C 12 ${path} ada`);
}

/** Adds the user of a line, or says what is wrong with it. */
function readLine(line: string, hashes: Map<string, string>): string | undefined {
  const at = line.indexOf(":");
  const [name, hash] = [line.slice(0, Math.max(0, at)), line.slice(at + 1).trimEnd()];
  if (!isUserName(name)) return "there is no user's name before a colon; write lines with htpasswd -B";
  const shown = name.slice(0, 40);
  if (hashes.has(name)) return `the user ${shown} is there twice; remove one of the lines`;
  if (!bcryptForm.test(hash)) {
    return `the hash of ${shown} is not one of bcrypt, and no other is accepted; type htpasswd -B -C 12 FILE ${shown}`;
  }
  const cost = costOf(hash);
  if (cost < 4 || cost > costMax) {
    return `the password of ${shown} has the cost ${cost}, and the limits are 4 and ${costMax}; type htpasswd -B -C 12 FILE ${shown}`;
  }
  hashes.set(name, hash);
  return undefined;
}
