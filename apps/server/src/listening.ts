import { lookup } from "node:dns/promises";
import { BlockList, isIPv6 } from "node:net";
import { ListenError } from "./errors.ts";

const loopback = new BlockList();
loopback.addSubnet("127.0.0.0", 8, "ipv4");
loopback.addAddress("::1", "ipv6");

/**
 * The address of a host, if it can be reached from this machine alone: whoever reaches the server may read and delete
 * everything, and no password guards it.
 *
 * @throws ListenError
 */
export async function findLoopback(host: string): Promise<string> {
  const address = await find(host);
  if (loopback.check(address, isIPv6(address) ? "ipv6" : "ipv4")) return address;
  throw new ListenError(
    `--host is ${host}, which other machines can reach, and whoever reaches this server may read and delete everything; ` +
      "it listens only on loopback: type --host 127.0.0.1 or --host ::1",
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
