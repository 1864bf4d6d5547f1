/**
 * An operator, an account and its users of a nats-server, as `nsc` makes them: signed claims (JWT) that name each other by
 * public NKeys. For tests of `.creds` files.
 */

import { randomUUID } from "node:crypto";
import { nkeys } from "@nats-io/transport-node";

type KeyPair = ReturnType<typeof nkeys.createUser>;

const unlimited = { subs: -1, data: -1, payload: -1 };

/** Everything that a node and its clients are told. */
export class NatsAccounts {
  /** For the configuration of a node. */
  readonly config: string;
  readonly #account = nkeys.createAccount();

  constructor() {
    const operator = nkeys.createOperator();
    const system = nkeys.createAccount();
    const limits = { ...unlimited, conn: -1, leaf: -1, imports: -1, exports: -1, wildcards: true };
    const storage = { mem_storage: -1, disk_storage: -1, streams: -1, consumer: -1 };
    const claim = (subject: KeyPair, name: string, more: object): string =>
      sign(operator, subject, name, { type: "account", version: 2, limits: { ...limits, ...more } });
    const [systemId, accountId] = [system, this.#account].map((each) => each.getPublicKey());
    this.config = [
      `operator: ${sign(operator, operator, "operator", { type: "operator", version: 2, system_account: systemId })}`,
      `system_account: ${systemId}`,
      "resolver: MEMORY",
      "resolver_preload: {",
      `  ${systemId}: ${claim(system, "SYS", {})}`,
      `  ${accountId}: ${claim(this.#account, "wirebook", storage)}`,
      "}",
    ].join("\n");
  }

  /** The text of a `.creds` file; past its end a node knows the user no more. */
  createCredentials(expiresInSeconds?: number): string {
    const user = nkeys.createUser();
    const expiry = expiresInSeconds === undefined ? {} : { exp: Math.floor(Date.now() / 1000) + expiresInSeconds };
    const jwt = sign(this.#account, user, "wirebook", { type: "user", version: 2, ...unlimited }, expiry);
    const seed = new TextDecoder().decode(user.getSeed());
    return [block("NATS USER JWT", jwt), block("USER NKEY SEED", seed)].join("\n");
  }
}

function block(what: string, text: string): string {
  return `-----BEGIN ${what}-----\n${text}\n------END ${what}------\n`;
}

function sign(issuer: KeyPair, subject: KeyPair, name: string, nats: object, more: object = {}): string {
  const iat = Math.floor(Date.now() / 1000);
  const ids = { jti: randomUUID(), iat, iss: issuer.getPublicKey(), sub: subject.getPublicKey() };
  const parts = [
    { typ: "JWT", alg: "ed25519-nkey" },
    { ...ids, name, ...more, nats },
  ].map((part) => Buffer.from(JSON.stringify(part)).toString("base64url"));
  const text = parts.join(".");
  return `${text}.${Buffer.from(issuer.sign(Buffer.from(text))).toString("base64url")}`;
}
