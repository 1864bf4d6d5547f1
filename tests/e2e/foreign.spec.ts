/** Services of other projects behind the gateway: it carries any line to any server, and the page shows what came. */

import { startGateway } from "../../test-support/programs.ts";
import { gopherNeeds, startGopher } from "../../test-support/services/inetd.ts";
import { startRedis } from "../../test-support/services/redis.ts";
import { unmet } from "../faults/framework/needs.ts";
import { skipWhen } from "./skip.ts";
import { expect, test, Wirebook } from "./wirebook.ts";

test("reads a file from a gopher server, and says that there is no history", async ({ page }) => {
  skipWithout(gopherNeeds);
  await using gopher = await startGopher("a line that only this server has");
  await using gateway = await startGateway({ server: `127.0.0.1:${gopher.port}` });
  const wirebook = new Wirebook(page);
  await page.goto(`http://${gateway.address}/`);
  // No server of this project takes such a name, so it goes as raw bytes.
  await page.getByRole("textbox", { name: "User" }).fill("/hello.txt");
  await page.getByRole("button", { name: "Send anyway" }).click();
  const sent = wirebook.transcript.getByRole("article", { name: "/hello.txt", exact: true }).first();
  await expect(sent).toContainText("a line that only this server has");
  await expect(wirebook.follow).toHaveText("no history");
  await expect(wirebook.history).toContainText("This server announces no operations");
  await expect(wirebook.wire).toContainText("FIN");
});

test("speaks to redis in its inline commands", async ({ page }) => {
  skipWithout(["redis-server", "openssl"]);
  await using redis = await startRedis();
  await using gateway = await startGateway({ server: `127.0.0.1:${redis.port}` });
  const wirebook = new Wirebook(page);
  await page.goto(`http://${gateway.address}/`);
  // QUIT is the one command after which redis closes; the page asks with it what the server can do.
  await page.getByRole("textbox", { name: "User" }).fill("QUIT");
  await page.getByRole("button", { name: "Connect" }).click();
  await expect(wirebook.follow).toHaveText("no history");
  await page.getByRole("button", { name: "Send", exact: true }).click();
  await expect(wirebook.card("QUIT")).toContainText("+OK");
  await expect(wirebook.card("QUIT")).toContainText("done");
});

test("shows the one line of a server that keeps the connection open, and then says what happened", async ({ page }) => {
  skipWithout(["redis-server", "openssl"]);
  await using redis = await startRedis();
  await using gateway = await startGateway({ server: `127.0.0.1:${redis.port}` });
  const wirebook = new Wirebook(page);
  await page.goto(`http://${gateway.address}/`);
  await page.getByRole("textbox", { name: "User" }).fill("QUIT");
  await page.getByRole("button", { name: "Connect" }).click();
  await expect(wirebook.follow).toHaveText("no history");

  await page.getByRole("textbox", { name: "User" }).fill("PING");
  await page.getByRole("button", { name: "Send", exact: true }).click();
  // As the bytes come, while nothing tells yet whether more will.
  const [ping, set] = [wirebook.card("PING"), wirebook.card("SET a")];
  await expect(ping).toContainText(/receiving[^]*\+PONG/);
  // The composer makes no line of two words that are a user's; the lab sends any.
  await wirebook.wire.getByRole("button", { name: "Fault lab" }).click();
  const lab = page.getByRole("form", { name: "Fault lab" });
  await lab.getByLabel("Message").fill("SET a");
  await lab.getByRole("button", { name: "Run", exact: true }).click();
  await expect(set).toContainText(/receiving[^]*-ERR wrong number of arguments for 'set' command/);

  // After the gateway's 15 s.
  await expect(ping).toContainText("not closed", { timeout: 30_000 });
  await expect(ping).toContainText("The server answered but did not close the connection.");
  await expect(ping).toContainText(/sent 7 bytes, then nothing for 15000 ms/);
  await expect(set).toContainText("not closed");
  await expect(wirebook.wire).toContainText("The server answered but did not close the connection.");
  for (const card of [ping, set]) await expect(card).not.toContainText("failed");
  await expect(wirebook.connection).toHaveText("Connected; the server answers");
});

function skipWithout(programs: readonly string[]): void {
  const missing = unmet(programs);
  skipWhen(missing.length > 0, `${missing.join(", ")} is missing; \`node scripts/debian-programs.mjs\` fetches it`);
}
