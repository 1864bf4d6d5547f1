import type { Command } from "../ui/commands.ts";
import type { GatewayConnection } from "./connection.svelte.ts";

export function gatewayCommands(connection: GatewayConnection): readonly Command[] {
  if (connection.state !== "waiting") return [];
  const run = () => connection.retryNow();
  return [{ id: "reconnect", label: "Reconnect to the gateway now", key: "r", words: "connection online retry", run }];
}
