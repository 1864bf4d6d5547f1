/** A page that stays open while its gateway is updated: a new build has other names for its files, and no old ones. */

import { cp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { startGateway } from "../../test-support/programs.ts";
import { expect, test as base, Wirebook } from "./wirebook.ts";

const sentence = "This page is older than the gateway. Reload it.";
const built = fileURLToPath(new URL("../../apps/web/dist", import.meta.url));

const test = base.extend<{ folder: string; wirebook: Wirebook }>({
  // oxlint-disable-next-line no-empty-pattern
  folder: async ({}, use, testInfo) => {
    const folder = testInfo.outputPath("page");
    await cp(built, folder, { recursive: true });
    await use(folder);
  },
  gateway: async ({ server, folder }, use) => {
    await using gateway = await startGateway({ server: server.address, options: ["--page", folder] });
    await use(gateway);
  },
  // Chromium reports the files that are gone on the console, where `page` expects nothing.
  wirebook: async ({ browser, gateway }, use) => {
    await using context = await browser.newContext();
    const page = await context.newPage();
    const errors: string[] = [];
    page.on("pageerror", (error) => errors.push(String(error)));
    const wirebook = await Wirebook.open(page, gateway);
    await expect(wirebook.follow).toHaveText("live");
    // What is loaded for the first line is there.
    await expect(wirebook.inspector.getByRole("tab").first()).toBeVisible();
    await expect(wirebook.history.getByRole("searchbox", { name: "Filter" })).toBeVisible();
    await use(wirebook);
    expect(errors, "the page left an error unhandled").toEqual([]);
  },
});

/** Gives every file of a build another name, wherever it is named, as a build of changed sources does. */
async function rebuild(folder: string): Promise<void> {
  const assets = join(folder, "assets");
  const names = await readdir(assets);
  const paths = [join(folder, "index.html"), ...names.map((name) => join(assets, name))];
  const texts = await Promise.all(paths.map((path) => readFile(path, "utf8")));
  const renewed = (text: string) => names.reduce((all, name) => all.replaceAll(name, `new-${name}`), text);
  // A name never has the contents of another build, as hashes make sure.
  await Promise.all(names.map((name) => rm(join(assets, name))));
  const newPaths = [join(folder, "index.html"), ...names.map((name) => join(assets, `new-${name}`))];
  await Promise.all(newPaths.map((path, index) => writeFile(path, renewed(texts[index] ?? ""))));
}

test("every part that is missing after an update says that the page is older than the gateway", async ({
  wirebook,
  folder,
}) => {
  const { page, inspector: wire } = wirebook;
  await rebuild(folder);
  await wirebook.line.fill("brick-is-typing");

  for (const name of ["Compare", "Fault lab", "Scenario"]) {
    await wire.getByRole("tab", { name, exact: true }).click();
    await expect(wire.getByRole("alert")).toHaveText(sentence);
  }
  for (const name of ["Help", "Settings", "Export & share"]) {
    await page.getByRole("button", { name }).click();
    await expect(page.getByRole("dialog", { name }).getByRole("alert")).toHaveText(sentence);
    await page.keyboard.press("Escape");
  }
  await page.evaluate(() => (location.hash = "#exchange=x"));
  await expect(wire.getByRole("alert", { name: "Link" })).toContainText(sentence);

  // Nothing is reloaded before somebody says so, and what that takes is said.
  const notice = page.getByRole("alert", { name: "Outdated page" });
  await expect(notice).toContainText("Reloading clears what you have typed");
  await expect(wirebook.line).toHaveValue("brick-is-typing");
  await notice.getByRole("button", { name: "Reload" }).click();
  await expect(wirebook.follow).toHaveText("live");
  await expect(notice).toBeHidden();
  await page.getByRole("banner").getByRole("button", { name: "Help" }).click();
  await expect(page.getByRole("dialog", { name: "Help" })).toContainText("Filter of the history");
});

test("a gateway that comes back with another build is noticed before a part is missing", async ({
  wirebook,
  folder,
  gateway,
}) => {
  const notice = wirebook.page.getByRole("alert", { name: "Outdated page" });
  await gateway.restart();
  await expect(wirebook.follow).toHaveText("live", { timeout: 30_000 });
  await expect(notice).toBeHidden();
  await gateway.kill();
  await rebuild(folder);
  await gateway.restart();
  await expect(notice).toContainText(sentence, { timeout: 30_000 });
  await notice.getByRole("button", { name: "Reload" }).click();
  await expect(wirebook.follow).toHaveText("live");
  await expect(notice).toBeHidden();
});

test("a part that cannot be loaded while the gateway is away says so, and is there after a reload", async ({
  wirebook,
  gateway,
}) => {
  const { page, inspector: wire } = wirebook;
  await gateway.kill("SIGKILL");
  const lab = wire.getByRole("tab", { name: "Fault lab" });
  await lab.click();
  await expect(wire.getByRole("alert")).toContainText("Reload the page when the gateway is back.");
  await gateway.restart();
  await expect(wirebook.follow).toHaveText("live", { timeout: 30_000 });
  await page.reload();
  await wirebook.type("brick");
  await lab.click();
  // With its style as well.
  await expect(wire.getByRole("form", { name: "Fault lab" })).toHaveCSS("padding-left", "16px");
  await expect(page.getByRole("alert", { name: "Outdated page" })).toBeHidden();
});
