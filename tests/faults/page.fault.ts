/** Lines of the history that would be script, if anything took them for markup, in a real Chromium. */

import { cp, readFile, rm, writeFile } from "node:fs/promises";
import { join, relative } from "node:path";
import { fileURLToPath } from "node:url";
import { chromium } from "@playwright/test";
import type { Page } from "@playwright/test";
import { decodeEntry, plainText } from "@wirebook/protocol";
import { startGateway, startServer } from "../../test-support/programs.ts";
import { run as runProgram } from "../../test-support/run.ts";
import { findChromium } from "../../scripts/chromium.mjs";
import type { FaultTest, Finding, Trial } from "./framework/fault-test.ts";
import { mutate } from "./mutants.ts";
import type { Edit } from "./mutants.ts";

const root = fileURLToPath(new URL("../..", import.meta.url));
/** Lines of one server; so many fit into the page's list without a scroll. */
const linesPerServer = 40;
const drawnMsMax = 20_000;
/** Characters by which a line is known in its row; the rest may be cut by the column. */
const shownCharacters = 20;

export const faultTest: FaultTest = {
  promise: "no line of the history runs as script in the page, or makes the browser refuse one",
  unit: "payloads",
  first: 200,
  full: 2000,
  isInCi: false,
  needs: ["chromium"],
  negativeControls: [{ what: "lines drawn as markup", count: 20 }],
  run,
};

async function run({ count, isControl, folder, progress }: Trial): Promise<Finding> {
  const options = isControl ? ["--page", await buildBroken(folder)] : [];
  const executablePath = findChromium();
  const args = process.getuid?.() === 0 ? ["--no-sandbox"] : [];
  await using browser = await chromium.launch({ args, ...(executablePath === undefined ? {} : { executablePath }) });
  const page = await browser.newPage({ viewport: { width: 1280, height: 2000 } });
  const violations = await watch(page);
  let shown = 0;
  for (let done = 0; done < count; done += linesPerServer) {
    const lines = Array.from({ length: Math.min(linesPerServer, count - done) }, (_, at) => payload(done + at));
    const historyPath = join(folder, `history-${done}.txt`);
    await writeFile(historyPath, lines.map((line) => `${line}\n`).join(""));
    await using server = await startServer({ historyPath });
    await using gateway = await startGateway({ server: server.address, options });
    try {
      shown += await lookAt(page, gateway.address, lines);
    } catch (error) {
      // A page on which a line ran may be in no state to be looked at.
      violations.push(`the page could not be used: ${String(error).split("\n", 1)[0]}`);
    }
    if (violations.length > 0) break;
    progress(done);
  }
  if (shown < count && !isControl) violations.push(`only ${shown} of ${count} lines were seen in the page`);
  return { tried: count, checked: `${shown} seen in the page, each also in full`, violations };
}

/** Whatever runs calls `alert`, which becomes a dialog; whatever the policy stops is reported by an event. */
async function watch(page: Page): Promise<string[]> {
  const violations: string[] = [];
  page.on("dialog", (dialog) => {
    violations.push(`a script ran: ${dialog.message()}`);
    void dialog.dismiss();
  });
  page.on("console", (message) => {
    if (/violates|Content Security Policy|TrustedHTML/.test(message.text())) violations.push(message.text());
  });
  page.on("pageerror", (error) => violations.push(String(error)));
  return violations;
}

/** Sends a message, waits for the lines, opens each in full; returns how many it saw. */
async function lookAt(page: Page, address: string, lines: readonly string[]): Promise<number> {
  await page.goto(`http://${address}/`);
  await page.getByRole("textbox", { name: "Message" }).fill("brick");
  await page.getByRole("button", { name: "Send", exact: true }).click();
  const history = page.getByRole("region", { name: "History" });
  const whole = history.getByRole("group", { name: "Line" });
  let seen = 0;
  for (const line of lines) {
    const row = history.getByRole("row").filter({ hasText: /alert\(\d+\)/.exec(line)?.[0] ?? line });
    await row.waitFor({ timeout: drawnMsMax });
    const text = await row.innerText();
    if (text.includes(shownOf(line).slice(0, shownCharacters).trim())) seen += 1;
    await row.click();
    await whole.and(page.getByText(plainText(line), { exact: true })).waitFor();
  }
  return seen;
}

/** What a row has of a line besides time and address, which stand apart in it. */
function shownOf(line: string): string {
  const entry = decodeEntry(line);
  return entry.kind === "request" ? entry.message : line;
}

const templates: readonly ((call: string) => string)[] = [
  (call) => `<script>${call}</script>`,
  (call) => `<img src=x onerror=${call}>`,
  (call) => `<svg onload=${call}>`,
  (call) => `<svg><script>${call}</script></svg>`,
  (call) => `<iframe srcdoc="<script>parent.${call}</script>"></iframe>`,
  (call) => `<iframe src="javascript:parent.${call}"></iframe>`,
  (call) => `<a href="javascript:${call}" autofocus onfocus=${call}>x</a>`,
  (call) => `<details open ontoggle=${call}>`,
  (call) => `<input autofocus onfocus=${call}>`,
  (call) => `<style onload=${call}></style>`,
  (call) => `<video><source onerror=${call}></video>`,
  (call) => `<math><mtext><table><mglyph><style><img src=x onerror=${call}>`,
  (call) => `<object data="javascript:${call}"></object>`,
  (call) => `<meta http-equiv=refresh content="0;url=javascript:${call}">`,
  (call) => `<base href="javascript:${call}//">`,
  (call) => `<form action="javascript:${call}"><button autofocus>x</button></form>`,
  (call) => `<link rel=stylesheet href="data:text/css,*{color:red}" onload=${call}>`,
  (call) => `<body onload=${call}>`,
  (call) => `<template><script>${call}</script></template><img src onerror=${call}>`,
  (call) => `{@html "<img src=x onerror=${call}>"}`,
];

const contexts: readonly ((markup: string) => string)[] = [
  (markup) => markup,
  (markup) => `">${markup}`,
  (markup) => `'>${markup}`,
  (markup) => `</span></button></li>${markup}`,
  (markup) => `-->${markup}`,
  (markup) => `]]>${markup}`,
  (markup) => `</title></textarea></style></script>${markup}`,
  (markup) => `2026-11-22T20:31:05.123456Z 127.0.0.1 brick ${markup}`,
  (markup) => `2026-11-22T20:31:05.123456Z 127.0.0.1 ${JSON.stringify(`brick ${markup}`)}`,
  (markup) => markup.toUpperCase().replace(/ALERT/g, "alert"),
];

/** Every markup in every context, and then again with a number of its own. */
function payload(at: number): string {
  const template = templates[at % templates.length] as (typeof templates)[number];
  const context = contexts[Math.floor(at / templates.length) % contexts.length] as (typeof contexts)[number];
  return context(template(`alert(${at})`));
}

/** Puts the text of a line into the document as markup. */
export const brokenRow: Edit = {
  file: "apps/web/src/history/view/HistoryRow.svelte",
  find: "{parts.rest}",
  replace: "{@html parts.rest}",
};

/** The page, built again with that row. */
async function buildBroken(folder: string): Promise<string> {
  // Beside the packages, which are found by going up from here.
  const source = join(root, ".wirebook", "broken-page");
  const dist = join(folder, "dist");
  await rm(source, { recursive: true, force: true });
  await cp(join(root, "apps", "web"), source, { recursive: true, filter: (path) => !/node_modules|dist$/.test(path) });
  const row = join(source, relative("apps/web", brokenRow.file));
  await writeFile(row, mutate(await readFile(row, "utf8"), [brokenRow]));
  const vite = join(root, "node_modules", "vite", "bin", "vite.js");
  const words = [vite, "build", source, "--outDir", dist, "--logLevel", "error"];
  const { code, stderr } = await runProgram(process.execPath, words);
  await rm(source, { recursive: true, force: true });
  if (code !== 0) throw new Error(`the broken page cannot be built: ${stderr}`);
  return dist;
}
