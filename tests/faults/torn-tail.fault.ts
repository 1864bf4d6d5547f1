import type { FaultTest } from "./framework/fault-test.ts";
import { runInChild } from "./history/in-child.ts";

export const faultTest: FaultTest = {
  promise: "any tail recovers to the longest beginning of whole lines, and what was torn is kept beside",
  unit: "cuts",
  first: 4096,
  ci: 250,
  full: 65_536,
  isInCi: true,
  needs: [],
  negativeControls: [{ mutant: "accepted-partial-line", count: 200 }],
  run: (trial) => runInChild(trial, "torn-tail.ts"),
};
