import { lookup } from "node:dns/promises";
import { isLoopback } from "@wirebook/net";
import { ListenError } from "../errors.ts";

/**
 * The address of a host. Unless any will do, it must be one that this machine alone can reach: whoever reaches an open
 * server may read and delete everything.
 *
 * @throws ListenError
 */
export async function findAddress(host: string, isAnyFine: boolean): Promise<string> {
  const address = await find(host);
  if (isAnyFine || isLoopback(address)) return address;
  throw new ListenError(
    `--host is ${host}, which other machines can reach, and whoever reaches an open server may read and delete everything; ` +
      "type --users registered to let only registered users speak, or --host 127.0.0.1 to stay on this machine " +
      "(or --users open --i-know, if it is to be everybody's)",
  );
}

/** The sentence for what the system says to an attempt to listen. */
export function explainListening(error: NodeJS.ErrnoException, host: string, port: number): ListenError {
  return new ListenError(sentence(error, host, port), { cause: error });
}

async function find(host: string): Promise<string> {
  try {
    return (await lookup(host, { order: "ipv4first" })).address;
  } catch (error) {
    throw new ListenError(`--host is ${host}, which is no address that this machine can find; type --host 127.0.0.1`, {
      cause: error,
    });
  }
}

function sentence({ code, message }: NodeJS.ErrnoException, host: string, port: number): string {
  const other = port < 65_535 ? port + 1 : port - 1;
  switch (code) {
    case "EADDRINUSE":
      return `port ${port} of ${host} is taken, perhaps by another Wirebook; stop that one, or choose another port: --port ${other}`;
    case "EACCES":
      return `this user may not listen on port ${port} of ${host}; choose a port from 1024 on: --port 5007`;
    case "EADDRNOTAVAIL":
      return `this machine has no address ${host}; type --host 127.0.0.1`;
    case undefined:
    default:
      return `cannot listen on port ${port} of ${host} (${code ?? message}); choose others with --host and --port`;
  }
}
