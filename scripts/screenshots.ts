/**
 * `npm run screenshots`: takes the screenshots of docs/images anew, from the built page and the real programs, whose history
 * goes with them. Each is taken in light and in dark, of the same exchange. Look at them before you commit them.
 */

import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import process from "node:process";
import { fileURLToPath } from "node:url";
import { chromium } from "@playwright/test";
import type { Page } from "@playwright/test";
import { encodeRequestEntry, encodeTime } from "@wirebook/protocol";
import { startGateway, startServer } from "../test-support/programs.ts";
import { findChromium } from "./chromium.mjs";

const images = fileURLToPath(new URL("../docs/images", import.meta.url));
const linesBefore = 360;
const stretchUs = 90 * 60 * 1e6;
const messages = ["otter 2 -10", "ada 6", "heron 2 -1", "otter 2 1 20", "ada 2 -10", "otter 6", "brick 2 -10"];

/** The last hour and a half of a history in which most was said in the middle. */
function pastLines(): string {
  const endUs = Date.now() * 1000 - 60e6;
  const lines = Array.from({ length: linesBefore }, (_, index) => {
    const share = index / linesBefore;
    // Denser in the middle, and so that no two neighbours are as far apart as the next two.
    const at = share + 0.12 * Math.sin(2 * Math.PI * share) + 0.0008 * Math.sin(index * 7);
    const time = encodeTime(Math.round(endUs - (1 - at) * stretchUs));
    return `${encodeRequestEntry(time, "127.0.0.1", messages[(5 * index + 3 * (index >> 2)) % messages.length] ?? "", false)}\n`;
  });
  return lines.join("");
}

/** Takes what the page shows, in both colour schemes. */
async function take(page: Page, name: string): Promise<void> {
  await page.mouse.move(0, 0);
  for (const colorScheme of ["light", "dark"] as const) {
    await page.emulateMedia({ colorScheme, reducedMotion: "reduce" });
    const path = join(images, `${name}-${colorScheme}.png`);
    await page.screenshot({ path, animations: "disabled" });
    process.stdout.write(`${path}\n`);
  }
}

async function begin(page: Page, address: string): Promise<void> {
  await page.goto(address);
  await page.getByRole("textbox", { name: "Message" }).fill("brick");
  await page.getByRole("button", { name: "Send", exact: true }).click();
  await page.getByText("live", { exact: true }).waitFor();
}

/** Sends an operation and waits until the wire shows its timeline. */
async function send(page: Page, operation: string, from = ""): Promise<void> {
  const message = ["brick", operation, from].join(" ").trim();
  const commandLine = page.getByRole("form", { name: "Command line" });
  await commandLine.getByRole("textbox", { name: "Message" }).fill(message);
  await commandLine.getByRole("button", { name: "Send", exact: true }).click();
  const inspector = page.getByRole("region", { name: "Inspector" });
  // The message before it is done, too.
  await inspector.getByText(message, { exact: true }).first().waitFor();
  await inspector.getByText("done", { exact: true }).waitFor();
  await inspector.getByText(/^The message is line/u).waitFor();
}

async function takePage(page: Page, address: string): Promise<void> {
  await begin(page, address);
  await send(page, "6");
  await send(page, "2", "-4");
  await take(page, "page");
}

async function takeFaultLab(page: Page, address: string): Promise<void> {
  await begin(page, address);
  await page.getByRole("tab", { name: "Fault lab" }).click();
  const lab = page.getByRole("form", { name: "Fault lab" });
  await lab.getByRole("textbox", { name: "Message" }).fill("brick 2 -1");
  await lab.getByRole("button", { name: "Byte by byte" }).click();
  await lab.getByRole("button", { name: "Run" }).click();
  await page.getByText(/^The server joined 11 writes/u).waitFor();
  await take(page, "fault-lab");
}

const folder = await mkdtemp(join(tmpdir(), "wirebook-screenshots-"));
try {
  const historyPath = join(folder, "history.txt");
  await writeFile(historyPath, pastLines());
  // As `npm start` prints it.
  await using server = await startServer({ historyPath, options: ["--link", "http://127.0.0.1:8007/"] });
  await using gateway = await startGateway({ server: server.address });
  const executablePath = findChromium();
  await using browser = await chromium.launch({
    ...(executablePath === undefined ? {} : { executablePath }),
    args: process.getuid?.() === 0 ? ["--no-sandbox"] : [],
  });
  for (const takeOne of [takePage, takeFaultLab]) {
    await using context = await browser.newContext({ viewport: { width: 1440, height: 900 } });
    await takeOne(await context.newPage(), `http://${gateway.address}/`);
  }
} finally {
  await rm(folder, { recursive: true, force: true });
}
