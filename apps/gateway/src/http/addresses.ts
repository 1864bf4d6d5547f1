/** Hosts and ports as users type them and as headers carry them: an IPv6 address stands in brackets there. */

import { isIPv6 } from "node:net";
import type { Target } from "@wirebook/net";

/** The inverse of `describeTarget`; `undefined` when the text is no `host:port` with a port from 1 to 65535. */
export function decodeTarget(text: string): Target | undefined {
  const groups = /^(?:\[(?<six>[^\]]+)\]|(?<name>[^\s/:@[\]]+)):(?<port>\d{1,5})$/.exec(text)?.groups;
  if (groups === undefined || (groups.six !== undefined && !isIPv6(groups.six))) return undefined;
  const port = Number(groups.port);
  return port >= 1 && port <= 65_535 ? { host: groups.six ?? groups.name ?? "", port } : undefined;
}
