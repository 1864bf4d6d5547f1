/** Clients of the network fault tests: real sockets that do exactly what they are told. */

import { readFile, readdir } from "node:fs/promises";
import { connect } from "node:net";
import type { Socket } from "node:net";

/** Milliseconds after which a connection that has not ended counts as broken; more than any limit of the server. */
const endMsMax = 60_000;

/** What came of one connection. */
export interface Outcome {
  /** All bytes that came, as Latin-1, so that none is lost. */
  readonly text: string;
  /** Why the connection broke; absent when the server ended it with FIN. */
  readonly error?: string;
  readonly ms: number;
}

/**
 * Opens a connection, does something with it, and reads until it ends.
 *
 * @param localAddress from which it connects. Linux then takes a source port from those that it gives to servers, too: where
 *   none listens at `port` any more, one client in tens of thousands is connected to itself
 */
export async function exchange(
  port: number,
  act: (socket: Socket) => unknown,
  localAddress?: string,
): Promise<Outcome> {
  const startedMs = performance.now();
  const from = localAddress === undefined ? {} : { localAddress };
  const socket = connect({ host: "127.0.0.1", port, ...from, allowHalfOpen: true, noDelay: true });
  let text = "";
  socket.setEncoding("latin1").on("data", (part: string) => (text += part));
  const ended = new Promise<string | undefined>((resolve) => {
    socket.once("end", () => resolve(undefined));
    socket.on("error", ({ message }) => resolve(message));
    socket.once("close", () => resolve("closed"));
  });
  const deadline = setTimeout(() => socket.destroy(new Error(`no end within ${endMsMax} ms`)), endMsMax);
  await Promise.race([act(socket), ended]);
  const error = await ended;
  clearTimeout(deadline);
  socket.destroy();
  const ms = performance.now() - startedMs;
  return error === undefined ? { text, ms } : { text, error, ms };
}

/** Sends a message as it is. */
export function ask(port: number, message: string | Uint8Array, localAddress?: string): Promise<Outcome> {
  return exchange(port, (socket) => socket.write(message), localAddress);
}

/** Does something so many times, a few at a time, in order of their numbers from 0. */
export async function inTurns(count: number, atOnce: number, act: (number: number) => Promise<void>): Promise<void> {
  let next = 0;
  const work = async (): Promise<void> => {
    while (next < count) await act(next++);
  };
  await Promise.all(Array.from({ length: atOnce }, work));
}

/** An address of this machine for the client of that number, so that no address has more than 250 of them. */
export function addressOf(client: number): string {
  return `127.0.1.${1 + Math.floor(client / 250)}`;
}

/** Open descriptors of a process. */
export async function descriptorsOf(pid: number | undefined): Promise<number> {
  return (await readdir(`/proc/${pid}/fd`)).length;
}

/** Memory of a process in MiB. */
export async function rssMiBOf(pid: number | undefined): Promise<number> {
  const status = await readFile(`/proc/${pid}/status`, "utf8");
  return Number(/^VmRSS:\s+(\d+) kB$/m.exec(status)?.[1]) / 1024;
}
