import type { Response, RequestContext } from "./response.ts";
import server from "../../../package.json" with { type: "json" };

/** Operation 6: how the server is, a `key: value` a line [W-10]. */
export function status({ history, users, subscriptions, counters }: RequestContext): Response {
  const { lines, bytes } = history.extent();
  const facts = {
    lines,
    bytes,
    requests: counters.requests,
    users: users.count,
    followers: subscriptions.count,
    uptime: `${Math.floor((performance.now() - counters.startedMs) / 1000)} s`,
    version: server.version,
    engine: history.engine,
  };
  return {
    text: Object.entries(facts)
      .map(([key, value]) => `${key}: ${value}\n`)
      .join(""),
  };
}
