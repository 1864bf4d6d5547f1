/**
 * People by name and password: a browser logs in once and shows its cookie then; a program sends `Authorization: Basic`
 * (RFC 7617) with each request.
 */

import { extname } from "node:path";
import { Worker } from "node:worker_threads";
import type { FastifyRequest } from "fastify";
import type { GatewayConfig } from "../config.ts";
import { addressOf } from "../http/access-control.ts";
import type { Refusal } from "../http/origin-policy.ts";
import type { GatewayLimits } from "../limits.ts";
import type { Log } from "../telemetry/access-log.ts";
import { GuessLimiter } from "./guess-limiter.ts";
import { deny, isRefusal, roleOf, userNameCharactersMax } from "./identity.ts";
import type { Identity } from "./identity.ts";
import type { PasswordJob } from "./password-worker.ts";
import { readSessionKey, Sessions } from "./sessions.ts";
import type { Session } from "./sessions.ts";
import { costOf, UsersFile } from "./users-file.ts";

/** Milliseconds after which a login that found too many others is tried again. */
const busyRetryMs = 2000;

/** The people of one file. */
export class Passwords {
  readonly users: UsersFile;
  readonly sessions: Sessions;
  readonly #roles: GatewayConfig["roles"];
  readonly #limits: GatewayLimits;
  readonly #log: Log;
  readonly #checker = new PasswordChecker();
  readonly #guesses: GuessLimiter;
  /** The checks that run, by what is checked. */
  readonly #running = new Map<string, Promise<Refusal | undefined>>();

  /** @throws SettingsError when the file of the users, or of the key, cannot be used */
  constructor(path: string, { roles, sessionKeyPath }: GatewayConfig, limits: GatewayLimits, log: Log) {
    const key = readSessionKey(sessionKeyPath, (sentence) => log.notice(sentence));
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
    const session = cookie === undefined ? undefined : this.sessions.decode(cookie);
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

  /** Ends a session. */
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
    const [, base64] = /^basic +([\w+/]+={0,2})$/i.exec(authorization) ?? [];
    const text = base64 === undefined ? "" : Buffer.from(base64, "base64").toString();
    const at = text.indexOf(":");
    if (at < 0) return deny("the Authorization header is not Basic with the base64 of NAME:PASSWORD", 401);
    return this.#check(address, text.slice(0, at), text.slice(at + 1));
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
    if (refusal !== undefined) {
      // What was typed for a name may be a password.
      const isKnown = this.users.hashOf(user) !== undefined;
      this.#log.login({ address, user: isKnown ? user : undefined, outcome: refusal.message });
      return refusal;
    }
    const endsMs = Date.now() + this.#limits.sessionMs;
    return { user, role: roleOf(user, this.#roles), tag: this.users.tagOf(user), endsMs };
  }

  async #guess(address: string, user: string, password: string): Promise<Refusal | undefined> {
    if (this.#checker.waitingCount >= this.#limits.passwordChecksMax) {
      return { ...deny("too many logins at once; try again in a moment", 503), retryAfterMs: busyRetryMs };
    }
    const name = user.slice(0, userNameCharactersMax);
    const retryAfterMs = this.#guesses.take(address, name);
    if (retryAfterMs !== undefined) {
      const message = `too many wrong passwords; try again in ${Math.ceil(retryAfterMs / 1000)} s`;
      return { status: 429, reason: "guesses", message, retryAfterMs };
    }
    const known = this.users.hashOf(user);
    const isRight = await this.#checker.check(password, hashesToCheck(known, this.users.cost));
    // The file may have been read again meanwhile: what was right then is none of the new password.
    const isCurrent = known !== undefined && this.users.hashOf(user) === known;
    if (!isRight || !isCurrent) return deny("wrong name or password", 401);
    this.#guesses.giveBack(address, name);
    return undefined;
  }
}

/** Says whether a password is right, one check at a time, on a thread of its own; `close` ends that. */
export class PasswordChecker {
  /** Those whose verdict is to come, in order. */
  readonly #waiting: PromiseWithResolvers<boolean>[] = [];
  #worker: Worker | undefined;

  get waitingCount(): number {
    return this.#waiting.length;
  }

  /** Checks a password against the first hash; rejects when the thread has died. */
  check(password: string, hashes: readonly string[]): Promise<boolean> {
    const verdict = Promise.withResolvers<boolean>();
    this.#waiting.push(verdict);
    const job: PasswordJob = { password, hashes };
    // oxlint-disable-next-line unicorn/require-post-message-target-origin -- a thread has no origin
    (this.#worker ??= this.#start()).postMessage(job);
    return verdict.promise;
  }

  close(): void {
    void this.#worker?.terminate();
  }

  #start(): Worker {
    // A package has both files as JavaScript.
    const worker = new Worker(new URL(`./password-worker${extname(import.meta.url)}`, import.meta.url));
    worker.unref();
    worker.on("message", (isRight: boolean) => this.#waiting.shift()?.resolve(isRight));
    const fail = (error: unknown): void => {
      this.#worker = undefined;
      for (const { reject } of this.#waiting.splice(0)) reject(error);
    };
    worker.on("error", fail);
    worker.on("exit", () => fail(new Error("the thread that checks passwords has ended")));
    return worker;
  }
}

/**
 * The hashes whose checks, one after another, take as long as one of the cost `dearest`, and tell of the first: an unknown
 * name is checked against a hash that no password has, and a cheap hash is followed by such hashes of its cost, twice its
 * cost and so on, which add up to the dearest.
 *
 * @param known the user's, if there is such a user
 */
export function hashesToCheck(known: string | undefined, dearest: number): string[] {
  const hash = known ?? impossibleHash(dearest);
  const cost = costOf(hash);
  const others = Array.from({ length: Math.max(0, dearest - cost) }, (_, at) => impossibleHash(cost + at));
  return [hash, ...others];
}

/** A hash of that cost which is the hash of no password: its last characters are chosen, not computed. */
function impossibleHash(cost: number): string {
  return `$2b$${String(cost).padStart(2, "0")}$${".".repeat(53)}`;
}
