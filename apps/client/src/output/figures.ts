/** Figures as the trace prints them. */

/** `65,536`. */
export function thousands(count: number): string {
  return String(count).replace(/\B(?=(\d{3})+$)/g, ",");
}

/** `1 byte`, `65,536 bytes`. */
export function bytesOf(count: number): string {
  return `${thousands(count)} ${count === 1 ? "byte" : "bytes"}`;
}

/** `1,204.113`. */
export function milliseconds(ms: number): string {
  const [whole = "0", fraction = "000"] = ms.toFixed(3).split(".");
  return `${thousands(Number(whole))}.${fraction}`;
}
