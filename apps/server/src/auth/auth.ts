/**
 * Who sent a message, what they may do, and what others may see of it [U-5], [U-6], [U-8].
 *
 * Open: any plain name is accepted, a registered one only with its key. Registered: registered users only. There, an
 * unknown word may be a mistyped key or a key in the place of the name, so of a message from an unknown user only a tag
 * is kept: part of a hash whose key never leaves the process, so that the word cannot be found by trying.
 *
 * A key [U-5] is kept only as a hash. It has more than 128 random bits, so SHA-256 is enough. The name is hashed with it,
 * so that a row copied under another name opens nothing, and anybody can check a row by hand:
 *
 *     printf 'otter-42~KEY' | sha256sum
 */

import { createHash, createHmac, randomBytes, randomInt, timingSafeEqual } from "node:crypto";
import type { Users } from "@wirebook/history";
import { findOperation, redactMessage, type Command, type Message, type Role } from "@wirebook/protocol";
import { ServerError } from "../errors.ts";

export const modes = ["open", "registered"] as const;
export type Mode = (typeof modes)[number];

export type Principal = Readonly<{ user: string; role: Role }>;

/** Hexadecimal digits of a tag. */
const tagDigits = 8;
/** Characters of a key; each is one of 32 and so holds 5 bits [U-5]. */
export const keyCharacters = 26;
/** Digits that a key has at least, and letters: a few may be lost or mistyped and it is still known for one. */
const keyDigitsMin = 6;
/** Crockford's base 32: no letter that is taken for another, or for a digit. */
const alphabet = "0123456789abcdefghjkmnpqrstvwxyz";
const scheme = "sha256:";

export class Authenticator {
  readonly mode: Mode;
  readonly #users: Users;
  readonly #tagKey = randomBytes(32);

  constructor(mode: Mode, users: Users) {
    this.mode = mode;
    this.#users = users;
  }

  /** The user with the name and the key of a message; `undefined` for an unknown one [W-13]. */
  authenticate({ user: name, key }: Message): Principal | undefined {
    const registered = this.#users.find(name);
    if (registered === undefined) {
      return this.mode === "open" && key === undefined ? { user: name, role: "admin" } : undefined;
    }
    const { name: user, role, keyHash } = registered;
    if (key === undefined || !isRightKey(user, key, keyHash)) return undefined;
    return { user, role: this.mode === "open" ? "admin" : role };
  }

  /** What the history and the log may hold of a message [H-5]. */
  redact(text: string, principal: Principal | undefined): string {
    if (this.mode === "open" || principal !== undefined) return redactMessage(text);
    const [word = ""] = text.trimStart().split(/\s/u, 1);
    return `unknown#${createHmac("sha256", this.#tagKey).update(word).digest("hex").slice(0, tagDigits)}`;
  }
}

/** Checks that a user has the role that a command needs [U-9]. @throws ServerError `role-lacking` */
export function authorize({ user, role }: Principal, { verb }: Command): void {
  const operation = findOperation(verb);
  if (operation === undefined || operation.role === "member" || role === "admin") return;
  throw new ServerError(
    "role-lacking",
    `operation ${operation.number} needs the role admin, and ${user} is a member; ask the operator of the server for it`,
  );
}

/** A new key, of 130 bits. One with too few digits or letters to be known for a key (`looksLikeKey`) is drawn again. */
export function createKey(): string {
  for (;;) {
    const key = Array.from({ length: keyCharacters }, () => alphabet[randomInt(alphabet.length)]).join("");
    const digits = key.replaceAll(/\D/g, "").length;
    if (digits >= keyDigitsMin && key.length - digits >= keyDigitsMin) return key;
  }
}

export function hashKey(name: string, key: string): string {
  return scheme + digest(name, key).toString("hex");
}

/** True when it is the key that was hashed; takes the same time for every wrong key. */
export function isRightKey(name: string, key: string, keyHash: string): boolean {
  const stored = Buffer.from(keyHash.startsWith(scheme) ? keyHash.slice(scheme.length) : "", "hex");
  const given = digest(name, key);
  return stored.length === given.length && timingSafeEqual(stored, given);
}

function digest(name: string, key: string): Buffer {
  return createHash("sha256").update(`${name}~${key}`).digest();
}
