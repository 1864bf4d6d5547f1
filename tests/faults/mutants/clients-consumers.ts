/** A server that leaves its consumers to the NATS client: that asks after them once, and then waits. */

import { replaceInSource } from "../framework/mutant.ts";

replaceInSource(
  "libs/history-jetstream/src/stream-consumer.ts",
  "if (lost.has(type)) break;",
  "if (lost.has(`${type}?`)) break;",
);
replaceInSource(
  "libs/history-jetstream/src/stream-consumer.ts",
  "cluster.onReconnect(() => this.renew());",
  "cluster.onReconnect(() => {});",
);
