/** The table of a cluster's limits says what the code does. */

import { readFileSync } from "node:fs";
import { expect, test } from "vitest";
import * as cluster from "../src/cluster.ts";
import * as connect from "../src/connect.ts";
import * as erasure from "../src/erasure.ts";
import * as history from "../src/history.ts";
import * as projection from "../src/projection.ts";
import * as publisher from "../src/publisher.ts";
import * as users from "../src/users.ts";

const read = (name: string): string =>
  readFileSync(new URL(`../../../docs/reference/${name}`, import.meta.url), "utf8");
const limits = read("limits.md").split("## The history on NATS\n")[1]?.split("\n## ")[0] ?? "";
const table = new Map(
  [...limits.matchAll(/^\| (?<what>[^|]+?) +\| (?<limit>[\d,]+)/gm)].map(({ groups }) => [
    groups?.what ?? "",
    Number(groups?.limit?.replaceAll(",", "")),
  ]),
);

test.each([
  ["time for which a start stays with a node that is not ready", connect.startNodeMs],
  ["time until a start gives up nodes that answer and are not ready", connect.startMsMax],
  ["lines on their way to the cluster at once", publisher.publishesMax],
  ["time until a line that is not acknowledged is sent again", publisher.publishRetryMs],
  ["the same, while nothing is acknowledged", publisher.publishStalledRetryMs],
  ["time until it is given up", publisher.publishDeadlineMs],
  ["time between two pings to a node", connect.pingMs],
  ["time for a connection to one of several nodes", connect.connectTimeoutMs],
  ["time without an answer after which another node is connected to", cluster.failoverMs],
  ["time in which that one must speak", cluster.greetingMsMax],
  ["time for the answer to whether there is a majority", cluster.majorityTimeoutMs],
  ["silence after which a copy counts as out of reach", cluster.silentPeerMs],
  ["time until a line that the cluster has is looked for on another node", publisher.seenRetryMs],
  ["time until it gets an error, for this server does not see it", publisher.seenDeadlineMs],
  ["time for which a stream remembers ids", connect.duplicateWindowNanos / 1e9],
  ["newest lines kept in memory for followers", projection.recentBytesMax],
  ["time from a delete to the erasing, at least", erasure.eraseGraceMs],
  ["time until others take over an erasing", erasure.eraseTakeoverMs],
  ["time until a silent server's readers are not waited for", erasure.leaseTimeoutMs],
  ["time for which an unconfirmed name is held", users.pendingUserMs],
  ["tries of a delete that others come before", history.deleteAttemptsMax],
])("%s", (what, limit) => {
  expect(table.get(what)).toBe(limit);
});

test("names the version that is refused", () => {
  expect(read("history-on-nats.md")).toContain(
    `**[N-9] A nats-server older than ${cluster.natsVersionLeast} is refused,**`,
  );
});
