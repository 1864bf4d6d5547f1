/**
 * The text of users.txt [U-2]: a user a line, five words, the newest last.
 *
 *     otter-42 member sha256:9f86d081884c7d65… 2026-11-22T20:31:05.123Z brick
 *     NAME     ROLE   HASH                     CREATED                  BY
 *
 * Empty lines and lines that begin with `#` mean nothing and are kept. Anything else is an error: who takes a line that
 * cannot be read for nothing would let in, or leave out, the wrong people.
 */

import { foldName, isName, roles } from "@wirebook/protocol";
import type { Role } from "@wirebook/protocol";
import { UsersError } from "../../users.ts";
import type { User } from "../../users.ts";

/** The users of a file, by `foldName`, and its lines as they are to be written again. */
export interface UserTable {
  readonly lines: readonly string[];
  readonly byName: ReadonlyMap<string, User>;
}

/** What a new file begins with. */
export const usersHeader = "# Wirebook's users: NAME ROLE HASH CREATED BY. Change them with: npm run users";

const hash = /^[\w:+/=]+$/;
const time = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/;

/** The line of a user. */
export function encodeUser({ name, role, keyHash, createdAt, createdBy }: User): string {
  return [name, role, keyHash, createdAt, createdBy].join(" ");
}

/** Reads a file. @throws UsersError `users-failed` with the number of the line that is wrong, never with its text */
export function decodeUsers(path: string, text: string): UserTable {
  const lines = text.split("\n");
  if (lines.at(-1) === "") lines.pop();
  const byName = new Map<string, User>();
  for (const [at, line] of lines.entries()) {
    if (isComment(line)) continue;
    const user = decodeUser(line);
    if (user === undefined) throw wrongLine(path, at + 1, `${problemOf(line)}; put a # before it or remove it`);
    const folded = foldName(user.name);
    if (byName.has(folded)) throw wrongLine(path, at + 1, "has a name that a line above it has; remove one of the two");
    byName.set(folded, user);
  }
  return { lines, byName };
}

/** The user that a line tells of; `undefined` for a comment and for nonsense. */
export function decodeUser(line: string): User | undefined {
  const [name = "", role = "", keyHash = "", createdAt = "", createdBy = "", ...rest] = line.trim().split(/\s+/u);
  if (!isName(name) || !isRole(role) || !hash.test(keyHash) || !time.test(createdAt)) return undefined;
  if (rest.length > 0 || !(createdBy === "-" || isName(createdBy))) return undefined;
  return { name, role, keyHash, createdAt, createdBy };
}

/** A user that an older version took may have a name with an invisible character, which looks like another's. */
function problemOf(line: string): string {
  return /\p{Default_Ignorable_Code_Point}/u.test(line) ? "has an invisible character in a name" : "is no user";
}

function isComment(line: string): boolean {
  return line.trim() === "" || line.trimStart().startsWith("#");
}

function isRole(word: string): word is Role {
  return roles.some((role) => role === word);
}

function wrongLine(path: string, number: number, problem: string): UsersError {
  return new UsersError("users-failed", `line ${number} of ${path} ${problem}`);
}
