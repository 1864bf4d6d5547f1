/**
 * The sessions of people who logged in with a password, each a signed cookie and nothing else.
 *
 *     base64url(["id", "user", createdMs, "tag"]) "." signature
 *
 * The gateway keeps only when a session was last used, and which ones were logged out. With the same `--session-key` a cookie
 * holds over a restart and at several gateways, but what was kept does not: a cookie that somebody copied before the logout
 * is good again there, until its time is over.
 */

import { randomBytes } from "node:crypto";
import { constants, statSync } from "node:fs";
import { Signer } from "@fastify/cookie";
import { readSmallFile, SettingsError } from "@wirebook/settings";
import { RecentMap } from "../bounds.ts";
import type { GatewayLimits } from "../limits.ts";

/** Bytes of a key: half of what HMAC-SHA-256 can use at most (RFC 2104, section 3), and the most that a file may have. */
const keyBytesMin = 32;
const keyBytesMax = 1024;

/** A login, from the password to the logout. Times are those of the wall clock, which a restart keeps. */
export interface Session {
  readonly id: string;
  readonly user: string;
  readonly createdMs: number;
  /** Changes with the user's password [`UsersFile.tagOf`]. */
  readonly tag: string;
}

export class Sessions {
  readonly #limits: GatewayLimits;
  readonly #signer: InstanceType<typeof Signer>;
  readonly #usedMs: RecentMap<number>;
  /** When each session that was logged out had been created. */
  readonly #ended: RecentMap<number>;
  /** Sessions that were created until then have ended: which of them were logged out is forgotten. */
  #forgottenMs = 0;

  constructor(key: Buffer, limits: GatewayLimits) {
    this.#limits = limits;
    this.#signer = new Signer(key);
    this.#usedMs = new RecentMap(limits.sessionsKeptMax);
    this.#ended = new RecentMap(limits.sessionsKeptMax);
  }

  create(user: string, tag: string): Session {
    return { id: randomBytes(16).toString("base64url"), user, createdMs: Date.now(), tag };
  }

  /** The value of the cookie that stands for a session. */
  encode({ id, user, createdMs, tag }: Session): string {
    const fields = JSON.stringify([id, user, createdMs, tag]);
    return this.#signer.sign(Buffer.from(fields).toString("base64url"));
  }

  /** The session of a cookie; `undefined` when this gateway's key has not signed it. */
  decode(cookie = ""): Session | undefined {
    const { valid, value } = this.#signer.unsign(cookie);
    if (!valid || value === null) return undefined;
    // The signature says that `encode` wrote it.
    const fields = JSON.parse(Buffer.from(value, "base64url").toString()) as [string, string, number, string];
    return { id: fields[0], user: fields[1], createdMs: fields[2], tag: fields[3] };
  }

  use(session: Session, atMs: number): void {
    if (atMs > this.#lastUseOf(session)) this.#usedMs.set(session.id, atMs);
  }

  /** Ends a session for good. */
  end({ id, createdMs }: Session): void {
    this.#forgottenMs = Math.max(this.#forgottenMs, this.#ended.set(id, createdMs) ?? 0);
  }

  /** Why a session is over; `undefined` while it is not. */
  whyEnded(session: Session): string | undefined {
    const { id, createdMs } = session;
    const { sessionMs, sessionIdleMs } = this.#limits;
    const nowMs = Date.now();
    if (this.#ended.get(id) !== undefined || createdMs <= this.#forgottenMs) return "you logged out";
    if (nowMs - createdMs >= sessionMs) return `a login holds for ${describeMs(sessionMs)}`;
    const isIdle = nowMs - this.#lastUseOf(session) >= sessionIdleMs;
    return isIdle ? `nothing was sent for ${describeMs(sessionIdleMs)}` : undefined;
  }

  #lastUseOf({ id, createdMs }: Session): number {
    return this.#usedMs.get(id) ?? createdMs;
  }
}

function describeMs(ms: number): string {
  return ms >= 3_600_000 ? `${ms / 3_600_000} hours` : `${ms / 1000} seconds`;
}

/** Reads the key that signs the cookies, or makes one; gives notice when others could read it. @throws SettingsError */
export function readSessionKey(path: string | undefined, onNotice: (sentence: string) => void): Buffer {
  if (path === undefined) return randomBytes(keyBytesMin);
  const [option, advice] = [`--session-key ${path}`, `create one: (umask 077; openssl rand -base64 48 > ${path})`];
  const key = readSmallFile(option, path, keyBytesMax, advice);
  if (key.length < keyBytesMin) {
    throw new SettingsError(`${option} has ${key.length} bytes, and at least ${keyBytesMin} are needed; ${advice}`);
  }
  if ((statSync(path).mode & constants.S_IROTH) !== 0) {
    const risk = "can be read by every user of this machine, who can then be anybody here";
    onNotice(`${option} ${risk}; type chmod o= ${path}`);
  }
  return key;
}
