/**
 * Who is registered: the other thing that lasts, beside the history [U-1]…[U-4].
 *
 * A store of users may belong to several processes at once (a server, `wirebook users`, other servers), so a change is
 * made against what is stored at that moment, and what others change is seen here soon after. It holds no keys, only what
 * tells that a key is right; how that is computed is the caller's concern. Names that `foldName` makes equal are one name.
 */

import { CodedError, type Role } from "@wirebook/protocol";

/** Users that a store holds [U-2]. */
export const usersMax = 10_000;

export interface User {
  readonly name: string;
  readonly role: Role;
  /** What a key is checked against: one word of letters, digits, `:`, `+`, `/` and `=`. */
  readonly keyHash: string;
  /** `2026-11-22T20:31:05.123Z`, and by whom; `-` stands for the operator. */
  readonly createdAt: string;
  readonly createdBy: string;
}

/** A store of users, open. All calls may be made at once. */
export interface Users extends AsyncDisposable {
  /** How many there are, as far as is known here. */
  readonly count: number;

  /** The user of a name, from memory, which others' changes reach within `usersBelievedMs`. */
  find(name: string): User | undefined;

  /** All users as they are stored now, by name. @throws UsersError `users-failed` */
  list(): Promise<readonly User[]>;

  /**
   * Adds a user durably, unless the name is taken.
   *
   * @param confirm called when all that can fail has been tried but the user cannot be found yet. When it rejects,
   *   nothing is added, and that is what `add` rejects with. A process that dies between the two leaves no user.
   * @throws UsersError `name-taken`, `users-max`, `users-busy`, `users-failed`
   */
  add(user: User, confirm?: () => Promise<unknown>): Promise<void>;

  /** Removes a user durably. @throws UsersError `no-such-user`, `users-busy`, `users-failed` */
  remove(name: string): Promise<User>;
}

/** docs/reference/errors.md explains each. */
export const usersErrorCodes = ["name-taken", "no-such-user", "users-busy", "users-failed", "users-max"] as const;

export type UsersErrorCode = (typeof usersErrorCodes)[number];

/**
 * Nothing was changed. `users-busy` says that another process held the store for too long, `users-failed` that it cannot
 * be read or written; both may pass. The others are about one request, and their sentences may be sent to the peer.
 */
export class UsersError extends CodedError<UsersErrorCode> {
  override readonly name = "UsersError";
}

export function nameTaken(name: string): UsersError {
  return new UsersError("name-taken", `the name ${name} is taken; choose another`);
}

export function noSuchUser(name: string): UsersError {
  return new UsersError("no-such-user", `there is no user ${name}`);
}

/** @throws UsersError `users-max` when a store of so many takes no more */
export function assertRoomForUser(users: number): void {
  if (users < usersMax) return;
  throw new UsersError("users-max", `there are ${users} users, which is the limit; have some removed first`);
}
