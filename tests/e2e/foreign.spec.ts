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

test("holds a conversation with a server that keeps the connection open, until it is cancelled", async ({ page }) => {
  skipWithout(["redis-server", "openssl"]);
  await using redis = await startRedis();
  await using gateway = await startGateway({ server: `127.0.0.1:${redis.port}` });
  const wirebook = new Wirebook(page);
  await page.goto(`http://${gateway.address}/`);
  await page.getByRole("textbox", { name: "User" }).fill("QUIT");
  await page.getByRole("button", { name: "Connect" }).click();
  await expect(wirebook.follow).toHaveText("no history");

  // The composer makes no line of two words that are a user's; the lab sends any.
  const lab = await openLab(wirebook);
  await lab.getByLabel("Message").fill("SET a");
  await lab.getByRole("button", { name: "Run", exact: true }).click();
  const set = wirebook.card("SET a");
  await expect(set).toContainText(/open[^]*-ERR wrong number of arguments for 'set' command/);
  await expect(wirebook.wire).toContainText("The server answered and keeps the connection open.");
  await expect(wirebook.connection).toHaveText("Connected; the server answers");
  await expect(page.getByRole("status", { name: "Result" })).toHaveText(/^SET a: .*keeps the connection open\.$/);
  await set.getByRole("button", { name: "Cancel SET a" }).click();
  await expect(set).toContainText("cancelled");
  await expect(set).toContainText("-ERR wrong number of arguments");
});

test("sends nothing to another target but what the user does, and no key", async ({ page }) => {
  skipWithout(["redis-server", "openssl"]);
  await using redis = await startRedis();
  const target = `cache=tls://127.0.0.1:${redis.tlsPort}?ca=${redis.certPath}`;
  await using gateway = await startGateway({ options: ["--target", target] });
  const wirebook = new Wirebook(page);
  await page.addInitScript(() => localStorage.setItem("wirebook.users", JSON.stringify([["PING", "s3cret"]])));
  await page.goto(`http://${gateway.address}/`);
  await page.getByRole("textbox", { name: "User" }).fill("PING");
  await page.getByRole("button", { name: "Connect" }).click();
  await expect(wirebook.follow).toHaveText("no history");
  await expect(wirebook.transcript.getByRole("article")).toHaveCount(0);
  await page.getByRole("button", { name: "Send", exact: true }).click();
  await expect(wirebook.card("PING")).toContainText(/open[^]*\+PONG/);
  await expect(wirebook.wire).toContainText(`Target cache, TLS 127.0.0.1:${redis.tlsPort}`);
  await expect(wirebook.wire).toContainText("Only a Wirebook server has a history.");
  await expect(wirebook.wire.getByRole("table", { name: "Steps" })).toContainText(/TLS secured: TLSv1/);

  const lab = await openLab(wirebook);
  await lab.getByRole("button", { name: "Half-closed", exact: true }).click();
  await lab.getByLabel("Message").fill("GET ~a");
  await lab.getByRole("radio", { name: "CRLF" }).check();
  await lab.getByRole("button", { name: "Run", exact: true }).click();
  await expect(wirebook.card("GET ~a")).toContainText(/done[^]*\$-1/);
  await expect(wirebook.wire).toContainText("The server answered and closed the connection.");
});

async function openLab({ wire, page }: Wirebook) {
  await wire.getByRole("button", { name: "Fault lab", exact: true }).click();
  return page.getByRole("form", { name: "Fault lab" });
}

function skipWithout(programs: readonly string[]): void {
  const missing = unmet(programs);
  skipWhen(missing.length > 0, `${missing.join(", ")} is missing; \`node scripts/debian-programs.mjs\` fetches it`);
}
