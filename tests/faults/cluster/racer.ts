/**
 * A process of its own that writes and deletes on a history, as fast as it can, and tells how each ended.
 *
 *     node racer.ts ADDRESS NAME COUNT SEED      prints a line of JSON for each operation
 */

import { argv, stdout } from "node:process";
import { HistoryError } from "@wirebook/history";
import { openJetStreamHistory } from "@wirebook/history-jetstream";
import { Random } from "../../../test-support/random.ts";

/** What a racer says of one operation. */
export interface Raced {
  readonly verb: "append" | "delete-line" | "delete-all";
  readonly position?: number;
  readonly time?: string;
  /** The line that was named, of a delete. */
  readonly line?: number;
  readonly refused?: string;
}

const atOnce = 16;

async function main(address: string, name: string, count: number, seed: number): Promise<void> {
  const random = new Random(seed);
  await using history = await openJetStreamHistory(address);
  const by = { user: name, address: "127.0.0.1" };

  async function step(number: number): Promise<void> {
    const chance = random.next();
    const line = random.between(1, Math.max(1, history.size().lines));
    try {
      if (chance < 0.01) tell({ verb: "delete-all", ...(await history.deleteAll(by)) });
      else if (chance < 0.3) tell({ verb: "delete-line", line, ...(await history.deleteLine(by, line)) });
      else {
        const asked = { address: "127.0.0.1", message: `${name} ${number}`, isCut: false };
        tell({ verb: "append", ...(await history.append(asked)) });
      }
    } catch (error) {
      if (!(error instanceof HistoryError) || error.code !== "no-such-line") throw error;
      tell({ verb: "delete-line", line, refused: error.code });
    }
  }

  for (let done = 0; done < count; done += atOnce) {
    await Promise.all(Array.from({ length: Math.min(atOnce, count - done) }, (_, at) => step(done + at)));
  }
}

function tell(raced: Raced): void {
  stdout.write(`${JSON.stringify(raced)}\n`);
}

if (argv[1]?.endsWith("racer.ts")) {
  await main(argv[2] ?? "", argv[3] ?? "", Number(argv[4]), Number(argv[5]));
}
