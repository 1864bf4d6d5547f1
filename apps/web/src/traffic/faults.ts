/** The faults of a listening port, and how they are told. */

import { faultMsMax, type FlowFaults } from "@wirebook/protocol";
import { count, plural } from "../ui/format.ts";

const bytesMax = 1_000_000_000;
const after = (what: string) => (n: number) => `${what} after ${plural(n, "byte")}`;

/** The faults that have a number: their fields, and how they are told. */
export const faultFields: readonly {
  readonly name: Exclude<keyof FlowFaults, "isStalled">;
  readonly label: string;
  readonly min: number;
  readonly max: number;
  readonly tell: (n: number) => string;
}[] = [
  { name: "latencyMs", label: "Latency, ms", min: 0, max: faultMsMax, tell: (n) => `latency ${count(n)} ms` },
  { name: "jitterMs", label: "Jitter, ms", min: 0, max: faultMsMax, tell: (n) => `jitter up to ${count(n)} ms` },
  { name: "sliceBytes", label: "Slices, bytes", min: 1, max: bytesMax, tell: (n) => `slices of ${plural(n, "byte")}` },
  { name: "bytesPerSecond", label: "Bytes a second", min: 1, max: bytesMax, tell: (n) => `${count(n)} bytes a second` },
  { name: "resetAfterBytes", label: "RST after bytes", min: 0, max: bytesMax, tell: after("RST") },
  { name: "finAfterBytes", label: "FIN after bytes", min: 0, max: bytesMax, tell: after("FIN") },
];

/** `latency 20 ms, slices of 7 bytes`; empty when nothing is done. */
export function describeFaults(faults: FlowFaults): string {
  const told = faultFields.flatMap(({ name, tell }) => (faults[name] === undefined ? [] : [tell(faults[name])]));
  return [...told, ...(faults.isStalled === true ? ["nothing passed on"] : [])].join(", ");
}
