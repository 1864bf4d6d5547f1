/** The address of a line: `#line=2026-11-22T20:31:05.123456Z`, since its time is its identity. */

import { decodeTime } from "@wirebook/protocol";

const name = "line";

/** The fragment that leads to the line with a time. */
export function encodeLineLink(time: string): string {
  return `#${name}=${time}`;
}

/** The time in a fragment; `undefined` when it leads to no line. */
export function decodeLineLink(fragment: string): string | undefined {
  const time = new URLSearchParams(fragment.replace(/^#/, "")).get(name) ?? "";
  return decodeTime(time) === undefined ? undefined : time;
}
