/**
 * People by name and password: a browser logs in once and shows its cookie then; a program sends `Authorization: Basic`
 * (RFC 7617) with each request.
 */

import type { FastifyRequest } from "fastify";
import { networkOf } from "@wirebook/net";
import { RecentMap, TokenBucket } from "../bounds.ts";
import type { GatewayConfig } from "../config.ts";
import { addressOf, type Refusal } from "../http/access-control.ts";
import type { GatewayLimits } from "../limits.ts";
import type { Log } from "../telemetry/access-log.ts";
import { deny, isRefusal, roleOf, userNameCharactersMax, type Identity, type Roles } from "./identity.ts";
import { hashesToCheck, PasswordChecker } from "./password-checker.ts";
import { readSessionKey, Sessions, type Session } from "./sessions.ts";
import { UsersFile } from "./users-file.ts";

/** Milliseconds after which a login that found too many others is tried again. */
const busyRetryMs = 2000;

export class Passwords {
  readonly users: UsersFile;
  readonly sessions: Sessions;
  readonly #roles: Roles;
  readonly #limits: GatewayLimits;
  readonly #log: Log;
  readonly #checker = new PasswordChecker();
  readonly #guesses: GuessLimiter;
  /** The checks that run, by what is checked. */
  readonly #running = new Map<string, Promise<Refusal | undefined>>();

  /** @throws SettingsError when the file of the users, or of the key, cannot be used */
  constructor(
    path: string,
    { roles, sessionKey }: Pick<GatewayConfig, "roles" | "sessionKey">,
    limits: GatewayLimits,
    log: Log,
  ) {
    const key = readSessionKey(sessionKey, log.notice);
    this.users = new UsersFile(path, key);
    this.sessions = new Sessions(key, limits);
    this.#roles = roles;
    this.#limits = limits;
    this.#log = log;
    this.#guesses = new GuessLimiter(limits);
  }

  close(): void {
    this.#checker.close();
  }

  /** @param cookie the value of the session's cookie, if the request has one */
  async authenticate(request: FastifyRequest, cookie: string | undefined): Promise<Identity | Refusal> {
    const { authorization } = request.headers;
    if (authorization !== undefined) return this.#authenticateProgram(addressOf(request), authorization);
    const session = this.sessions.decode(cookie);
    if (session === undefined) return deny("log in at /login, or send Authorization: Basic", 401);
    const { user } = session;
    const identity: Identity = { user, role: roleOf(user, this.#roles), session, endsMs: Infinity };
    const why = this.whyEnded(identity);
    if (why !== undefined) return deny(`${why}; log in again`, 401);
    this.sessions.use(session, Date.now());
    return identity;
  }

  /** Begins a session for a right name and password. */
  async logIn(address: string, user: string, password: string): Promise<Session | Refusal> {
    const found = await this.#check(address, user, password);
    if (isRefusal(found)) return found;
    this.#log.login({ address, user, outcome: "logged in" });
    return this.sessions.create(user, found.tag ?? "");
  }

  logOut(address: string, session: Session): void {
    this.sessions.end(session);
    this.#log.login({ address, user: session.user, outcome: "logged out" });
  }

  /** Why somebody who came in may not stay; `undefined` where there is no reason. */
  whyEnded({ user, session, tag = session?.tag }: Identity): string | undefined {
    const tagNow = this.users.tagOf(user ?? "");
    if (tagNow === undefined || tagNow !== tag) return "the user was removed or has another password";
    return session && this.sessions.whyEnded(session);
  }

  async #authenticateProgram(address: string, authorization: string): Promise<Identity | Refusal> {
    const [, base64 = ""] = /^basic +([\w+/]+={0,2})$/i.exec(authorization) ?? [];
    const [, user, password] = /^([^:]*):(.*)$/s.exec(Buffer.from(base64, "base64").toString()) ?? [];
    if (user !== undefined && password !== undefined) return this.#check(address, user, password);
    return deny("the Authorization header is not Basic with the base64 of NAME:PASSWORD", 401);
  }

  async #check(address: string, user: string, password: string): Promise<Identity | Refusal> {
    // The same attempt made several times at once is one, as when a program opens many relays or a class one account.
    const attempt = JSON.stringify([user, password]);
    let guess = this.#running.get(attempt);
    if (guess === undefined) {
      guess = this.#guess(address, user, password).finally(() => this.#running.delete(attempt));
      this.#running.set(attempt, guess);
    }
    const refusal = await guess;
    if (refusal === undefined) {
      const endsMs = Date.now() + this.#limits.sessionMs;
      return { user, role: roleOf(user, this.#roles), tag: this.users.tagOf(user), endsMs };
    }
    // What was typed for a name may be a password.
    const isKnown = this.users.hashOf(user) !== undefined;
    this.#log.failedLogin({ address, user: isKnown ? user : undefined, outcome: refusal.message });
    return refusal;
  }

  async #guess(address: string, user: string, password: string): Promise<Refusal | undefined> {
    const name = user.slice(0, userNameCharactersMax);
    const isHome = this.#guesses.isHome(address, name);
    if (this.#checker.waitingCount >= this.#limits.passwordChecksMax && !isHome) {
      return { ...deny("too many logins at once; try again in a moment", 503), retryAfterMs: busyRetryMs };
    }
    const retryAfterMs = this.#guesses.take(address, name);
    if (retryAfterMs !== undefined) {
      const message = `too many wrong passwords; try again in ${Math.ceil(retryAfterMs / 1000)} s`;
      return { status: 429, reason: "guesses", message, retryAfterMs };
    }
    const known = this.users.hashOf(user);
    const isRight = await this.#checker.check(password, hashesToCheck(known, this.users.cost), isHome);
    // The file may have been read again meanwhile: what was right then is none of the new password.
    const isCurrent = known !== undefined && this.users.hashOf(user) === known;
    if (!isRight || !isCurrent) return deny("wrong name or password", 401);
    this.#guesses.giveBack(address, name);
    return undefined;
  }
}

/**
 * How many wrong passwords there may be: from one address (one network of IPv6), and for one name from all addresses.
 *
 * Each attempt takes a token of both, so that attempts at the same time are counted, and a right password gives them back.
 * Guessing at a name from elsewhere must not lock its owner out: where a name has logged in before, it has tokens of its own.
 */
export class GuessLimiter {
  readonly #limits: GatewayLimits;
  readonly #networks: RecentMap<TokenBucket>;
  readonly #names: RecentMap<TokenBucket>;
  readonly #homes: RecentMap<true>;

  constructor(limits: GatewayLimits) {
    this.#limits = limits;
    this.#networks = new RecentMap(limits.guessersMax);
    this.#names = new RecentMap(limits.guessersMax);
    this.#homes = new RecentMap(limits.guessersMax);
  }

  /** Counts an attempt. When it is one too many, returns the milliseconds until there may be another. */
  take(address: string, name: string): number | undefined {
    const network = this.#networkBucket(address);
    // Names beyond an address's bound are not remembered, or it could have those forgotten at which others guess.
    if (!network.take()) return this.#limits.guessAddressRefillMs;
    if (this.#nameBucket(address, name).take()) return undefined;
    network.give();
    return this.#limits.guessNameRefillMs;
  }

  /** That attempt was right, so it was no guess. */
  giveBack(address: string, name: string): void {
    this.#networkBucket(address).give();
    this.#nameBucket(address, name).give();
    this.#homes.set(homeOf(address, name), true);
  }

  /** True where the name has logged in from that address, or its network, before. */
  isHome(address: string, name: string): boolean {
    return this.#homes.get(homeOf(address, name)) === true;
  }

  #networkBucket(address: string): TokenBucket {
    const { guessesPerAddressMax, guessAddressRefillMs } = this.#limits;
    return bucketOf(this.#networks, networkOf(address), guessesPerAddressMax, guessAddressRefillMs);
  }

  #nameBucket(address: string, name: string): TokenBucket {
    const { guessesPerNameMax, guessNameRefillMs } = this.#limits;
    const key = this.isHome(address, name) ? homeOf(address, name) : name;
    return bucketOf(this.#names, key, guessesPerNameMax, guessNameRefillMs);
  }
}

/** An address has no space in it, and neither begins a name with one. */
function homeOf(address: string, name: string): string {
  return ` ${networkOf(address)} ${name}`;
}

function bucketOf(buckets: RecentMap<TokenBucket>, key: string, burst: number, refillMs: number): TokenBucket {
  const bucket = buckets.get(key) ?? new TokenBucket(burst, 1000 / refillMs);
  buckets.set(key, bucket);
  return bucket;
}
