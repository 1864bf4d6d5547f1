/**
 * A copy of the users in a file that belongs to no history: how users move to another store, and their backup [U-11].
 *
 * It has the form of users.txt, so it could be one; and users.txt can be read as one.
 */

import { closeSync, openSync, rmSync, statSync } from "node:fs";
import { usersFileMode } from "../../limits.ts";
import { UsersError } from "../../users.ts";
import type { User } from "../../users.ts";
import { reasonOf, syncFileSync, writeFullySync } from "../disk.ts";
import { encodeUser, usersHeader } from "./format.ts";
import { explain, readTable } from "./users-file.ts";

/** Reads the users of a copy, in its order. @throws UsersError `users-failed`, also when there is no such file */
export function readUsersCopy(path: string): readonly User[] {
  if (statSync(path, { throwIfNoEntry: false }) === undefined) {
    throw new UsersError("users-failed", `there is no ${path}; name a users.txt, or what export has written`);
  }
  return [...readTable(path).byName.values()];
}

/** Writes a new file that only its owner can read, durably. @throws UsersError `users-failed`, also when there is one */
export function writeUsersCopy(path: string, users: readonly User[]): void {
  const fd = create(path);
  try {
    writeFullySync(fd, 0, Buffer.from([usersHeader, ...users.map(encodeUser), ""].join("\n")));
    syncFileSync(fd);
  } catch (error) {
    rmSync(path, { force: true });
    throw explain(error, `${path} cannot be written`);
  } finally {
    closeSync(fd);
  }
}

function create(path: string): number {
  try {
    return openSync(path, "wx", usersFileMode);
  } catch (error) {
    const isThere = (error as NodeJS.ErrnoException).code === "EEXIST";
    const sentence = isThere
      ? `${path} is there already, and is left as it is; name a file that is not`
      : `${path} cannot be written: ${reasonOf(error)}`;
    throw new UsersError("users-failed", sentence, { cause: error });
  }
}
