/** The main job in Firefox, over WebDriver BiDi: what another engine lacks or draws otherwise shows here first. */

import { existsSync } from "node:fs";
import { expect, test as base } from "@playwright/test";
import { launch } from "puppeteer-core";
import { startGateway, startServer } from "../../test-support/programs.ts";
import { skipWhen } from "./skip.ts";

const executablePath = ["/usr/bin/firefox-esr", "/usr/bin/firefox"].find((path) => existsSync(path)) ?? "";

base("the main job is done in Firefox", async () => {
  skipWhen(executablePath === "", "Firefox is missing; on Debian: apt-get install firefox-esr");
  await using server = await startServer();
  await using gateway = await startGateway({ server: server.address });
  // The window has the size, since Firefox ESR does not know all that `setViewport` asks for.
  const args = ["--width=1280", "--height=800"];
  await using browser = await launch({
    browser: "firefox",
    executablePath,
    headless: true,
    defaultViewport: null,
    args,
  });
  const page = await browser.newPage();
  const problems: string[] = [];
  page.on("pageerror", (error) => problems.push(String(error)));
  page.on("console", (message) => {
    if (message.type() === "error") problems.push(message.text());
  });
  await page.goto(`http://${gateway.address}/`);

  await page.type("[aria-label=Message]", "brick");
  await page.keyboard.press("Enter");
  // The page's Content-Security-Policy forbids the `eval` in `waitForFunction`, so its state is asked for again and again.
  const textOf = (selector: string) =>
    page.evaluate((wanted) => document.querySelector(wanted)?.textContent ?? "", selector);
  await expect.poll(() => textOf("[aria-label=Follow]")).toBe("live");
  // The next line begins with the name already.
  await page.type("[aria-label=Message]", "2 -1");
  await page.keyboard.press("Enter");
  await expect.poll(() => textOf("[role=log] article[aria-label='brick 2 -1']")).toContain("done");
  await expect.poll(() => textOf("#inspector")).toContain("2 -1");

  // All panes stand beside each other, and the panes' divider moves.
  const widths = () =>
    page.$$eval("[data-pane]", (panes) => panes.map((pane) => Math.round(pane.getBoundingClientRect().width)));
  const before = await widths();
  expect(before.every((width) => width >= 300)).toBe(true);
  await page.focus("[role=separator]");
  await page.keyboard.press("ArrowRight");
  await expect.poll(widths).not.toEqual(before);

  await page.$eval(":focus", (focused) => (focused as HTMLElement).blur());
  await page.keyboard.press("?");
  await page.waitForSelector("dialog[open]");
  expect(problems).toEqual([]);
});
