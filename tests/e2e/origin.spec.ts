import { readFile } from "node:fs/promises";
import { startGateway, startReferenceServer } from "../../test-support/programs.ts";
import { findPython } from "../../test-support/python.ts";
import { skipWhen } from "./skip.ts";
import { expect, test, Wirebook } from "./wirebook.ts";

const python = findPython();
const withoutPython = "python3 is missing: the reference server is written in it; on Debian: apt-get install python3";

test("the reference server works behind the gateway", async ({ page }) => {
  skipWhen(python === undefined, withoutPython);
  await using origin = await startReferenceServer(python ?? "");
  await using gateway = await startGateway({ server: origin.address, connections: 1 });
  await page.goto(`http://${gateway.address}/`);
  const wirebook = new Wirebook(page);
  await wirebook.type("brick");
  // It cannot be followed, so the page has no history of it.
  await expect(wirebook.history).toBeHidden();

  await wirebook.send(2);
  await expect(wirebook.card("brick 2")).toContainText("done");
  await expect(wirebook.card("brick 2")).toContainText("brick");

  await wirebook.send(1, { N: "1" });
  await expect(wirebook.card("brick 1 1")).toContainText("done");
  await wirebook.send(3);
  await page.getByRole("button", { name: "Delete all lines" }).click();
  await expect(wirebook.card("brick 3")).toContainText("done");
  expect(await readFile(origin.historyPath, "utf8")).toMatch(/^delete_all by brick at .+\n/);
});

test("a user whom the reference server does not know is told so", async ({ page }) => {
  skipWhen(python === undefined, withoutPython);
  await using origin = await startReferenceServer(python ?? "");
  await using gateway = await startGateway({ server: origin.address, connections: 1 });
  await page.goto(`http://${gateway.address}/`);
  await new Wirebook(page).type("stranger");
  await expect(page.getByText("Authentication error.").first()).toBeVisible();
});
