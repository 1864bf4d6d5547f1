/** `npm run bench -- NAME… [--rounds N] [--seconds S]`: runs the benchmarks `NAME.bench.ts` of this folder. */

import process from "node:process";
import { parseArgs } from "node:util";
import beginRun from "../scripts/leftovers.mjs";
import type { Bench } from "./harness/bench.ts";
import { findModules } from "./harness/modules.ts";

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: { rounds: { type: "string", default: "7" }, seconds: { type: "string", default: "3" } },
});
const say = (text: string): void => void process.stdout.write(`${text}\n`);
const all = await findModules(new URL("./", import.meta.url), ".bench.ts");

if (positionals.length === 0) {
  say(`Usage: npm run bench -- NAME… [--rounds N] [--seconds S]\nNames: ${[...all.keys()].join(", ")}`);
  process.exit(2);
}
beginRun();
for (const name of positionals) {
  const url = all.get(name);
  if (url === undefined) {
    say(`unknown benchmark ${name}; names: ${[...all.keys()].join(", ")}`);
    process.exit(2);
  }
  const { bench } = (await import(url.href)) as { bench: Bench };
  say(`${name}: ${bench.question}\n`);
  await bench.run({ rounds: Number(values.rounds), seconds: Number(values.seconds), say });
}
