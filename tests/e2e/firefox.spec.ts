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
  await using browser = await launch({ browser: "firefox", executablePath, headless: true });
  const page = await browser.newPage();
  const problems: string[] = [];
  page.on("pageerror", (error) => problems.push(String(error)));
  page.on("console", (message) => {
    if (message.type() === "error") problems.push(message.text());
  });
  await page.setViewport({ width: 1280, height: 720 });
  await page.goto(`http://${gateway.address}/`);

  const line = page.locator("::-p-aria([name='Message'][role='textbox'])");
  await line.fill("brick");
  await page.keyboard.press("Enter");
  await page.waitForSelector("::-p-aria([name='Follow'])");
  await page.waitForFunction(() => document.querySelector("[aria-label=Follow]")?.textContent === "live");
  await line.fill("brick 2 -1");
  await page.keyboard.press("Enter");
  await page.waitForFunction(() =>
    [...document.querySelectorAll("[role=log] article")].some(
      (entry) => entry.ariaLabel === "brick 2 -1" && entry.textContent.includes("done"),
    ),
  );
  await page.waitForFunction(() => document.querySelector("#inspector")?.textContent.includes("The message is line"));

  // All panes stand beside each other, and the panes' divider moves.
  const widths = () =>
    page.$$eval("[data-pane]", (panes) => panes.map((pane) => Math.round(pane.getBoundingClientRect().width)));
  const before = await widths();
  expect(before.every((width) => width >= 300)).toBe(true);
  await page.focus("[role=separator]");
  await page.keyboard.press("ArrowRight");
  await expect.poll(widths).not.toEqual(before);

  await page.keyboard.down("Control");
  await page.keyboard.press("k");
  await page.keyboard.up("Control");
  await page.waitForSelector("dialog[open] [role=option]");
  expect(problems).toEqual([]);
});
