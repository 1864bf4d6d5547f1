/**
 * Keys [U-5]: made here, told once, kept nowhere but as a hash.
 *
 * A key has more than 128 random bits, so there are no likely keys to try, and a slow hash, which protects guessable
 * passwords, would only make every request slow: SHA-256 is enough. The name is hashed along with it, so that a row
 * copied under another name opens nothing, and so that anybody can check a row by hand:
 *
 *     printf 'otter-42~KEY' | sha256sum
 */

import { createHash, randomInt, timingSafeEqual } from "node:crypto";

/** Characters of a key; each is one of 32 and so holds 5 bits [U-5]. */
export const keyCharacters = 26;

/** Digits that a key has at least, and letters: a few may be lost or mistyped and it is still known for one. */
const keyDigitsMin = 6;

/** Crockford's base 32: no letter that is taken for another, or for a digit. */
const alphabet = "0123456789abcdefghjkmnpqrstvwxyz";

const scheme = "sha256:";

/**
 * A new key: 26 random characters of 32, which are 130 bits. One with too few digits or letters to be known for a key
 * where it should not be (see `looksLikeKey`) is drawn again; that costs a quarter of a bit.
 */
export function createKey(): string {
  for (;;) {
    const key = Array.from({ length: keyCharacters }, () => alphabet[randomInt(alphabet.length)]).join("");
    const digits = key.replaceAll(/\D/g, "").length;
    if (digits >= keyDigitsMin && key.length - digits >= keyDigitsMin) return key;
  }
}

/** What is stored of the key of a name. */
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
