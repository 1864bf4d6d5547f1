/**
 * The engine `file` for users: users.txt beside the history [U-2], a user a line, five words, the newest last.
 *
 *     otter-42 member sha256:9f86d081884c7d65… 2026-11-22T20:31:05.123Z brick
 *     NAME     ROLE   HASH                     CREATED                  BY
 *
 * Empty lines and lines that begin with `#` mean nothing and are kept. Anything else is an error: to skip a line that
 * cannot be read would accept, or refuse, the wrong users.
 *
 * The file is only ever replaced whole, by a file beside it that was synced before: a reader needs no lock, and a crash
 * leaves the old file or the new one. Who replaces it holds the lock of `users.txt.lock` from the reading to the renaming,
 * so that no two writers start from the same state [U-1], [U-3].
 */

import { chmodSync, closeSync, readFileSync, realpathSync, renameSync, rmSync, statSync } from "node:fs";
import { dirname, join } from "node:path";
import { foldName, isName, roles } from "@wirebook/protocol";
import { assertRoomForUser, nameTaken, noSuchUser, UsersError, type User, type Users } from "../users.ts";
import { codeOf, createDurably, giveTo, reasonOf, syncFolderOf, writeFullySync } from "./disk.ts";
import { openLocked } from "./lock.ts";
import { fileHistoryDefaults } from "./storage.ts";

/** Bytes of a file of users that is read at all: what `usersMax` of the longest rows take, and comments. */
export const usersFileBytesMax = 8 * 1024 * 1024;

/** Milliseconds for which a change of the users waits for one that another process is making [U-3]. */
export const usersLockWaitMs = 5000;

/** Milliseconds for which what is known of the users is believed before the file is looked at again [U-3]. */
export const usersBelievedMs = 100;

const usersFileMode = 0o600;

const header = "# Wirebook's users: NAME ROLE HASH CREATED BY. Change them with: wirebook users";
const hash = /^[\w:+/=]+$/;
const time = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/;

/** The users of a file, by `foldName`, and its lines as they are to be written again. */
interface UserTable {
  readonly lines: readonly string[];
  readonly byName: ReadonlyMap<string, User>;
}

/** Opens users.txt beside the file to which a history's name leads at last. @throws UsersError `users-failed` */
export function openFileUsers(
  historyPath: string,
  { onNotice = () => {} }: { readonly onNotice?: (sentence: string) => void } = {},
): Users {
  const path = attempt(`the users beside ${historyPath} cannot be found`, () =>
    realPathOf(join(dirname(realPathOf(historyPath)), "users.txt")),
  );
  return attempt(`${path} cannot be used`, () => new FileUsers(path, onNotice));
}

class FileUsers implements Users {
  readonly #path: string;
  readonly #onNotice: (sentence: string) => void;
  #version: string;
  #table: UserTable;
  /** Closes the file to others in time, also while no user is looked up. */
  readonly #looking = setInterval(() => this.#look(), fileHistoryDefaults.lookMs).unref();
  #believedUntilMs = performance.now() + usersBelievedMs;
  /** The last change of this process; the next one comes after it. */
  #changing: Promise<unknown> = Promise.resolve();

  constructor(path: string, onNotice: (sentence: string) => void) {
    this.#path = path;
    this.#onNotice = onNotice;
    this.#version = versionOf(path);
    this.#table = readTable(path);
    this.#closeToOthers();
  }

  get count(): number {
    this.#look();
    return this.#table.byName.size;
  }

  find(name: string): User | undefined {
    this.#look();
    const { byName } = this.#table;
    return byName.size === 0 ? undefined : byName.get(foldName(name));
  }

  async list(): Promise<readonly User[]> {
    const { byName } = readTable(this.#path);
    return [...byName.values()].toSorted((one, other) => one.name.localeCompare(other.name));
  }

  async add(user: User, confirm?: () => Promise<unknown>): Promise<void> {
    await this.#change(({ lines, byName }) => {
      if (byName.has(foldName(user.name))) throw nameTaken(user.name);
      assertRoomForUser(byName.size);
      return { lines: [...(lines.length === 0 ? [header] : lines), encodeUser(user)], user };
    }, confirm);
  }

  remove(name: string): Promise<User> {
    const folded = foldName(name);
    return this.#change(({ lines, byName }) => {
      const user = byName.get(folded);
      if (user === undefined) throw noSuchUser(name);
      return { lines: lines.filter((line) => foldName(decodeUser(line)?.name ?? "") !== folded), user };
    });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    clearInterval(this.#looking);
    await this.#changing;
  }

  /** Changes what the file holds at that moment, also when another process wrote it. */
  #change(
    edit: (table: UserTable) => { readonly lines: readonly string[]; readonly user: User },
    confirm?: () => Promise<unknown>,
  ): Promise<User> {
    const changing = this.#changing.then(async () => {
      const lock = await takeLock(`${this.#path}.lock`);
      try {
        const { lines, user } = edit(readTable(this.#path));
        await replace(this.#path, `${lines.join("\n")}\n`, confirm);
        return user;
      } finally {
        closeSync(lock);
        this.#believedUntilMs = 0;
        this.#look();
      }
    });
    this.#changing = changing.catch(() => {}); // Its caller gets the error.
    return changing;
  }

  /** Takes up what has changed. Not for every request, each of which would cost a system call. */
  #look(): void {
    const nowMs = performance.now();
    if (nowMs < this.#believedUntilMs) return;
    this.#believedUntilMs = nowMs + usersBelievedMs;
    try {
      const version = versionOf(this.#path);
      if (version === this.#version) return;
      this.#version = version;
      this.#closeToOthers();
      this.#table = readTable(this.#path);
    } catch (error) {
      // A file that cannot be read changes no rights.
      this.#onNotice(`The users stay as they were: ${explain(error, `${this.#path} cannot be read`).message}.`);
    }
  }

  /** Takes from everybody but its owner what a file with wrong permissions gave them, and says so. */
  #closeToOthers(): void {
    const stats = statSync(this.#path, { throwIfNoEntry: false });
    if (stats === undefined || (stats.mode & 0o077) === 0) return;
    chmodSync(this.#path, usersFileMode);
    this.#onNotice(`${this.#path} could be read by others; now only its owner can.`);
  }
}

export function encodeUser({ name, role, keyHash, createdAt, createdBy }: User): string {
  return [name, role, keyHash, createdAt, createdBy].join(" ");
}

/** The user that a line tells of; `undefined` for a comment and for nonsense. */
function decodeUser(line: string): User | undefined {
  const [name = "", word, keyHash = "", createdAt = "", createdBy = "", ...rest] = line.trim().split(/\s+/u);
  const role = roles.find((each) => each === word);
  if (!isName(name) || role === undefined || !hash.test(keyHash) || !time.test(createdAt)) return undefined;
  if (rest.length > 0 || !(createdBy === "-" || isName(createdBy))) return undefined;
  return { name, role, keyHash, createdAt, createdBy };
}

/** Reads a file. @throws UsersError `users-failed` with the number of the line that is wrong, never with its text */
export function decodeUsers(path: string, text: string): UserTable {
  const lines = text.split("\n");
  if (lines.at(-1) === "") lines.pop();
  const byName = new Map<string, User>();
  for (const [at, line] of lines.entries()) {
    if (line.trim() === "" || line.trimStart().startsWith("#")) continue;
    const where = `line ${at + 1} of ${path}`;
    const user = decodeUser(line);
    // An older version took names with an invisible character, which look like others.
    const problem = /\p{Default_Ignorable_Code_Point}/u.test(line)
      ? "has an invisible character in a name"
      : "is no user";
    if (user === undefined) throw failed(`${where} ${problem}; put a # before it or remove it`);
    const folded = foldName(user.name);
    if (byName.has(folded)) throw failed(`${where} has a name that a line above it has; remove one of the two`);
    byName.set(folded, user);
  }
  return { lines, byName };
}

function realPathOf(path: string): string {
  return statSync(path, { throwIfNoEntry: false }) === undefined ? path : realpathSync(path);
}

/** Tells one state of the file from another without reading it. Of a file whose permissions change only the mode tells. */
function versionOf(path: string): string {
  try {
    const { dev, ino, size, mtimeNs, mode } = statSync(path, { bigint: true });
    return [dev, ino, size, mtimeNs, mode].join(":");
  } catch (error) {
    return codeOf(error);
  }
}

function readTable(path: string): UserTable {
  return attempt(`${path} cannot be read`, () => {
    const stats = statSync(path, { throwIfNoEntry: false });
    if (stats === undefined) return { lines: [], byName: new Map() };
    if (!stats.isFile()) throw new Error("it is no regular file");
    if (stats.size > usersFileBytesMax) {
      throw new Error(`it has ${stats.size} bytes and the limit is ${usersFileBytesMax}`);
    }
    return decodeUsers(path, readFileSync(path, "utf8"));
  });
}

/** Replaces the file, durably. Only the renaming is left when `confirm` is awaited; its rejection undoes all. */
async function replace(path: string, text: string, confirm?: () => Promise<unknown>): Promise<void> {
  const next = `${path}.next`;
  try {
    attempt(`${next} cannot be written`, () => {
      rmSync(next, { force: true }); // A process that was killed may have left one over.
      createDurably(next, usersFileMode, (fd) => {
        writeFullySync(fd, 0, Buffer.from(text));
        // When root makes the file for a server that runs as another user, that server must be able to read it.
        giveTo(fd, statSync(path, { throwIfNoEntry: false }) ?? statSync(dirname(path)));
      });
    });
    await confirm?.();
    attempt(`${path} cannot be replaced`, () => {
      renameSync(next, path);
      syncFolderOf(path);
    });
  } catch (error) {
    rmSync(next, { force: true });
    throw error;
  }
}

async function takeLock(lockPath: string): Promise<number> {
  const fd = await openLocked(lockPath, usersFileMode, usersLockWaitMs).catch((error: unknown) => {
    const isMissing = codeOf(error) === "ENOENT";
    throw explain(error, isMissing ? `the folder of ${lockPath} does not exist` : `${lockPath} cannot be locked`);
  });
  if (fd === undefined) {
    const seconds = usersLockWaitMs / 1000;
    throw new UsersError("users-busy", `${lockPath} was held by another process for ${seconds} s; try again`);
  }
  giveTo(fd, statSync(dirname(lockPath)));
  return fd;
}

/** Runs a step on the disk. @throws UsersError `users-failed`, which begins with what cannot be done */
function attempt<Result>(what: string, step: () => Result): Result {
  try {
    return step();
  } catch (error) {
    throw explain(error, what);
  }
}

function explain(error: unknown, what: string): UsersError {
  return error instanceof UsersError ? error : failed(`${what}: ${reasonOf(error)}`, error);
}

function failed(sentence: string, cause?: unknown): UsersError {
  return new UsersError("users-failed", sentence, { cause });
}

// A copy of the users in a file that belongs to no history has the same form: how users move to another store, and their
// backup [U-11].

/** Reads the users of a copy, in its order. @throws UsersError `users-failed`, also when there is no such file */
export function readUsersCopy(path: string): readonly User[] {
  if (statSync(path, { throwIfNoEntry: false }) === undefined) {
    throw failed(`there is no ${path}; name a users.txt, or what export has written`);
  }
  return [...readTable(path).byName.values()];
}

/** Writes a new file that only its owner can read, durably. @throws UsersError `users-failed`, also when there is one */
export function writeUsersCopy(path: string, users: readonly User[]): void {
  const text = [header, ...users.map(encodeUser), ""].join("\n");
  try {
    createDurably(path, usersFileMode, (fd) => writeFullySync(fd, 0, Buffer.from(text)));
  } catch (error) {
    if (codeOf(error) !== "EEXIST") throw explain(error, `${path} cannot be written`);
    throw failed(`${path} is there already, and is left as it is; name a file that is not`, error);
  }
}
