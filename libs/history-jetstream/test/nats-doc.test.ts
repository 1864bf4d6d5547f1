/** The table of limits in docs/history-on-nats.md says what the code does. */

import { readFileSync } from "node:fs";
import { expect, test } from "vitest";
import * as limits from "../src/limits.ts";

const text = readFileSync(new URL("../../../docs/history-on-nats.md", import.meta.url), "utf8");
const table = new Map(
  [...text.slice(text.indexOf("## Limits")).matchAll(/^\| (?<what>[^|]+?) +\| (?<limit>[\d,]+)/gm)].map(
    ({ groups }) => [groups?.what ?? "", Number(groups?.limit?.replaceAll(",", ""))],
  ),
);

test.each([
  ["time for which a start stays with a node that is not ready", limits.startNodeMs],
  ["time until a start gives up nodes that answer and are not ready", limits.startMsMax],
  ["lines on their way to the cluster at once", limits.publishesInFlightMax],
  ["lines that wait for that", limits.publishesWaitingMax],
  ["time until a line that is not acknowledged is sent again", limits.publishRetryMs],
  ["the same, while nothing is acknowledged", limits.publishStalledRetryMs],
  ["time until it is given up", limits.publishDeadlineMs],
  ["time between two pings to a node", limits.pingMs],
  ["time for a connection to one of several nodes", limits.connectTimeoutMs],
  ["time without an answer after which another node is connected to", limits.elsewhereMs],
  ["time in which that one must speak", limits.nodeSpeaksMs],
  ["time for the answer to whether there is a majority", limits.majorityTimeoutMs],
  ["silence after which a copy counts as out of reach", limits.silentPeerMs],
  ["time until a line that the cluster has is looked for on another node", limits.seenRetryMs],
  ["time until it gets an error, for this server does not see it", limits.seenDeadlineMs],
  ["time for which a stream remembers ids", limits.duplicateWindowNanos / 1e9],
  ["newest lines kept in memory for followers", limits.recentBytesMax],
  ["time from a delete to the erasing, at least", limits.eraseGraceMs],
  ["time until others take over an erasing", limits.eraseTakeoverMs],
  ["time until a silent server's readers are not waited for", limits.leaseTimeoutMs],
  ["time for which an unconfirmed name is held", limits.pendingUserMs],
  ["tries of a delete that others come before", limits.deleteAttemptsMax],
])("%s", (what, limit) => {
  expect(table.get(what)).toBe(limit);
});

test("names the version that is refused", () => {
  expect(text).toContain(`**[N-9] A nats-server older than ${limits.natsVersionLeast} is refused,**`);
});
