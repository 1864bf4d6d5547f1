/**
 * V8's young generation, kept at its first size until there is work for it.
 *
 * V8 doubles it whenever much outlives a collection. While pages come much does, and 48 MiB would stay for pages that do
 * nothing. With many exchanges at once, though, a small one is collected so often that a seventh of their speed goes by it
 * (docs/performance.md).
 */

import { setFlagsFromString } from "node:v8";
import { busyExchanges } from "../limits.ts";

let isKeptSmall = false;

/** To be called before anything is allocated in earnest. */
export function keepYoungGenerationSmall(): void {
  isKeptSmall = true;
  setGrowthFactor(1);
}

/** Lets it grow from now on when so many exchanges run at once that it is worth its memory. */
export function mindExchanges(runningCount: number): void {
  if (!isKeptSmall || runningCount < busyExchanges) return;
  isKeptSmall = false;
  setGrowthFactor(2);
}

/** V8 reads it whenever it thinks of growing; 2 is its default. */
function setGrowthFactor(factor: number): void {
  setFlagsFromString(`--semi-space-growth-factor=${factor}`);
}
