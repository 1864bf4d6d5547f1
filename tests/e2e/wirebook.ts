/**
 * What every end-to-end test begins with: the real server and the real gateway, each in its own temporary place, and the page in
 * Chromium. What a person would look for is found by role and name.
 */

import { test as base, expect } from "@playwright/test";
import type { Locator, Page } from "@playwright/test";
import type { Program } from "../../test-support/program.ts";
import { clientPath, startGateway, startServer } from "../../test-support/programs.ts";
import type { ServerProgram } from "../../test-support/programs.ts";
import { run } from "../../test-support/run.ts";
import type { Ran } from "../../test-support/run.ts";

/** The page, as somebody who uses it sees it. */
export class Wirebook {
  readonly page: Page;
  readonly transcript: Locator;
  readonly history: Locator;
  /** The lines of the history, of which only those that are seen are in the document. */
  readonly grid: Locator;
  readonly wire: Locator;
  readonly connection: Locator;
  readonly follow: Locator;

  constructor(page: Page) {
    this.page = page;
    this.transcript = page.getByRole("region", { name: "Transcript" });
    this.history = page.getByRole("region", { name: "History" });
    this.grid = this.history.getByRole("grid", { name: "Lines" });
    this.wire = page.getByRole("region", { name: "Wire" });
    this.connection = page.getByRole("status", { name: "Connection" });
    this.follow = page.getByRole("status", { name: "Follow" });
  }

  /** Opens the page of a gateway and begins in a name. */
  static async open(page: Page, gateway: Program, user = "brick"): Promise<Wirebook> {
    const wirebook = new Wirebook(page);
    await page.goto(`http://${gateway.address}/`);
    await wirebook.begin(user);
    return wirebook;
  }

  async begin(user: string): Promise<void> {
    await this.page.getByRole("textbox", { name: "User" }).fill(user);
    await this.page.getByRole("button", { name: "Connect" }).click();
    await expect(this.page.getByRole("combobox", { name: "Operation" })).toBeVisible();
  }

  /** Sends an operation with its arguments, by the name that the server gave each. */
  async send(operation: number | undefined, values: Readonly<Record<string, string>> = {}): Promise<void> {
    await this.page
      .getByRole("combobox", { name: "Operation" })
      .selectOption(operation === undefined ? "" : String(operation));
    for (const [name, value] of Object.entries(values)) await this.page.getByLabel(name, { exact: true }).fill(value);
    await this.page.getByRole("button", { name: "Send", exact: true }).click();
  }

  /** The newest card of the transcript with that message. */
  card(message: string): Locator {
    return this.transcript.getByRole("article", { name: message, exact: true }).last();
  }

  /** Goes through all rows of the history with the keyboard and gives what each shows: its number, then time and words. */
  async readRows(): Promise<Map<number, string>> {
    const all = Number(await this.grid.getAttribute("aria-rowcount"));
    const seen = new Map<number, string>();
    await this.grid.focus();
    await this.page.keyboard.press("Home");
    while (seen.size < all) {
      for (const text of await this.grid.getByRole("row").allInnerTexts()) {
        const [position = "", ...rest] = text.split(/\s+/u).filter((word) => word !== "×");
        seen.set(Number(position), rest.join(" "));
      }
      await this.page.keyboard.press("PageDown");
    }
    return seen;
  }

  /** The rows of the history that contain a text. */
  rows(text: string | RegExp): Locator {
    return this.history.getByRole("row").filter({ hasText: text });
  }
}

/** Runs the client once, as `npx wirebook` does. */
export function runClient(server: Program, ...words: string[]): Promise<Ran> {
  return run(process.execPath, [clientPath, "--port", String(server.port), ...words]);
}

interface Programs {
  readonly server: ServerProgram;
  readonly gateway: Program;
  readonly wirebook: Wirebook;
}

/** A test with a server, a gateway and a page that has begun. A page that reports an error or breaks its policy fails it. */
export const test = base.extend<Programs>({
  // Playwright reads from the pattern which fixtures this one needs: none.
  // oxlint-disable-next-line no-empty-pattern
  server: async ({}, use) => {
    await using server = await startServer();
    await use(server);
  },
  gateway: async ({ server }, use) => {
    await using gateway = await startGateway({ server: server.address });
    await use(gateway);
  },
  wirebook: async ({ page, gateway }, use) => {
    await use(await Wirebook.open(page, gateway));
  },
  page: async ({ page }, use) => {
    const problems = watch(page);
    await use(page);
    expect(problems, "the page reported problems").toEqual([]);
  },
});

/** Collects what a page should never say; what the network says of a gateway that was killed is not among it. */
export function watch(page: Page): string[] {
  const problems: string[] = [];
  page.on("pageerror", (error) => problems.push(String(error)));
  page.on("console", (message) => {
    const text = message.text();
    if (message.type() === "error" && !/WebSocket connection to|ERR_CONNECTION_REFUSED/.test(text)) problems.push(text);
  });
  return problems;
}

export { expect };
