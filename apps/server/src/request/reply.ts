/**
 * A response on its way to the peer [W-16].
 *
 * The next chunk is read when the kernel has taken the one before, so a slow peer slows the reading of the file and costs
 * no memory. What a response holds (a file, a place among the followers) is released before the connection lingers.
 */

import { encodeText, joinBytes } from "@wirebook/protocol";
import type { Snapshot } from "@wirebook/history";
import type { Connection } from "../net/connection.ts";
import { toErrorResponse } from "./error-response.ts";
import type { ErrorResponse } from "./error-response.ts";
import type { Subscription } from "./subscriptions.ts";

/** What follows the header of a reply: a text, and perhaps lines behind it, of which `send` disposes. */
export interface Response {
  /** Empty, or whole lines. */
  readonly text: string;
  readonly snapshot?: Snapshot;
  readonly subscription?: Subscription;
}

const nothing = new Uint8Array(0);

/** Sends a response and waits for the connection to be closed. Returns what broke the reply off, if anything did. */
export async function send(connection: Connection, response: Response): Promise<ErrorResponse | undefined> {
  const { text, snapshot, subscription } = response;
  try {
    if (snapshot !== undefined) await sendSnapshot(connection, text, snapshot);
    if (subscription !== undefined) await sendFollow(connection, text, subscription);
  } catch (error) {
    connection.reset();
    return toErrorResponse(error);
  }
  await connection.end(snapshot === undefined && subscription === undefined ? text : "");
  return undefined;
}

/** The text goes out with the first lines, in one write. */
async function sendSnapshot(connection: Connection, text: string, snapshot: Snapshot): Promise<void> {
  await using lines = snapshot;
  let head = encodeText(text);
  for await (const chunk of lines.chunks) {
    if (!(await connection.write(joinBytes(head, chunk)))) return;
    head = nothing;
  }
  await connection.write(head);
}

/** A follow may be silent for hours, so the text does not wait for lines, and a peer that leaves ends it. */
async function sendFollow(connection: Connection, text: string, subscription: Subscription): Promise<void> {
  await using lines = subscription;
  void connection.closed.then(() => lines[Symbol.asyncDispose]());
  connection.keepAlive();
  if (!(await connection.write(text))) return;
  for await (const chunk of lines.chunks()) {
    if (!(await connection.write(chunk))) return;
  }
}
