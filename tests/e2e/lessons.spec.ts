/**
 * Each lesson is walked once with a right and once with a wrong prediction. Which one is right is for the learner's own
 * streams to say, so the walk predicts, looks at what the page marks, and predicts again. One server and one gateway are
 * enough for all of them.
 */

import type { Page } from "@playwright/test";
import type { Program } from "../../test-support/program.ts";
import { startGateway, startServer } from "../../test-support/programs.ts";
import type { ServerProgram } from "../../test-support/programs.ts";
import { expectClean } from "./clean.ts";
import { expect, test as base, Wirebook } from "./wirebook.ts";

/** The lessons in their order: what is said of the streams of each run, whichever prediction was right. */
const lessons: Readonly<Record<string, RegExp>> = {
  handshake: /Your handshake took .* of the three together\..*The reply came in \d+ reads? \(/s,
  stream: /Stream 1: 1 write \(11 bytes\).*Stream 2: 3 writes \(6, 3 and 2 bytes\)/s,
  "message-end": /With a line feed, the answer came .*With FIN, .*With neither, /s,
  "half-close": /stream 2 came after the gateway had sent FIN.*Two FINs ended stream 2: the gateway's, and then/s,
  failures: /Refused: RST answered the SYN.*Reset: the connection was established.*Silent: the kernel took your 6/s,
  "back-pressure": /The kernel took [\d,]+ bytes .* writes\..*until the service broke it by RST/s,
  queue: /The answers came after .*The turns took .*4 of 4 connections were established/s,
  websocket: /as 11 bytes: a header of 2.*`?48 65 6c 6c 6f`?, without a mask.*Stream 2 got back the close frame 03 ea/s,
  durable: /Where no program read, the kernel took the line .*the kernel took the line .*The reply came/s,
  greeting: /had 55 bytes.*2 writes of yours \(23 and 6 bytes\).*Stream 2 stayed silent until the page ended it/s,
  tls: /Plain TCP: connected after .*With TLS: connected after .*TLSv1\.3 with .*6 bytes came back on stream 1/s,
};

/** Runs of one lesson: when the machine is busy, the times of a lesson may decide otherwise from run to run. */
const runsMax = 6;

interface Programs {
  readonly programs: { readonly server: ServerProgram; readonly gateway: Program };
}

const test = base.extend<object, Programs>({
  programs: [
    // Playwright reads from the pattern which fixtures this one needs: none.
    // oxlint-disable-next-line no-empty-pattern
    async ({}, use) => {
      await using server = await startServer();
      await using gateway = await startGateway({ server: server.address, options: ["--lessons"] });
      await use({ server, gateway });
    },
    { scope: "worker" },
  ],
  gateway: async ({ programs }, use) => use(programs.gateway),
  server: async ({ programs }, use) => use(programs.server),
});

// In one worker, which starts the programs once.
test.describe.configure({ mode: "default" });

/** A lesson, as a learner sees it. */
class LessonPane {
  readonly page: Page;
  readonly pane;
  readonly choices;
  readonly run;
  readonly again;

  constructor(page: Page) {
    this.page = page;
    this.pane = page.getByRole("region", { name: "Learn", exact: true });
    this.choices = this.pane.getByRole("radio");
    this.run = this.pane.getByRole("button", { name: "Run", exact: true });
    this.again = this.pane.getByRole("button", { name: "Again", exact: true });
  }

  /** The places of the choices that the streams showed to be right. */
  async rightOnes(): Promise<number[]> {
    const labels = await this.pane.locator("label").allInnerTexts();
    return labels.flatMap((text, at) => (text.includes("Your streams show this.") ? [at] : []));
  }

  /** Predicts and runs; true when the prediction was right. */
  async predict(place: number, says: RegExp): Promise<boolean> {
    await this.choices.nth(place).check();
    await this.run.click();
    await expect(this.again).toBeVisible();
    const right = await this.rightOnes();
    expect(right.length).toBeGreaterThan(0);
    const isRight = right.includes(place);
    await expect(this.pane.getByRole("heading", { name: "Your streams show something else" })).toHaveCount(
      isRight ? 0 : 1,
    );
    await expect(this.pane.getByRole("heading", { name: "Right. Your streams show it" })).toHaveCount(isRight ? 1 : 0);
    await expect(this.pane.getByText("You said “")).toHaveCount(isRight ? 0 : 1);
    await expect(this.pane).toContainText(says);
    await expect(this.pane.getByRole("list", { name: "Standards" }).getByRole("link").first()).toHaveAttribute(
      "href",
      /^https:\/\/(www\.rfc-editor\.org\/rfc\/rfc\d+#section-\d|pubs\.opengroup\.org\/)/,
    );
    return isRight;
  }
}

for (const [id, says] of Object.entries(lessons)) {
  test(`the lesson ${id} answers a right and a wrong prediction`, async ({ page, gateway }) => {
    const lesson = new LessonPane(page);
    const { inspector } = new Wirebook(page);
    await page.goto(`http://${gateway.address}/#lesson=${id}`);
    await expect(lesson.run).toBeDisabled();
    const seen = new Set([await lesson.predict(0, says)]);
    await expect(inspector.getByRole("button", { name: /^Pinned: / })).toBeVisible();
    for (let runs = 1; seen.size < 2 && runs < runsMax; runs++) {
      const right = await lesson.rightOnes();
      const wanted = [0, 1, 2, 3].find((place) => right.includes(place) !== seen.has(true)) ?? 0;
      await lesson.again.click();
      await expect(lesson.run).toBeDisabled();
      seen.add(await lesson.predict(wanted, says));
    }
    expect(seen.size).toBe(2);
    await lesson.pane.getByRole("button", { name: "All lessons" }).first().click();
    const items = lesson.pane.getByRole("listitem");
    await expect(items.filter({ hasText: "done" })).toHaveCount(1);
    await expect(items).toHaveCount(Object.keys(lessons).length);
  });
}

test("a lesson is found, done and left with the keyboard alone, and its progress lasts", async ({ page, gateway }) => {
  const { line } = new Wirebook(page);
  const { keyboard } = page;
  const lesson = new LessonPane(page);
  const focused = page.locator(":focus");
  await page.goto(`http://${gateway.address}/`);
  await expect(line).toBeFocused();
  await page.getByRole("banner").getByRole("button", { name: "Learn" }).press("Enter");
  await lesson.pane.getByRole("button", { name: /FIN, and half a connection/ }).press("Enter");
  await expect(page.getByRole("heading", { name: "FIN, and half a connection" })).toBeFocused();
  await expect(page).toHaveURL(/#lesson=half-close$/);

  // The text comes after the title.
  await expect(lesson.choices.nth(0)).toBeVisible();
  await keyboard.press("Tab");
  await keyboard.press("Space");
  await expect(lesson.choices.nth(0)).toBeChecked();
  await keyboard.press("ArrowDown");
  await keyboard.press("ArrowDown");
  await expect(lesson.choices.nth(2)).toBeChecked();
  await keyboard.press("Tab");
  await expect(lesson.run).toBeFocused();
  await keyboard.press("Enter");
  await expect(page.getByRole("heading", { name: "Right. Your streams show it" })).toBeFocused();
  await expectClean(page, '[data-pane="conversation"]');
  await keyboard.press("Tab");
  await expect(focused).toHaveAccessibleName(/^Show in the inspector: /);
  await keyboard.press("Tab");
  await keyboard.press("Enter");
  await expect(page.getByRole("button", { name: "Pinned: the FINs" })).toBeVisible();

  await page.reload();
  await expect(page.getByRole("heading", { name: "FIN, and half a connection" })).toBeVisible();
  await lesson.pane.getByRole("button", { name: "All lessons" }).press("Enter");
  await expect(page.getByRole("heading", { name: "Lessons" })).toBeFocused();
  await expect(lesson.pane.getByRole("button", { name: /^4 FIN.*done/ })).toBeVisible();
  await lesson.pane.getByRole("button", { name: "Close" }).press("Enter");
  await expect(line).toBeFocused();
  await expect(page).toHaveURL(/\/$/);
});

test("a link opens a lesson by its name or number", async ({ page, gateway }) => {
  for (const lesson of ["half-close", "4"]) {
    await page.goto("about:blank");
    await page.goto(`http://${gateway.address}/#lesson=${lesson}`);
    await expect(page.getByRole("heading", { name: "FIN, and half a connection" })).toBeFocused();
    await expect(page).toHaveURL(/#lesson=half-close$/);
  }
  await page.goto(`http://${gateway.address}/#lesson=12`);
  await expect(new LessonPane(page).pane.getByRole("alert")).toHaveText(
    "There is no lesson “12”. Choose one of these.",
  );
});

test("on a phone a lesson leads to the inspector, and a lesson that is not there to the list", async ({
  page,
  gateway,
}) => {
  await page.setViewportSize({ width: 390, height: 844 });
  const lesson = new LessonPane(page);
  const { inspector } = new Wirebook(page);
  await page.goto(`http://${gateway.address}/#lesson=${"x".repeat(50)}`);
  await expect(lesson.pane.getByRole("alert")).toHaveText(
    `There is no lesson “${"x".repeat(40)}”. Choose one of these.`,
  );
  await lesson.pane.getByRole("button", { name: /What a connection costs/ }).click();
  await lesson.choices.nth(0).check();
  await lesson.run.click();
  await expect(inspector).toBeHidden();
  await lesson.pane.getByRole("button", { name: /^Show in the inspector: The first byte/ }).click();
  await expect(inspector.getByRole("button", { name: "Pinned: the wait" })).toBeVisible();
  await expect(lesson.pane).toBeHidden();
  await expect(inspector).toBeFocused();
  await page.getByRole("navigation", { name: "Views" }).getByRole("button", { name: "Conversation" }).click();
  await expect(lesson.again).toBeVisible();
  expect(await page.evaluate(() => document.documentElement.scrollWidth - innerWidth)).toBeLessThanOrEqual(0);
});
