/** What the parts of the suite share. */

import { decodeEntry } from "@wirebook/protocol";
import type { Actor, RequestEntry, History } from "../../src/index.ts";
import { linesOf } from "../reading.ts";

/** Opens a history that has no line yet. */
export type OpenNew = () => Promise<History>;

export const actor: Actor = { user: "brick", address: "127.0.0.1" };
export const asked = (message: string): RequestEntry => ({ address: "127.0.0.1", message, isCut: false });

/** Appends messages one after another; returns their lines. */
export async function fill(history: History, ...messages: string[]): Promise<string[]> {
  for (const message of messages) await history.append(asked(message));
  return linesOf(history);
}

/** What each line is about: the message, the verb of the result, or the line itself. */
export function messagesOf(lines: readonly string[]): string[] {
  return lines.map((line) => {
    const entry = decodeEntry(line);
    return entry.kind === "request" ? entry.message : entry.kind === "result" ? entry.result.verb : entry.text;
  });
}
