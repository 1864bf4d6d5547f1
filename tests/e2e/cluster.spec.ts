/** Two servers and two gateways on one history that three nodes keep: it does not matter which of them one speaks to. */

import { NatsCluster } from "../../test-support/nats-cluster.ts";
import { startGateway, startServer } from "../../test-support/programs.ts";
import { findNatsServer } from "../../scripts/nats-server.mjs";
import { skipWhen } from "./skip.ts";
import { expect, runClient, test, Wirebook } from "./wirebook.ts";

test("two pages on different gateways agree on every line while a node is killed", async ({ browser }) => {
  skipWhen(
    findNatsServer() === undefined,
    "there is no nats-server 2.10.27 or newer; name one in WIREBOOK_NATS_SERVER",
  );
  await using cluster = await NatsCluster.start({ nodes: 3 });
  const historyPath = cluster.address("story");
  await using first = await startServer({ historyPath });
  await using second = await startServer({ historyPath });
  await using firstGateway = await startGateway({ server: first.address });
  await using secondGateway = await startGateway({ server: second.address });
  await using context = await browser.newContext();
  const ada = await Wirebook.open(await context.newPage(), firstGateway, "ada");
  const eve = await Wirebook.open(await context.newPage(), secondGateway, "eve");

  await ada.send(2, { FROM: "-1" });
  await expect(eve.rows("ada 2 -1")).toHaveCount(1);
  await eve.send(1, { N: "1" });
  await expect(ada.rows("deleted line 1")).toHaveCount(1);

  await cluster.nodes[1]?.kill();
  await eve.send(2, { FROM: "-2" });
  await expect(ada.rows("eve 2 -2")).toHaveCount(1);
  await ada.send(2, { FROM: "-3" });
  await expect(eve.rows("ada 2 -3")).toHaveCount(1);

  const [one, other] = await Promise.all([first, second].map((server) => runClient(server, "brick", "2", "1", "8")));
  expect(one?.stdout.split("\n")).toHaveLength(9);
  expect(other?.stdout).toBe(one?.stdout);
});
