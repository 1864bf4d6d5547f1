/** `npm run verify`: every check, the cheapest first; stops at the first that fails. */

import { run, say } from "./installed.mjs";
import beginRun, { endLeftovers } from "./leftovers.mjs";

const checks = [
  ["format", "npm run --silent format:check"],
  ["lint", "npm run --silent lint"],
  ["types", "npm run --silent types"],
  ["unused code", "npm run --silent unused"],
  ["unit and interop tests", "npm run --silent unit"],
  ["fault tests", "npm run --silent fault-tests -- --ci"],
  ["build", "npm run --silent build"],
  ["end-to-end tests", "npm run --silent e2e"],
];

beginRun();
for (const [index, [name, command]] of checks.entries()) {
  say(`${index + 1}/${checks.length} ${name}`);
  const startedMs = performance.now();
  const [program, ...words] = command.split(" ");
  run(program, words);
  const left = endLeftovers();
  for (const each of left) console.error(`wirebook: ${name}: this was started and left running: ${each}`);
  if (left.length > 0) process.exit(1);
  say(`${index + 1}/${checks.length} ${name}: passed in ${((performance.now() - startedMs) / 1000).toFixed(1)} s`);
}
say("every check passed");
