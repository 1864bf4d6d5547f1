/** Keys, right and mistyped, and the places of a message in which a user might put one. */

import type { Socket } from "node:net";
import type { Random } from "../../../test-support/random.ts";

/** A message with a key in it. */
export interface Canary {
  readonly message: Buffer;
  readonly key: string;
  /** True when the key is in two pieces, which only a registered server hides: not who sends it, nor who passes it on. */
  readonly isBrokenUp: boolean;
}

/** Keys as users mistype them. All of it stays one word, as a slip of the hand or of the clipboard does. */
const slips: readonly ((key: string, at: number) => string)[] = [
  (key) => key,
  (key, at) => key.slice(0, at) + key.slice(at + 1),
  (key, at) => `${key.slice(0, at)}${key[at]}${key.slice(at)}`,
  (key, at) => `${key.slice(0, at)}0${key.slice(at + 1)}`,
  (key) => key.toUpperCase(),
  (key) => `${key}${key}`,
];

/** Messages in which a key stands somewhere, as bytes. `name` is the owner's. */
const places: readonly ((name: string, key: string, other: string) => string)[] = [
  (name, key) => `${name}~${key}`,
  (name, key) => `${name}~${key} 2 -1`,
  (name, key) => `  ${name}~${key} 1 99999999`,
  (name, key) => `${name}~${key} 4`,
  (name, key) => `${name}~${key} 6`,
  (name, key, other) => `${other} 2 ${name}~${key}`,
  (_, key, other) => `${other} ~${key}`,
  (_, key, other) => `${other} 2 ${key}`,
  (_, key, other) => `${other} 1 1 ${key}`,
  (name, key, other) => `${other} 1 1 ${name}~${key}`,
  (name, key, other) => `${other} 4 ${name}~${key}`,
  (_, key, other) => `${other} 4 ${key}`,
  (_, key, other) => `${other} ${key}`,
  (_, key) => key,
  (_, key) => `${key} 2`,
  (_, key) => `~${key} 2`,
  (name, key) => `2 ${name}~${key}`,
  (name, key) => `${name} ~ ${key}`,
  (name, key) => `-${name}~${key} 2`,
  (name, key) => `${name}~${key}\xff 2`,
  (name, key, other) => `${other} \xff ${name}~${key}`,
  (name, key) => `GET /?user=${name}~${key} HTTP/1.1`,
  (name, key) => `POST /~${key} HTTP/1.0 ${name}`,
  (name, key, other) => `${other} ${"x".repeat(240)} ${name}~${key}`,
  (_, key, other) => `${other} ${"x".repeat(245)} ${key} ${"y".repeat(1900)}`,
  (name, key) => `${name}~${key} ${"z".repeat(2048)}`,
];

/**
 * A key in two pieces, which nothing can know for a key: only a registered server, which keeps nothing of an unauthenticated user's
 * message, is to hide it.
 */
const brokenUpPlaces: typeof places = [
  (name, key) => `${name} ${brokenUp(key)}`,
  (_, key) => `${brokenUp(key)} 2`,
  (name, key) => `2 ${name} ${brokenUp(key)}`,
  (_, key) => `GET /${brokenUp(key)} HTTP/1.1`,
];
const brokenUpShare = 0.3;

/** Puts the key of `name~key`, or what a slip makes of it, into a message to a server of that mode. */
export function createCanary(
  owner: string,
  { other, mode }: { readonly other: string; readonly mode: "open" | "registered" },
  random: Random,
): Canary {
  const [name = "", right = ""] = owner.split("~");
  const key = random.pick(slips)(right, random.between(1, right.length - 2));
  const isBrokenUp = mode === "registered" && random.chance(brokenUpShare);
  const place = random.pick(isBrokenUp ? brokenUpPlaces : places);
  return { message: Buffer.from(place(name, key, other), "latin1"), key, isBrokenUp };
}

/** How the bytes go over TCP: whole, in two pieces, without a line feed, broken off. */
export const manners: readonly ((socket: Socket, bytes: Buffer, at: number) => void)[] = [
  (socket, bytes) => socket.write(Buffer.concat([bytes, Buffer.from("\r\n")])),
  (socket, bytes) => socket.end(bytes),
  (socket, bytes, at) => {
    socket.write(bytes.subarray(0, at));
    setImmediate(() => socket.end(bytes.subarray(at)));
  },
  (socket, bytes) => socket.write(bytes, () => socket.resetAndDestroy()),
];

function brokenUp(key: string): string {
  return `${key.slice(0, 13)}!${key.slice(13)}`;
}
