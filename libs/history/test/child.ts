/**
 * A process of its own for tests: opens the history that it is given, tells how that went, and obeys.
 *
 *     node child.ts PATH      then, a line each on standard input: append MESSAGE
 *
 * It writes a line of JSON for the opening and for each append, and ends with its input.
 */

import { argv, stdin, stdout } from "node:process";
import { createInterface } from "node:readline";
import { HistoryError, openFileHistory } from "../src/index.ts";

function tell(fact: object): void {
  stdout.write(`${JSON.stringify(fact)}\n`);
}

function tellError(error: unknown): void {
  if (!(error instanceof HistoryError)) throw error;
  tell({ code: error.code, message: error.message });
}

async function main(path: string): Promise<void> {
  const history = await openFileHistory(path);
  void history.ended.then((error) => tell({ ended: error?.code ?? null }));
  tell({ isOpen: true, ...history.size() });
  for await (const line of createInterface({ input: stdin })) {
    const message = line.replace(/^append /, "");
    await history.append({ address: "127.0.0.1", message, isCut: false }).then(tell, tellError);
  }
  await history[Symbol.asyncDispose]();
}

await main(argv[2] ?? "").catch(tellError);
