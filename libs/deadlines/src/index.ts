/** Deadlines of many things that hardly ever let one pass, on one timer. */

export { Deadlines } from "./deadlines.ts";
export type { Expiring } from "./deadlines.ts";
