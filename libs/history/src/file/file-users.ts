/** The engine `file` for users: users.txt beside the history. Opened by `openFileUsers`. */

import { foldName } from "@wirebook/protocol";
import { assertRoomForUser, nameTaken, noSuchUser } from "../users.ts";
import type { User, Users } from "../users.ts";
import { fileHistoryDefaults } from "./options.ts";
import { closeToOthers, decodeUser, encodeUser, explain, readTable, replace } from "./users-file.ts";
import { usersHeader, usersPathBeside, versionOf, withLock } from "./users-file.ts";
import type { UserTable } from "./users-file.ts";

/** Milliseconds for which what is known of the users is believed before the file is looked at again [U-3]. */
export const usersBelievedMs = 100;

export interface FileUsersOptions {
  /** Told, in whole sentences, what a person should know. Must not throw. */
  readonly onNotice?: (sentence: string) => void;
}

/**
 * Opens the users of the history in a file. Any number of processes may have them open.
 *
 * @throws UsersError `users-failed` when there is a file that cannot be read
 */
export function openFileUsers(historyPath: string, { onNotice }: FileUsersOptions = {}): Users {
  const path = usersPathBeside(historyPath);
  const version = versionOf(path);
  const users = new FileUsers(path, version, readTable(path), onNotice ?? ignore);
  users.closeToOthers();
  return users;
}

class FileUsers implements Users {
  readonly #path: string;
  readonly #onNotice: (sentence: string) => void;
  #version: string;
  #table: UserTable;
  /** Closes the file to others in time, also while no user is looked up. */
  readonly #looking = setInterval(() => this.#look(), fileHistoryDefaults.lookMs).unref();
  #believedUntilMs = performance.now() + usersBelievedMs;
  /** Why the file could not be read, of which the operator has been told. */
  #complaint = "";
  /** Changes of this process, one after the other: a lock is between open files, and waiting for it would be polling. */
  #changes: Promise<unknown> = Promise.resolve();

  constructor(path: string, version: string, table: UserTable, onNotice: (sentence: string) => void) {
    this.#path = path;
    this.#version = version;
    this.#table = table;
    this.#onNotice = onNotice;
  }

  /** Takes from others what the file's permissions gave them, and says so. */
  closeToOthers(): void {
    if (closeToOthers(this.#path)) this.#onNotice(`${this.#path} could be read by others; now only its owner can.`);
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

  async add(user: User, confirm: () => Promise<unknown> = nothing): Promise<void> {
    await this.#change(({ lines, byName }) => {
      if (byName.has(foldName(user.name))) throw nameTaken(user.name);
      assertRoomForUser(byName.size);
      return { lines: [...(lines.length === 0 ? [usersHeader] : lines), encodeUser(user)], result: undefined };
    }, confirm);
  }

  async remove(name: string): Promise<User> {
    const folded = foldName(name);
    return this.#change(({ lines, byName }) => {
      const result = byName.get(folded);
      if (result === undefined) throw noSuchUser(name);
      return { lines: lines.filter((line) => foldName(decodeUser(line)?.name ?? "") !== folded), result };
    }, nothing);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    clearInterval(this.#looking);
    await this.#changes;
  }

  /** Changes what the file holds at that moment, also when another process wrote it. */
  async #change<Result>(
    edit: (table: UserTable) => { readonly lines: readonly string[]; readonly result: Result },
    confirm: () => Promise<unknown>,
  ): Promise<Result> {
    const change = this.#changes.then(() =>
      withLock(this.#path, async () => {
        const { lines, result } = edit(readTable(this.#path));
        try {
          await replace(this.#path, lines, confirm);
        } finally {
          this.#believedUntilMs = 0;
        }
        this.#look();
        return result;
      }),
    );
    this.#changes = change.catch(ignore);
    return change;
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
      this.closeToOthers();
      this.#table = readTable(this.#path);
      this.#complaint = "";
    } catch (error) {
      this.#complain(explain(error, `${this.#path} cannot be read`).message);
    }
  }

  /** A file that cannot be read changes no rights: the users stay as they were last read. */
  #complain(sentence: string): void {
    if (sentence !== this.#complaint) this.#onNotice(`The users stay as they were: ${sentence}.`);
    this.#complaint = sentence;
  }
}

async function nothing(): Promise<void> {}

function ignore(): void {
  // The caller gets the error.
}
