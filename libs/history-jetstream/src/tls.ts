/** TLS towards a cluster: whom this server trusts, and the certificate that it shows. */

import { isIP } from "node:net";
import { checkServerIdentity } from "node:tls";
import type { ConnectionOptions } from "node:tls";
import type { TlsOptions } from "@nats-io/transport-node";
import type { NatsAddress } from "./address.ts";
import type { NatsCredentials } from "./credentials.ts";
import { cannotReach, readNamed } from "./named-file.ts";

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
