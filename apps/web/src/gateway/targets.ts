import type { AnnouncedTarget } from "@wirebook/protocol";
import type { Hello } from "./connection.svelte.ts";

/** The target that speaks Wirebook's own protocol: it alone has operations, a history and keys. */
export const serverName = "wirebook";

const transportNames = { tcp: "TCP", tls: "TLS", unix: "Unix socket" } as const;

/** Where lines go when nothing else is chosen: the server, or the first of what there is. */
export function defaultTarget(hello: Hello | undefined): AnnouncedTarget {
  const { targets = [] } = hello ?? {};
  const server = targets.find(({ name }) => name === serverName);
  return server ?? targets[0] ?? { name: serverName, transport: "tcp", proxyHeaderBytes: 0 };
}

/** `wirebook, TCP 127.0.0.1:5007` */
export function describeTarget({ name, transport, address }: AnnouncedTarget): string {
  return `${name}, ${transportNames[transport]}${address === undefined ? "" : ` ${address}`}`;
}
