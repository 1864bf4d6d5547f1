import type { Locator, Page } from "@playwright/test";
import { expectClean } from "./clean.ts";
import { startGateway } from "../../test-support/programs.ts";
import { TestServer } from "../../test-support/tcp-client.ts";
import { expect, test, Wirebook } from "./wirebook.ts";

const sizes = {
  phone: { width: 390, height: 844 },
  tablet: { width: 820, height: 1180 },
  desktop: { width: 1600, height: 1000 },
} as const;

/** A button of the bar that a screen has whose width is not enough for all panes. */
function view(page: Page, name: string): Locator {
  return page.getByRole("navigation", { name: "Views" }).getByRole("button", { name });
}

/** Brings a pane into sight, on a screen of any width; true where that took a tab or the strip of a folded pane. */
async function show(page: Page, name: string): Promise<boolean> {
  const opener = view(page, name).or(page.getByRole("button", { name: `Show the ${name.toLowerCase()}` }));
  const isAway = await opener.isVisible();
  if (isAway) await opener.click();
  await expect(page.getByRole("region", { name, exact: true })).toBeVisible();
  return isAway;
}

async function expectNothingOverflows(page: Page): Promise<void> {
  expect(await page.evaluate(() => document.documentElement.scrollWidth - window.innerWidth)).toBeLessThanOrEqual(0);
}

/** What the eye has, without backgrounds, to tell the selected one from the others. */
function edgeOf(each: Element): string {
  const { borderBottomColor, outlineColor, outlineStyle } = getComputedStyle(each);
  return `${borderBottomColor} ${outlineStyle} ${outlineColor}`;
}

for (const [size, viewport] of Object.entries(sizes)) {
  for (const colorScheme of ["light", "dark"] as const) {
    test(`axe finds nothing on a ${size} in ${colorScheme}`, async ({ page, gateway, server }) => {
      await page.setViewportSize(viewport);
      await page.emulateMedia({ colorScheme, reducedMotion: "reduce" });
      await page.goto(`http://${gateway.address}/`);
      const wirebook = new Wirebook(page);
      await expect(wirebook.line).toBeFocused();
      await expect(page.getByRole("list", { name: "First lessons" })).toBeVisible();
      await expectClean(page);

      await wirebook.begin("brick");
      await wirebook.send(2, { FROM: "-2" });
      await expect(wirebook.card("brick 2 -2")).toContainText("done");
      for (const name of ["Conversation", "History", "Inspector"]) {
        // Where all panes are in sight at once, one look is enough.
        if (!(await show(page, name)) && name !== "Inspector") continue;
        await expectClean(page);
        await expectNothingOverflows(page);
      }
      for (const name of ["What happened", /^Stream/, /^Frames/, /^Bytes/, /^Steps/, "Fault lab", "Scenario"]) {
        const tab = wirebook.inspector.getByRole("tab", { name });
        await tab.click();
        await expect(tab).toHaveAttribute("aria-selected", "true");
        await expectClean(page, "#inspector");
        await expectNothingOverflows(page);
      }
      await show(page, "Conversation");
      await server.kill("SIGKILL");
      await wirebook.send(2);
      await expect(wirebook.card("brick 2")).toContainText("failed");
      await expectClean(page);
      await expectNothingOverflows(page);
    });
  }
}

test("the traffic can be used by touch, and reports nothing to the checker", async ({ browser, server }) => {
  await using gateway = await startGateway({ server: server.address, options: ["--listen=0=wirebook"] });
  const context = await browser.newContext({ hasTouch: true, isMobile: true, viewport: { width: 390, height: 844 } });
  const page = await context.newPage();
  await Wirebook.open(page, gateway);
  await view(page, "History").click();
  await page.getByRole("button", { name: "Traffic", exact: true }).click();
  await page.getByRole("region", { name: "Traffic" }).getByText("no faults").click();
  await expectClean(page, "#traffic");
  await expectNothingOverflows(page);
  const low = await page
    .getByRole("region", { name: "Traffic" })
    .locator("button, summary")
    .evaluateAll((all) =>
      all.filter((each) => each.getBoundingClientRect().height < 44).map((each) => each.textContent),
    );
  expect(low).toEqual([]);
  await context.close();
});

test("a tablet shows two panes, and a strip brings the third in the place of the second", async ({ page, gateway }) => {
  await page.setViewportSize(sizes.tablet);
  const { conversation, inspector, history } = await Wirebook.open(page, gateway);
  for (const [shown, hidden, name] of [
    [history, inspector, "History"],
    [inspector, history, "Inspector"],
  ] as const) {
    await show(page, name);
    await expect(conversation).toBeVisible();
    await expect(shown).toBeVisible();
    await expect(hidden).toBeHidden();
  }
});

for (const viewport of [
  { width: 320, height: 640 },
  { width: 320, height: 256 },
]) {
  test(`all of the top bar is in sight, and nothing overflows, at ${viewport.width} by ${viewport.height}`, async ({
    wirebook,
    page,
  }) => {
    // WCAG 2.2, 1.4.10: 1,280 by 1,024 pixels at 400 %.
    await page.setViewportSize(viewport);
    await wirebook.send(2, { FROM: "-1" });
    await expect(wirebook.card("brick 2 -1")).toContainText("done");
    const bar = page.getByRole("banner");
    const parts = [bar.getByRole("heading"), wirebook.connection, ...(await bar.getByRole("button").all())];
    for (const part of parts) await expect(part).toBeInViewport({ ratio: 1 });
    for (const name of ["Inspector", "History", "Conversation"]) {
      await show(page, name);
      await expectNothingOverflows(page);
    }
    await show(page, "Inspector");
    await wirebook.inspector.getByRole("tab", { name: "Steps" }).click();
    await wirebook.inspector.getByRole("row").last().scrollIntoViewIfNeeded();
    await expect(wirebook.inspector.getByRole("row").last()).toBeInViewport({ ratio: 0.5 });
  });
}

test("a target's longest name leaves room for all others at 320 pixels", async ({ page }) => {
  const name = "a-service-with-32-letters-in-all";
  await using service = await TestServer.listen((socket) => socket.resume());
  await using gateway = await startGateway({ options: [`--target=${name}=tcp://${service.address}`] });
  // High enough that the diagram is not folded.
  await page.setViewportSize({ width: 320, height: 900 });
  await page.goto(`http://${gateway.address}/`);
  const { commandLine, connection, inspector } = new Wirebook(page);
  await commandLine.getByRole("combobox", { name: "Target" }).selectOption(name);
  await commandLine.getByRole("button", { name: "Connect" }).click();
  await expect(connection).toHaveText(`Connected; a conversation with ${name} is open`);
  await expect(connection).toBeInViewport({ ratio: 1 });
  await show(page, "Inspector");
  const names = inspector.locator(".lanes b");
  await expect(names).toHaveText(["browser", "gateway", name]);
  const edges = await names.evaluateAll((all) => {
    return all.map((each) => each.getBoundingClientRect()).flatMap(({ left, right }) => [left, right]);
  });
  expect(edges).toEqual(edges.toSorted((one, other) => one - other));
});

test("a divider moves by keys and by a pointer, says where it stands, and is remembered", async ({
  wirebook,
  page,
}) => {
  const divider = page.getByRole("separator", { name: "Width before Inspector" });
  const width = () => wirebook.conversation.evaluate((pane) => Math.round(pane.getBoundingClientRect().width));
  const before = await width();
  await divider.focus();
  const said = Number(await divider.getAttribute("aria-valuenow"));
  await page.keyboard.press("Shift+ArrowRight");
  await expect.poll(width).toBeGreaterThan(before + 50);
  await expect.poll(async () => Number(await divider.getAttribute("aria-valuenow"))).toBeGreaterThan(said);
  await page.keyboard.press("Home");
  await expect.poll(width).toBe(300);
  await expect(divider).toHaveAttribute("aria-valuenow", (await divider.getAttribute("aria-valuemin")) ?? "");

  const { x = 0, y = 0, height = 0 } = (await divider.boundingBox()) ?? {};
  await page.mouse.move(x, y + height / 2);
  await page.mouse.down();
  await page.mouse.move(x + 90, y + height / 2, { steps: 4 });
  await page.mouse.up();
  await expect.poll(width).toBeGreaterThan(370);
  const dragged = await width();
  await page.reload();
  await expect(wirebook.follow).toHaveText("live");
  await expect.poll(width).toBe(dragged);
  await divider.dblclick();
  await expect.poll(width).toBe(before);
});

test("panes fold away, stay folded over a reload, and come back with the focus", async ({ wirebook, page }) => {
  await page.getByRole("button", { name: "Fold the history" }).click();
  await expect(wirebook.history).toBeHidden();
  await expect(page.getByRole("button", { name: "Show the history" })).toBeFocused();
  await page.getByRole("button", { name: "Fold the inspector" }).click();
  await expect(page.getByRole("separator")).toHaveCount(0);
  await expectNothingOverflows(page);
  await page.reload();
  await expect(wirebook.line).toBeVisible();
  await expect(wirebook.history).toBeHidden();
  await page.getByRole("button", { name: "Show the inspector" }).click();
  await expect(wirebook.inspector).toBeVisible();
  // Whatever leads to a pane unfolds it.
  await wirebook.conversation.getByRole("log").focus();
  await page.keyboard.press("h");
  await expect(wirebook.history).toBeFocused();
});

test.describe("with a finger", () => {
  test.use({ hasTouch: true, isMobile: true, viewport: { width: 390, height: 480 } });

  test("Send is in sight above a keyboard, and what is touched is 44 pixels high", async ({ wirebook, page }) => {
    await wirebook.send(2, { FROM: "-1" });
    await expect(wirebook.card("brick 2 -1")).toContainText("done");
    await expect(page.getByRole("button", { name: "Send", exact: true })).toBeInViewport({ ratio: 1 });
    for (const name of ["Conversation", "Inspector", "History"]) {
      await show(page, name);
      const low = await page.evaluate(() =>
        [...document.querySelectorAll<HTMLElement>("button, select, summary, textarea")]
          .filter((each) => each.checkVisibility() && each.getBoundingClientRect().height < 44)
          .map((each) => `${each.ariaLabel ?? each.textContent.trim()}: ${each.getBoundingClientRect().height}`),
      );
      expect(low, name).toEqual([]);
      await expectNothingOverflows(page);
    }
  });
});

test("forced colours keep what is selected, and how things went, in sight", async ({ wirebook, page }) => {
  await page.emulateMedia({ forcedColors: "active", reducedMotion: "reduce" });
  await wirebook.send(2, { FROM: "-1" });
  const chip = wirebook.card("brick 2 -1").locator(".chip");
  await expect(chip).toContainText("done");
  const dot = await chip.evaluate((each) => getComputedStyle(each, "::before").backgroundColor);
  const surface = await page.evaluate(() => getComputedStyle(document.body).backgroundColor);
  expect(dot).not.toBe(surface);
  const bars = await wirebook.inspector
    .locator(".pinned i, .pinned [style*=width]")
    .evaluateAll((all) => all.map((each) => getComputedStyle(each).backgroundColor));
  expect(bars.filter((colour) => colour !== surface).length).toBeGreaterThan(2);
  const selected = wirebook.inspector.getByRole("tab", { selected: true });
  const other = wirebook.inspector.getByRole("tab", { selected: false }).first();
  expect(await selected.evaluate(edgeOf)).not.toBe(await other.evaluate(edgeOf));
});

test("times are those of this machine or UTC, as one chooses", async ({ browser, gateway }) => {
  await using context = await browser.newContext({ timezoneId: "Asia/Tokyo" });
  const page = await context.newPage();
  const wirebook = await Wirebook.open(page, gateway);
  const day = wirebook.history.getByText(/^[A-Z][a-z]+day, \d+ [A-Z][a-z]+ \d{4} \(/u).first();
  await expect(day).toContainText("(GMT+9)");
  await page.getByRole("button", { name: "Settings" }).click();
  await page.getByRole("radio", { name: "UTC" }).check();
  await page.keyboard.press("Escape");
  await expect(day).toContainText("(UTC)");
  await page.reload();
  await page.getByRole("button", { name: "Settings" }).click();
  await expect(page.getByRole("radio", { name: "UTC" })).toBeChecked();
});

test("a question takes the focus and gives it back", async ({ wirebook, page }) => {
  await expect(wirebook.follow).toHaveText("live");
  const grid = wirebook.history.getByRole("grid", { name: "Lines" });
  await grid.focus();
  await page.keyboard.press("Home");
  await page.keyboard.press("Delete");
  await expect(page.getByRole("button", { name: "Cancel" })).toBeFocused();
  await page.keyboard.press("Escape");
  await expect(grid).toBeFocused();
  await page.keyboard.press("Delete");
  await page.getByRole("button", { name: "Delete line" }).click();
  await expect(grid).toBeFocused();
  await expect(wirebook.rows("deleted line 1")).toHaveCount(1);

  await wirebook.line.fill("brick 3");
  await page.keyboard.press("Enter");
  await expect(page.getByRole("button", { name: "Cancel" })).toBeFocused();
  await page.keyboard.press("Escape");
  await expect(wirebook.line).toBeFocused();
});

test("the newest answer keeps a place on a screen that is magnified", async ({ wirebook, page }) => {
  await page.setViewportSize({ width: 640, height: 400 });
  await wirebook.send(2, { FROM: "-1" });
  await expect(wirebook.card("brick 2 -1")).toContainText("done");
  const box = await page.getByRole("log", { name: "Entries" }).boundingBox();
  expect((box?.height ?? 0) >= 150, "the transcript has the height of a few lines").toBe(true);
  await expectNothingOverflows(page);
});

for (const viewport of [sizes.phone, { width: 1280, height: 720 }]) {
  test(`a word of 1,990 characters pushes nothing out of sight at ${viewport.width} by ${viewport.height}`, async ({
    wirebook,
    page,
  }) => {
    await page.setViewportSize(viewport);
    await wirebook.line.fill(`brick 2 ${"x".repeat(1990)}`);
    await expect(page.getByRole("status", { name: "Refusal" })).toContainText(`FROM is "${"x".repeat(40)}…"`);
    await expect(page.getByRole("button", { name: "Send", exact: true })).toBeInViewport({ ratio: 1 });
    await page.getByRole("button", { name: "Send anyway" }).click();
    await show(page, "Inspector");
    await expect(wirebook.inspector).toContainText("The message was refused: FROM is");
    expect(await wirebook.inspector.evaluate((box) => box.scrollWidth - box.clientWidth)).toBe(0);
    await expectNothingOverflows(page);
  });
}

test("the main job needs no mouse", async ({ page, gateway }) => {
  await page.goto(`http://${gateway.address}/`);
  const wirebook = new Wirebook(page);
  await expect(wirebook.line).toBeFocused();
  await page.keyboard.type("otter");
  await page.keyboard.press("Enter");
  await expect(wirebook.follow).toHaveText("live");
  await expect(wirebook.line).toHaveValue("otter ");
  await page.keyboard.type("2 -1");
  await page.keyboard.press("Enter");
  await expect(wirebook.card("otter 2 -1")).toContainText("done");
});

test("who types faster than the server answers loses nothing", async ({ page, gateway, server }) => {
  await page.goto(`http://${gateway.address}/`);
  const wirebook = new Wirebook(page);
  await wirebook.line.fill("brick");
  await expect(wirebook.commandLine.getByRole("button", { name: "Send" })).toBeEnabled();
  server.signal("SIGSTOP");
  await wirebook.line.press("Enter");
  await page.keyboard.type("2 -1");
  await page.keyboard.press("Enter");
  await page.keyboard.type("2 -");
  server.signal("SIGCONT");
  await expect(wirebook.card("brick 2 -1")).toContainText("done");
  await expect(wirebook.line).toHaveValue("brick 2 -");
});

for (const colorScheme of ["light", "dark"] as const) {
  test(`axe finds nothing in the settings and the help in ${colorScheme}`, async ({ page, wirebook }) => {
    await page.emulateMedia({ colorScheme, reducedMotion: "reduce" });
    await expect(wirebook.line).toBeFocused();
    for (const name of ["Settings", "Help"]) {
      const opener = page.getByRole("banner").getByRole("button", { name });
      await opener.click();
      await expect(page.getByRole("dialog", { name })).toBeVisible();
      await expectClean(page);
      await page.keyboard.press("Escape");
      await expect(opener).toBeFocused();
    }
  });
}
