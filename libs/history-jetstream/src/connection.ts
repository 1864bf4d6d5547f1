/**
 * Connects to a node of a NATS cluster, and looks whether it is one to be trusted.
 *
 * A connection that was made lasts: a node that goes away, or refuses this server later on, is tried again for ever.
 */

import { AuthorizationError, TimeoutError, connect } from "@nats-io/transport-node";
import type { NatsConnection, NodeConnectionOptions } from "@nats-io/transport-node";
import { HistoryError } from "@wirebook/history";
import type { NatsAddress } from "./address.ts";
import { authenticatorOf } from "./credentials.ts";
import type { NatsCredentials } from "./credentials.ts";
import { NodeRefusal } from "./connect-any.ts";
import { connectTimeoutMs, natsVersionLeast, pingMs, reconnectWaitMs, requestTimeoutMs } from "./limits.ts";
import type { NodeChoice } from "./node-choice.ts";
import { tlsOf } from "./tls.ts";

/**
 * What the client is told for every node.
 *
 * @throws HistoryError `storage-failed` when a file that was named cannot be used
 */
export function connectionOptions(
  address: NatsAddress,
  credentials: NatsCredentials,
  choice: NodeChoice,
): NodeConnectionOptions {
  const authenticator = authenticatorOf(address, credentials);
  const tls = tlsOf(address, credentials);
  return {
    name: "wirebook",
    // Where there are others, a node that is frozen must not be waited for long.
    timeout: address.servers.length > 1 ? connectTimeoutMs : requestTimeoutMs,
    maxReconnectAttempts: -1,
    reconnectToServer: choice.pick,
    reconnectTimeWait: reconnectWaitMs,
    reconnectJitter: reconnectWaitMs,
    // A node that does not answer two of these is left at the third: it may be frozen.
    pingInterval: pingMs,
    maxPingOut: 2,
    // Else each refusal brings the addresses of the other nodes, and the client, told to try one, tries them all for ever.
    ignoreClusterUpdates: true,
    // A secret that was renewed on the nodes first is renewed here soon, or the operator mends it.
    ignoreAuthErrorAbort: true,
    ...(authenticator === undefined ? {} : { authenticator }),
    ...(tls === undefined ? {} : { tls }),
  };
}

/** Connects to one node; the client is told of the others when this one has turned out well. @throws NodeRefusal */
export async function connectTo(node: string, options: NodeConnectionOptions): Promise<NatsConnection> {
  try {
    return await connect({ ...options, servers: node });
  } catch (error) {
    const sentence = explain(error as NodeJS.ErrnoException, options);
    throw new NodeRefusal(sentence, { isReached: false, cause: error });
  }
}

/** @throws HistoryError `storage-failed` when the server that is connected is older than those that are trusted */
export function checkVersion({ info }: NatsConnection): void {
  const version = info?.version ?? "unknown";
  if (isAtLeast(version, natsVersionLeast)) return;
  throw new HistoryError(
    "storage-failed",
    `nats-server ${version} may lose acknowledged lines in a power cut; it must be ${natsVersionLeast} or newer`,
  );
}

/**
 * Tells what becomes of the connection, until it is closed.
 *
 * @throws HistoryError `storage-failed` when it goes to a node that is too old
 */
export async function watchConnection(connection: NatsConnection, onNotice: (sentence: string) => void): Promise<void> {
  let isLost = false;
  let refusal = "";
  for await (const status of connection.status()) {
    // The client tells of each attempt, several times a second; a person wants to know what has changed.
    if (status.type === "disconnect" && !isLost) {
      isLost = true;
      onNotice(`The connection to ${status.server} is lost; trying others.`);
    } else if (status.type === "error" && status.error.message !== refusal) {
      refusal = status.error.message;
      onNotice(`The cluster refuses this server, which tries on: ${refusal}.`);
    } else if (status.type === "reconnect" && isLost) {
      isLost = false;
      refusal = "";
      onNotice(`Connected to ${status.server}.`);
      checkVersion(connection);
    }
  }
}

/** Compares versions of three numbers; what follows a hyphen is ignored. */
export function isAtLeast(version: string, least: string): boolean {
  const [have, want] = [version, least].map((text) => text.split("-", 1)[0]?.split(".").map(Number) ?? []);
  for (let at = 0; at < 3; at++) {
    const difference = (have?.[at] ?? Number.NaN) - (want?.[at] ?? 0);
    if (difference !== 0) return difference > 0;
  }
  return true;
}

/** What Node says of a certificate that no authority it was told of has signed. */
const untrusted: ReadonlySet<string | undefined> = new Set([
  "DEPTH_ZERO_SELF_SIGNED_CERT",
  "SELF_SIGNED_CERT_IN_CHAIN",
  "UNABLE_TO_GET_ISSUER_CERT_LOCALLY",
  "UNABLE_TO_VERIFY_LEAF_SIGNATURE",
]);

/** The end of a sentence that begins with the node or the address. None of the client's messages repeats a secret. */
function explain(error: NodeJS.ErrnoException, { authenticator, timeout }: NodeConnectionOptions): string {
  const { message, code, cause } = error;
  if (error instanceof AuthorizationError) {
    return authenticator !== undefined
      ? `refuses this server: the user is not known there, or the secret is not the right one (${message})`
      : "asks who this server is; name a user in the address, a .creds file with --nats-credentials or an NKey with --nats-nkey";
  }
  if (untrusted.has(code)) {
    return `shows a certificate from nobody who is trusted here (${code}); name the file of its authority with --nats-tls-ca`;
  }
  if ((cause as NodeJS.ErrnoException | undefined)?.code === "ERR_OSSL_X509_KEY_VALUES_MISMATCH") {
    return "was not asked: the certificate of --nats-tls-cert and the key of --nats-tls-key do not belong together";
  }
  if (/does not support 'tls'/.test(message)) {
    return "offers no TLS; write nats:// and leave out --nats-tls-…, if the connection may be read on its way";
  }
  if (error instanceof TimeoutError) {
    return `did not answer within ${timeout} ms; a node that asks for this server's own certificate (--nats-tls-cert, --nats-tls-key) and does not get the right one is silent like that, too`;
  }
  return `cannot be reached: ${message}`;
}
