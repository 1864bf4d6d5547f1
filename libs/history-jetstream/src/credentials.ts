/**
 * How this server proves to a cluster who it is, and whom it trusts, as NATS users expect it: a user and a password, a
 * token, an NKey, or a `.creds` file (a JWT and its NKey); with or without TLS.
 *
 * Secrets come from files. They are read at each connect, so a renewed secret is taken up; a file that cannot be read
 * then counts as unchanged. No error repeats what a file holds.
 */

import { readFileSync } from "node:fs";
import { isIP } from "node:net";
import { checkServerIdentity } from "node:tls";
import type { ConnectionOptions } from "node:tls";
import {
  credsAuthenticator,
  nkeyAuthenticator,
  nkeys,
  tokenAuthenticator,
  usernamePasswordAuthenticator,
} from "@nats-io/transport-node";
import type { Authenticator, TlsOptions } from "@nats-io/transport-node";
import { HistoryError } from "@wirebook/history";
import type { NatsAddress } from "./address.ts";

/** Paths of files; each may be left out. */
export interface NatsCredentials {
  /** A `.creds` file, as `nsc` and `nats` make them. */
  readonly credentials?: string | undefined;
  /** The seed of an NKey, as `nk -gen user` makes it. */
  readonly nkey?: string | undefined;
  /** The password of the user in the address; a token, when the address names no user. */
  readonly passwordFile?: string | undefined;
  /** PEM: whom to trust, and this client's own certificate and key. */
  readonly tlsCa?: string | undefined;
  readonly tlsCert?: string | undefined;
  readonly tlsKey?: string | undefined;
}

const encoder = new TextEncoder();

/**
 * How this server authenticates; `undefined` where no identity is given.
 *
 * @throws HistoryError `storage-failed` when a file cannot be used or there is more than one answer
 */
export function authenticatorOf(
  { user, password }: Pick<NatsAddress, "user" | "password">,
  { credentials, nkey, passwordFile }: NatsCredentials,
): Authenticator | undefined {
  assertOneWay({ user, password, credentials, nkey, passwordFile });
  if (credentials !== undefined) {
    const read = secretIn(credentials, "--nats-credentials", credentialsOf);
    return credsAuthenticator(() => encoder.encode(read()));
  }
  if (nkey !== undefined) {
    const read = secretIn(nkey, "--nats-nkey", seedOf);
    return nkeyAuthenticator(() => encoder.encode(read()));
  }
  const secret = passwordFile === undefined ? undefined : secretIn(passwordFile, "--nats-password-file", passwordOf);
  if (user === undefined) return secret === undefined ? undefined : tokenAuthenticator(secret);
  if (secret !== undefined) return usernamePasswordAuthenticator(user, secret);
  return password === undefined ? tokenAuthenticator(user) : usernamePasswordAuthenticator(user, password);
}

type Identity = Pick<NatsAddress, "user" | "password"> & NatsCredentials;

function assertOneWay({ user, password, credentials, nkey, passwordFile }: Identity): void {
  const ways = Object.entries({
    "the user in the address": user,
    "--nats-credentials": credentials,
    "--nats-nkey": nkey,
    "--nats-password-file": user === undefined ? passwordFile : undefined,
  }).flatMap(([name, value]) => (value === undefined ? [] : [name]));
  if (ways.length > 1) throw cannotReach(`${ways.join(" and ")} each say who this server is; leave but one`);
  if (password !== undefined && passwordFile !== undefined) {
    throw cannotReach("the password is in the address and in --nats-password-file; leave one of them out");
  }
}

/** Gives what a file holds, as it is at that time. */
function secretIn(path: string, option: string, decode: (text: string) => string | undefined): () => string {
  const first = decode(readNamed(path, option));
  if (first === undefined) throw cannotReach(`${path}, of ${option}, holds no such secret; ${expected[option]}`);
  let known: string = first;
  return () => {
    try {
      known = decode(readFileSync(path, "utf8")) ?? known;
    } catch {
      // Best effort: it may be just being replaced, and what was known is likely to be right still.
    }
    return known;
  };
}

const expected: Readonly<Record<string, string>> = {
  "--nats-credentials": "name a .creds file, as nsc and nats make them: a JWT, and then the seed of its NKey",
  "--nats-nkey": "name a file with the seed of a user's NKey, a word that begins with SU",
  "--nats-password-file": "name a file with one line, the password",
};

/** The client wants line feeds, also behind the last line. */
function credentialsOf(text: string): string | undefined {
  const lines = `${text.replaceAll("\r\n", "\n")}\n`;
  const isWhole = /-----BEGIN NATS USER JWT-----\n[\w.-]+\n/.test(lines) && seedOf(lines) !== undefined;
  return isWhole ? lines : undefined;
}

function seedOf(text: string): string | undefined {
  const seed = /\bSU[A-Z2-7]{56}\b/.exec(text)?.[0];
  if (seed === undefined) return undefined;
  try {
    nkeys.fromSeed(encoder.encode(seed));
    return seed;
  } catch {
    return undefined;
  }
}

function passwordOf(text: string): string | undefined {
  const [line = "", ...rest] = text.trimEnd().split("\n");
  return line === "" || rest.length > 0 ? undefined : line;
}

/**
 * What the client is told of TLS; `undefined` where neither the address nor an option speaks of it: then it is used if a
 * node asks for it.
 *
 * @throws HistoryError `storage-failed` when a file cannot be used, or a certificate comes without its key
 */
export function tlsOf(
  { isTls, servers }: Pick<NatsAddress, "isTls" | "servers">,
  { tlsCa, tlsCert, tlsKey }: NatsCredentials,
): (TlsOptions & Pick<ConnectionOptions, "checkServerIdentity">) | undefined {
  if ((tlsCert === undefined) !== (tlsKey === undefined)) {
    throw cannotReach("--nats-tls-cert and --nats-tls-key go together; name both, or neither");
  }
  if (!isTls && tlsCa === undefined && tlsCert === undefined) return undefined;
  // The client reads them at each connect, so that a renewed certificate is taken up.
  return {
    ...(tlsCa === undefined ? {} : { caFile: pem(tlsCa, "--nats-tls-ca", "CERTIFICATE") }),
    ...(tlsCert === undefined ? {} : { certFile: pem(tlsCert, "--nats-tls-cert", "CERTIFICATE") }),
    ...(tlsKey === undefined ? {} : { keyFile: pem(tlsKey, "--nats-tls-key", "PRIVATE KEY") }),
    checkServerIdentity: (host, certificate) => {
      const errors = namesFor(host, servers).map((name) => checkServerIdentity(name, certificate));
      return errors.includes(undefined) ? undefined : errors[0];
    },
  };
}

/**
 * By which names a node may go. When it was named by its IP address, the client does not pass that on and Node takes
 * "localhost" for it; then its certificate must be for one of the addresses that were named.
 */
function namesFor(host: string, servers: readonly string[]): readonly string[] {
  if (host !== "localhost") return [host];
  const hosts = servers.map((server) => server.replace(/:\d+$/, "").replaceAll(/[[\]]/g, ""));
  const names = hosts.filter((each) => isIP(each) > 0 || each === "localhost");
  return names.length > 0 ? names : [host];
}

/** The path again, of a file that holds what it should. */
function pem(path: string, option: string, what: string): string {
  if (readNamed(path, option).includes(`${what}-----`)) return path;
  throw cannotReach(`${path}, of ${option}, is no PEM file with a ${what.toLowerCase()}`);
}

/** What a file holds that an option names. @throws HistoryError `storage-failed` with a sentence that names both */
function readNamed(path: string, option: string): string {
  try {
    return readFileSync(path, "utf8");
  } catch (error) {
    throw cannotReach(`${path}, of ${option}, cannot be read (${(error as NodeJS.ErrnoException).code})`);
  }
}

/** The operator must mend it before there is a connection. */
function cannotReach(why: string): HistoryError {
  return new HistoryError("storage-failed", `the history on NATS cannot be reached: ${why}`);
}
