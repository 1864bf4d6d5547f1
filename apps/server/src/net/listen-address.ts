/** Where the server may listen. */

import { lookup } from "node:dns/promises";
import { isLoopback, ListenError } from "@wirebook/net";

/**
 * The address of a host. It must be a loopback address unless any will do.
 *
 * @throws ListenError
 */
export async function findAddress(host: string, isAnyFine: boolean): Promise<string> {
  const address = await find(host);
  if (isAnyFine || isLoopback(address)) return address;
  throw new ListenError(
    `--host is ${host}, which other machines can reach, and every client of an open server may read and delete everything; ` +
      "use --users registered, or --host 127.0.0.1 to stay on this machine, or --users open --i-know to accept that",
  );
}

async function find(host: string): Promise<string> {
  try {
    return (await lookup(host, { order: "ipv4first" })).address;
  } catch (error) {
    const sentence = `--host is ${host}, which is not an address that this machine can find; try --host 127.0.0.1`;
    throw new ListenError(sentence, { cause: error });
  }
}
