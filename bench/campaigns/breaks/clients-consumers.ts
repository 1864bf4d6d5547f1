/** A server that leaves its consumers to the NATS client: that asks after them once, and then waits. */

import { replaceInSource } from "../framework/break.ts";

replaceInSource(
  "libs/history/src/jetstream/hearing.ts",
  "if (lost.has(type)) break;",
  "if (lost.has(`${type}?`)) break;",
);
replaceInSource(
  "libs/history/src/jetstream/hearing.ts",
  "cluster.onReconnect(() => this.renew());",
  "cluster.onReconnect(() => {});",
);
