/**
 * A Chromium as a person has it, in which a tab behind another one is hidden.
 *
 * The one that Playwright starts for the other tests takes every page for one that is looked at: it emulates the focus,
 * and switches off what Chromium does to tabs in the background. So this one is started by hand, and Playwright only
 * attaches to it.
 */

import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { chromium } from "@playwright/test";
import type { BrowserContext } from "@playwright/test";
import { findChromium } from "../../scripts/chromium.mjs";

/** A browser, of which every page is a tab of one window; whoever made it disposes of it. */
export interface BareChromium extends AsyncDisposable {
  readonly context: BrowserContext;
}

/** Starts it, with a profile of its own that goes with it. */
export async function startBareChromium(): Promise<BareChromium> {
  const profile = await mkdtemp(join(tmpdir(), "wirebook-chromium-"));
  const child = spawn(
    findChromium() ?? chromium.executablePath(),
    [
      "--headless=new",
      // The start page comes with pages of Chromium's own that are swapped for others while it starts. Whoever attaches in
      // that moment may wait in vain for one that is gone: so the first window is opened when somebody is attached.
      "--no-startup-window",
      "--window-size=1440,900",
      "--remote-debugging-port=0",
      `--user-data-dir=${profile}`,
      "--disable-background-networking",
      "--no-first-run",
      ...(process.getuid?.() === 0 ? ["--no-sandbox"] : []),
    ],
    { stdio: ["ignore", "ignore", "pipe"] },
  );
  const exited = once(child, "exit");
  const stop = async () => {
    child.kill();
    await exited;
    await rm(profile, { recursive: true, force: true, maxRetries: 5 });
  };
  try {
    const browser = await chromium.connectOverCDP(await addressOf(child.stderr), { noDefaults: true });
    const context = browser.contexts()[0] ?? (await browser.newContext());
    return { context, [Symbol.asyncDispose]: () => browser.close().then(stop) };
  } catch (error) {
    await stop();
    throw error;
  }
}

/** It says on standard error where it can be controlled. What it says later is read too, so that it never waits for room. */
async function addressOf(stderr: NodeJS.ReadableStream): Promise<string> {
  const written: string[] = [];
  const { promise, resolve, reject } = Promise.withResolvers<string>();
  createInterface(stderr)
    .on("line", (line) => {
      const [address] = /ws:\/\/\S+/u.exec(line) ?? [];
      if (address !== undefined) resolve(address);
      written.push(line);
    })
    .on("close", () => reject(new Error(`Chromium ended: ${written.join("\n")}`)));
  return promise;
}
