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
  readonly conversation: Locator;
  readonly commandLine: Locator;
  /** The text of the command line. */
  readonly line: Locator;
  readonly history: Locator;
  /** The lines of the history, of which only those that are seen are in the document. */
  readonly grid: Locator;
  /** The switch that shows or folds the requests of pages. */
  readonly backgroundRequests: Locator;
  readonly inspector: Locator;
  readonly connection: Locator;
  readonly follow: Locator;

  constructor(page: Page) {
    this.page = page;
    this.conversation = page.getByRole("region", { name: "Conversation" });
    this.commandLine = page.getByRole("form", { name: "Command line" });
    this.line = this.commandLine.getByRole("textbox", { name: "Message" });
    this.history = page.getByRole("region", { name: "History" });
    this.grid = this.history.getByRole("grid", { name: "Lines" });
    this.backgroundRequests = this.history.getByRole("checkbox", { name: "Background requests" });
    this.inspector = page.getByRole("region", { name: "Inspector" });
    this.connection = page.getByRole("status", { name: "Connection" });
    // A narrow screen follows the history too, where it does not show it.
    this.follow = page.getByRole("status", { name: "Follow", includeHidden: true });
  }

  /** Opens the page of a gateway and begins in a name. */
  static async open(page: Page, gateway: Program, user = "brick"): Promise<Wirebook> {
    const wirebook = new Wirebook(page);
    await page.goto(`http://${gateway.address}/`);
    await wirebook.begin(user);
    return wirebook;
  }

  /** Sends the first line in a name: from then on the page follows the history as it. */
  async begin(user: string): Promise<void> {
    await this.type(user);
    // A narrow screen shows one pane at a time.
    if (await this.history.isVisible()) await expect(this.follow).toHaveText("live");
    else await expect(this.connection).toHaveText("Connected; the server answers");
  }

  /** Sends an operation with its arguments in the name of the line; the names of the arguments are for the reader. */
  async send(operation: number | undefined, values: Readonly<Record<string, string>> = {}): Promise<void> {
    // Right after a reload the page has not written the name into the line yet.
    await expect(this.line).not.toHaveValue("");
    const [name = ""] = (await this.line.inputValue()).trim().split(" ", 1);
    await this.type([name, operation ?? "", ...Object.values(values)].join(" ").trim());
  }

  /** Types a line and sends it, whatever the target is. */
  async type(line: string): Promise<void> {
    await this.line.fill(line);
    await this.commandLine.getByRole("button", { name: "Send", exact: true }).click();
  }

  /** Opens a tab of the inspector. */
  async openTab(name: string | RegExp): Promise<void> {
    await this.inspector.getByRole("tab", { name }).click();
  }

  /** The newest entry of the conversation with that message. */
  card(message: string): Locator {
    return this.conversation.getByRole("article", { name: message, exact: true }).last();
  }

  /** Goes through all lines of the history with the keyboard and gives what each shows: its number, then time and words. */
  async readRows(): Promise<Map<number, string>> {
    await this.backgroundRequests.check();
    const all = Number(await this.grid.getAttribute("aria-rowcount"));
    const texts = new Map<string, string>();
    await this.grid.focus();
    await this.page.keyboard.press("Home");
    while (texts.size < all) {
      for (const row of await this.grid.getByRole("row").all()) {
        texts.set((await row.getAttribute("aria-rowindex")) ?? "", await row.innerText());
      }
      await this.page.keyboard.press("PageDown");
    }
    const words = [...texts.values()].map((text) => text.split(/\s+/u).filter((word) => word !== "×"));
    // A day has a row, too.
    return new Map(
      words
        .map(([position, ...rest]) => [Number(position), rest.join(" ")] as const)
        .filter(([position]) => position > 0),
    );
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
