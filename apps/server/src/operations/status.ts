import type { Response, Scene } from "./response.ts";
import server from "../../package.json" with { type: "json" };

/** Operation 6: how the server is, a `key: value` a line [W-10]. */
export function status({ history, users, followers, tally }: Scene): Response {
  const { lines, bytes } = history.extent();
  const facts = {
    lines,
    bytes,
    requests: tally.requests,
    users: users.count,
    followers: followers.count,
    uptime: `${Math.floor((performance.now() - tally.startedMs) / 1000)} s`,
    version: server.version,
    engine: history.engine,
  };
  return {
    text: Object.entries(facts)
      .map(([key, value]) => `${key}: ${value}\n`)
      .join(""),
  };
}
