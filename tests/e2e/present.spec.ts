/** Presenting: one browser shows what it sends, and others who hold the link see it as it happens. */

import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Browser, BrowserContext, Locator, Page } from "@playwright/test";
import { startGateway } from "../../test-support/programs.ts";
import { TestServer } from "../../test-support/tcp-client.ts";
import { password, writePeople } from "../faults/people/people-fixture.ts";
import { expect, test, watch, Wirebook } from "./wirebook.ts";

/** A browser of its own at a presentation's link. A page that reports an error fails the test. */
class Viewer implements AsyncDisposable {
  readonly page: Page;
  readonly bar: Locator;
  readonly rows: Locator;
  readonly inspector: Locator;
  readonly #context: BrowserContext;
  readonly #problems: string[];

  private constructor(context: BrowserContext, page: Page) {
    this.#context = context;
    this.page = page;
    this.#problems = watch(page);
    this.bar = page.getByRole("region", { name: "Presentation" });
    this.rows = page.getByRole("region", { name: "Traffic" }).getByRole("listitem");
    this.inspector = page.getByRole("region", { name: "Inspector" });
  }

  static async open(browser: Browser, link: string): Promise<Viewer> {
    const context = await browser.newContext();
    const viewer = new Viewer(context, await context.newPage());
    await viewer.page.goto(link);
    return viewer;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#context.close();
    expect(this.#problems, "the viewer's page reported problems").toEqual([]);
  }
}

/** Starts to present, and gives the link. */
async function present(page: Page): Promise<string> {
  await page.getByRole("button", { name: "Present…" }).click();
  const dialog = page.getByRole("dialog", { name: "Present" });
  await dialog.getByRole("button", { name: "Start presenting" }).click();
  const link = await dialog.getByLabel("Link for viewers").inputValue();
  await page.keyboard.press("Escape");
  return link;
}

test("viewers see live what the presenter sends and selects, and later ones what was before", async ({
  page,
  browser,
  wirebook,
  gateway,
}) => {
  await wirebook.send(2, { FROM: "-1" });
  await expect(wirebook.card("brick 2 -1")).toContainText("done");
  const link = await present(page);
  expect(link).toMatch(new RegExp(`^http://${gateway.address}/guest#watch=[\\w-]{22}$`, "u"));

  await using viewer = await Viewer.open(browser, link);
  await expect(viewer.bar).toContainText("You are watching a presentation.");
  await expect(viewer.rows.filter({ hasText: "brick 2 -1" })).toHaveCount(1);
  await expect(page.getByRole("button", { name: "Presenting to 1" })).toBeVisible();

  await wirebook.type("brick 2 -2");
  await expect(viewer.rows.first()).toContainText("brick 2 -2");
  await expect(viewer.inspector.locator("header code")).toHaveText("brick 2 -2");
  await wirebook
    .card("brick 2 -1")
    .getByRole("button", { name: /brick 2 -1/ })
    .first()
    .click();
  await expect(viewer.inspector.locator("header code")).toHaveText("brick 2 -1");
  await viewer.inspector.getByRole("tab", { name: "Stream" }).click();
  await expect(viewer.inspector).toContainText('"brick 2 -1"');
  await viewer.inspector.getByRole("tab", { name: "Scenario" }).click();
  await viewer.inspector.getByRole("button", { name: "From selected" }).click();
  await expect(viewer.inspector.getByRole("textbox", { name: "Scenario" })).toHaveValue(/^eol: LF\nconnect wirebook\n/);
  await expect(viewer.inspector.getByRole("button", { name: "Play" })).toHaveCount(0);

  // Who looks around is not pulled away, until they want to be.
  await viewer.rows.first().getByRole("button").click();
  await expect(viewer.bar.getByRole("checkbox")).not.toBeChecked();
  await expect(viewer.inspector.locator("header code")).toHaveText("brick 2 -2");
  await viewer.bar.getByRole("checkbox").check();
  await expect(viewer.inspector.locator("header code")).toHaveText("brick 2 -1");

  await using late = await Viewer.open(browser, link);
  await expect(late.rows).toHaveCount(await viewer.rows.count());
  await expect(late.inspector.locator("header code")).toHaveText("brick 2 -1");
  await expect(page.getByRole("button", { name: "Presenting to 2" })).toBeVisible();
});

test("a viewer has nothing to send with, and saves what is shown and loads it", async ({ page, browser, wirebook }) => {
  await wirebook.send(2, { FROM: "-1" });
  await using viewer = await Viewer.open(browser, await present(page));
  await expect(viewer.rows.filter({ hasText: "brick 2 -1" })).toHaveCount(1);
  await expect(viewer.page.getByRole("form", { name: "Command line" })).toHaveCount(0);
  await expect(viewer.page.getByRole("region", { name: "History" })).toBeHidden();
  await expect(viewer.inspector.getByRole("tab", { name: "Fault lab" })).toHaveCount(0);

  await viewer.page.getByRole("button", { name: "Export & share…" }).click();
  const dialog = viewer.page.getByRole("dialog", { name: "Export & share" });
  await dialog.getByRole("button", { name: /of the traffic$/ }).click();
  const [download] = await Promise.all([
    viewer.page.waitForEvent("download"),
    dialog.getByRole("button", { name: "NDJSON, to load again" }).click(),
  ]);
  const path = await download.path();
  expect(await readFile(path, "utf8")).toContain("brick 2 -1");
  await dialog.getByLabel("Session file").setInputFiles(path);
  await expect(dialog.getByRole("status")).toContainText("Loaded");
  await expect(viewer.bar).toContainText("You are watching a presentation.");
});

test("what is hidden before is shown as dots; what was seen is said to be seen", async ({ page, browser, server }) => {
  await using target = await TestServer.listen((socket) => {
    socket.write("password?\r\n");
    socket.on("data", (bytes) => void socket.write(bytes));
  });
  const options = ["--target", `safe=tcp://${target.address}`];
  await using gateway = await startGateway({ server: server.address, options });
  const wirebook = new Wirebook(page);
  await page.goto(`http://${gateway.address}/`);
  await wirebook.commandLine.getByRole("combobox", { name: "Target" }).selectOption("safe");
  await wirebook.commandLine.getByRole("button", { name: "Connect" }).click();
  const entry = wirebook.conversation.getByRole("article");
  await expect(entry).toContainText("password?");
  await wirebook.type("hunter2");
  await expect(entry.getByText("hunter2")).toHaveCount(2);
  await entry.getByRole("button", { name: "More" }).click();
  await page.getByRole("menuitem", { name: "Hide single lines" }).click();
  const buttons = entry.getByRole("button", { name: "Hide when presenting" });
  await buttons.nth(2).click();
  await buttons.nth(1).click();
  await expect(entry.getByRole("button", { name: "Hidden when presenting" })).toHaveCount(2);

  await using viewer = await Viewer.open(browser, await present(page));
  await viewer.rows.first().getByRole("button").click();
  await viewer.inspector.getByRole("tab", { name: "Stream" }).click();
  await expect(viewer.inspector).toContainText("password?");
  await expect(viewer.inspector).toContainText(".......");
  await expect(viewer.inspector).not.toContainText("hunter2");

  await wirebook.type("more");
  await expect(viewer.inspector).toContainText("more");
  await entry.getByRole("button", { name: "Hide when presenting" }).last().click();
  const notice = page.getByRole("region", { name: "Presentation" });
  await expect(notice).toContainText("Viewers may have seen this");
});

test("a presentation goes on after a reload, and ends for all when the presenter ends it", async ({
  page,
  browser,
  wirebook,
}) => {
  const link = await present(page);
  await using viewer = await Viewer.open(browser, link);
  await expect(viewer.rows).toHaveCount(1);
  const address = page.url();
  await page.goto("about:blank");
  await expect(viewer.bar).toContainText("The presenter is away.");
  await page.goto(address);
  await expect(page.getByRole("button", { name: "Presenting to 1" })).toBeVisible();
  await expect(viewer.bar).not.toContainText("away");
  await wirebook.begin("brick 2 -3");
  await expect(viewer.rows.first()).toContainText("brick 2 -3");
  await expect(viewer.rows).toHaveCount(2);

  await page.getByRole("button", { name: "Presenting to 1" }).click();
  const dialog = page.getByRole("dialog", { name: "Present" });
  await expect(dialog.getByRole("status", { name: "Viewers" })).toHaveText("1 viewer");
  await dialog.getByRole("button", { name: "End presenting" }).click();
  await expect(viewer.bar).toContainText("The presentation has ended.");
  await expect(viewer.rows).toHaveCount(2);
  await expect(viewer.page.getByRole("region", { name: "Reconnecting" })).toHaveCount(0);

  await using late = await Viewer.open(browser, link);
  await expect(late.bar).toContainText("This presentation has ended, or the link is not complete.");
  await using wrong = await Viewer.open(browser, link.slice(0, -1));
  await expect(wrong.bar).toContainText("This link is not complete.");
});

test("a link needs no login, and shows its presentation alone", async ({ page, browser, server }) => {
  const folder = await mkdtemp(join(tmpdir(), "wirebook-present-"));
  const options = [
    "--auth",
    `basic:${await writePeople(folder, ["ada"])}`,
    "--role",
    "ada=user",
    "--listen=0=wirebook",
  ];
  await using gateway = await startGateway({ server: server.address, options });
  await page.goto(`http://${gateway.address}/`);
  await page.getByRole("textbox", { name: "Name" }).fill("ada");
  await page.getByRole("textbox", { name: "Password" }).fill(password);
  await page.keyboard.press("Enter");
  const wirebook = new Wirebook(page);
  await wirebook.begin("brick 2 -4");
  await using viewer = await Viewer.open(browser, await present(page));
  await expect(viewer.rows).toHaveText([/brick 2 -4/]);
  await expect(viewer.page.getByText("5007")).toHaveCount(0);
  await expect(viewer.page.getByRole("region", { name: "History" })).toBeHidden();
  await viewer.page.goto(`http://${gateway.address}/`);
  await expect(viewer.page.getByRole("heading", { name: "Log in to Wirebook" })).toBeVisible();
  await rm(folder, { recursive: true });
});
