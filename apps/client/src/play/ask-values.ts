/** Asks on a terminal for the values that scenarios need. What is typed for a key is not shown. */

import { createInterface } from "node:readline";
import { Writable } from "node:stream";
import type { Readable } from "node:stream";
import { secretName } from "@wirebook/scenario";
import { SettingsError } from "@wirebook/settings";
import type { Output } from "../connect/screen.ts";

/**
 * The value of each name; `undefined` when Ctrl-C was pressed.
 *
 * @param output where the questions are seen
 * @throws SettingsError where there is no terminal, and at the end of the input
 */
export async function askValues(
  names: readonly string[],
  input: Readable & { readonly isTTY?: boolean },
  output: Output,
): Promise<ReadonlyMap<string, string> | undefined> {
  const values = new Map<string, string>();
  const [first] = names;
  if (first === undefined) return values;
  if (input.isTTY !== true || output.isTTY !== true) throw missing(first);
  let [isShown, isInterrupted] = [true, false];
  const echo = new Writable({
    write(chunk: Uint8Array, _encoding, done) {
      if (isShown) output.write(chunk);
      done();
    },
  });
  using typed = createInterface({ input, output: echo, terminal: true, historySize: 0 });
  typed.on("SIGINT", () => {
    isInterrupted = true;
    typed.close();
  });
  // One iterator takes all lines, also those that are pasted together.
  const lines = typed[Symbol.asyncIterator]();
  for (const name of names) {
    typed.setPrompt(`${name}: `);
    typed.prompt();
    isShown = name !== secretName;
    const { value, done } = await lines.next();
    if (!isShown || done === true) output.write("\n");
    isShown = true;
    if (isInterrupted) return undefined;
    if (done === true) throw missing(name);
    values.set(name, value);
  }
  return values;
}

function missing(name: string): SettingsError {
  return new SettingsError(`the scenario needs a value for {{${name}}}; type --value ${name}=VALUE`);
}
