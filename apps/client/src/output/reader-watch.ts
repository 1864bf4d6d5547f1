/**
 * Tells when standard output has no reader any more, as GNU tail finds it out with poll(2): a follow of a quiet history would
 * otherwise stay until somebody writes a line.
 *
 * Node has no poll, and begins no read of what is open for writing alone, unless it takes the pipe for a TCP socket: then it
 * waits for the pipe to become readable, which a pipe does only by its reader's end, and the read fails. That needs an
 * internal binding of Node's. Where it is missing, and for an output that is no pipe, the next write finds out, as ever.
 */

import { constants, fstatSync, openSync } from "node:fs";
import { Socket } from "node:net";

/** `process.binding`, as far as it is used. */
export type Binding = (name: "tcp_wrap") => {
  readonly TCP: new (type: number) => { open(descriptor: number): number };
  readonly constants: { readonly SOCKET: number };
};

const output = 1;

/** Calls back once when the reader is gone, until the function that it returns is called. */
export function watchReader(binding: Binding, onGone: () => void): () => void {
  try {
    if (!fstatSync(output).isFIFO()) return () => {};
    const { TCP, constants: types } = binding("tcp_wrap");
    const handle = new TCP(types.SOCKET);
    // Opened anew, because two handles on one descriptor would take each other's events.
    handle.open(openSync(`/proc/self/fd/${output}`, constants.O_WRONLY | constants.O_NONBLOCK));
    const socket = new Socket({ handle, readable: true, writable: false } as object);
    socket.on("error", onGone).resume().unref();
    return () => void socket.destroy();
  } catch {
    return () => {}; // Best effort: no /proc, or a Node without that binding.
  }
}
