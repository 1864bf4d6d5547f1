/**
 * How this server proves to a cluster who it is, and whom it trusts. Secrets come from files. They are read at each connect,
 * so a renewed secret is taken up; a file that cannot be read then counts as unchanged. No error repeats what a file holds.
 */

import { readFileSync } from "node:fs";
import { isIP } from "node:net";
import { checkServerIdentity, type ConnectionOptions } from "node:tls";
import { credsAuthenticator, nkeyAuthenticator, nkeys, tokenAuthenticator } from "@nats-io/transport-node";
import { usernamePasswordAuthenticator } from "@nats-io/transport-node";
import type { Authenticator, TlsOptions } from "@nats-io/transport-node";
import { HistoryError } from "@wirebook/history";
import type { NatsAddress } from "./address.ts";

export interface NatsCredentials {
  /** A `.creds` file, as `nsc` and `nats` make them; the seed of an NKey, as `nk -gen user` makes it. */
  readonly credentials?: string | undefined;
  readonly nkey?: string | undefined;
  /** The password of the user in the address; a token, when the address names no user. */
  readonly passwordFile?: string | undefined;
  /** PEM: whom to trust, and this client's own certificate and key. */
  readonly tlsCa?: string | undefined;
  readonly tlsCert?: string | undefined;
  readonly tlsKey?: string | undefined;
}

const encoder = new TextEncoder();

/** How this server authenticates; `undefined` where no identity is given. */
export function authenticatorOf(
  { user, password }: Pick<NatsAddress, "user" | "password">,
  { credentials, nkey, passwordFile }: NatsCredentials,
): Authenticator | undefined {
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
  if (credentials !== undefined) {
    const form = "name a .creds file, as nsc and nats make them: a JWT, and then the seed of its NKey";
    const read = secretIn(credentials, "--nats-credentials", credentialsOf, form);
    return credsAuthenticator(() => encoder.encode(read()));
  }
  if (nkey !== undefined) {
    const form = "name a file with the seed of a user's NKey, a word that begins with SU";
    const read = secretIn(nkey, "--nats-nkey", seedOf, form);
    return nkeyAuthenticator(() => encoder.encode(read()));
  }
  const form = "name a file with one line, the password";
  const secret =
    passwordFile === undefined ? password : secretIn(passwordFile, "--nats-password-file", passwordOf, form);
  if (user !== undefined && secret !== undefined) return usernamePasswordAuthenticator(user, secret);
  const token = user ?? secret;
  return token === undefined ? undefined : tokenAuthenticator(token);
}

function secretIn(
  path: string,
  option: string,
  decode: (text: string) => string | undefined,
  form: string,
): () => string {
  let known = decode(readNamed(path, option));
  if (known === undefined) throw cannotReach(`${path}, of ${option}, holds no such secret; ${form}`);
  return () => {
    try {
      known = decode(readFileSync(path, "utf8")) ?? known;
    } catch {
      // Best effort: it may be just being replaced, and what was known is likely to be right still.
    }
    return known as string;
  };
}

/** The client wants line feeds, also behind the last line. */
function credentialsOf(text: string): string | undefined {
  const lines = `${text.replaceAll("\r\n", "\n")}\n`;
  const isWhole = /-----BEGIN NATS USER JWT-----\n[\w.-]+\n/.test(lines) && seedOf(lines) !== undefined;
  return isWhole ? lines : undefined;
}

function seedOf(text: string): string | undefined {
  const seed = /\bSU[A-Z2-7]{56}\b/.exec(text)?.[0] ?? "";
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

/** What the client is told of TLS; `undefined` where nothing speaks of it: then it is used if a node asks for it. */
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
      // For a node that was named by its IP address, Node is given "localhost": then any address that was named will do.
      const hosts = servers.map((server) => server.replace(/:\d+$/, "").replaceAll(/[[\]]/g, ""));
      const names = host === "localhost" ? hosts.filter((each) => isIP(each) > 0 || each === host) : [host];
      const errors = (names.length > 0 ? names : [host]).map((name) => checkServerIdentity(name, certificate));
      return errors.includes(undefined) ? undefined : errors[0];
    },
  };
}

function pem(path: string, option: string, what: string): string {
  if (readNamed(path, option).includes(`${what}-----`)) return path;
  throw cannotReach(`${path}, of ${option}, is no PEM file with a ${what.toLowerCase()}`);
}

function readNamed(path: string, option: string): string {
  try {
    return readFileSync(path, "utf8");
  } catch (error) {
    throw cannotReach(`${path}, of ${option}, cannot be read (${(error as NodeJS.ErrnoException).code})`);
  }
}

function cannotReach(why: string): HistoryError {
  return new HistoryError("storage-failed", `the history on NATS cannot be reached: ${why}`);
}
