import { gzipSync } from "node:zlib";
import { readFile } from "node:fs/promises";
import { expect, runClient, test, Wirebook } from "./wirebook.ts";

test("the page is drawn by at most 100 kB of scripts, gzipped", async ({ gateway, request }) => {
  const address = `http://${gateway.address}/`;
  const html = await (await request.get(address)).text();
  // Those that the document names: each other part is requested by them, while the command line is there already.
  const paths = [...html.matchAll(/(?:src|href)="([^"]+\.js)"/g)].map(([, path = ""]) => path);
  expect(paths.length).toBeGreaterThan(0);
  const scripts = await Promise.all(paths.map(async (path) => (await request.get(new URL(path, address).href)).body()));
  const sizes = scripts.map((script) => gzipSync(script, { level: 9 }).length);
  expect(sizes.reduce((sum, size) => sum + size, 0)).toBeLessThanOrEqual(100_000);
});

test("a request from the page and one from the client are seen by both", async ({ wirebook, server }) => {
  await wirebook.send(2, { FROM: "-7" });
  await expect(wirebook.card("brick 2 -7")).toContainText("done");
  await expect(wirebook.rows("brick 2 -7")).toHaveCount(1);

  const { code, stdout } = await runClient(server, "otter", "2", "-9");
  expect(code).toBe(0);
  expect(stdout).toContain('"brick 2 -7"');
  expect(stdout).toContain('"otter 2 -9"');
  await expect(wirebook.rows("otter 2 -9")).toHaveCount(1);

  await wirebook.page.reload();
  await expect(wirebook.follow).toHaveText("live");
  await expect(wirebook.rows("otter 2 -9")).toHaveCount(1);
  expect(await readFile(server.historyPath, "utf8")).toContain('"otter 2 -9"\n');
});

test("the command line offers what the server announced", async ({ wirebook, page }) => {
  const { commandLine, line } = wirebook;
  const options = commandLine.getByRole("listbox", { name: "Operations" }).getByRole("option");
  await line.press("End");
  await page.keyboard.type("r");
  await expect(options).toHaveText([
    /2\s*read the history/,
    /4\s*create a user/,
    /5\s*follow the history/,
    /6\s*read the status/,
  ]);
  await page.keyboard.type("ead");
  await expect(options).toHaveText([/2\s*read the history\s*\[FROM\] \[TO\] \[snapshot\]/, /6\s*read the status/]);
  await page.keyboard.press("Escape");
  await expect(options).toHaveCount(0);
  await page.keyboard.press("Backspace");
  await page.keyboard.press("ArrowDown");
  await page.keyboard.press("ArrowDown");
  await expect(options.nth(1)).toHaveAttribute("aria-selected", "true");
  await page.keyboard.press("ArrowUp");
  await page.keyboard.press("Enter");
  await expect(line).toHaveValue("brick 2 ");
  await expect(commandLine).toContainText("read the history: [FROM] [TO] [snapshot]");
  await page.keyboard.type("-1");
  await page.keyboard.press("Enter");
  await expect(wirebook.card("brick 2 -1")).toContainText("done");

  // Enter sends what is typed while no operation of the list is chosen.
  await page.keyboard.type("6");
  await page.keyboard.press("Enter");
  await expect(wirebook.card("brick 6")).toContainText("done");
  await page.keyboard.press("ArrowUp");
  await page.keyboard.press("ArrowUp");
  await expect(line).toHaveValue("brick 2 -1");
  await page.keyboard.press("ArrowDown");
  await page.keyboard.press("ArrowDown");
  await expect(line).toHaveValue("brick ");
});

test("a form with fields fills the line, and the line the form", async ({ wirebook }) => {
  const { commandLine, line } = wirebook;
  await commandLine.getByRole("button", { name: "Fields" }).click();
  const operation = commandLine.getByRole("combobox", { name: "Operation" });
  await expect(operation.getByRole("option")).toHaveText([
    "none: list operations",
    "1: delete line N",
    "2: read the history",
    "3: delete all",
    "4: create a user",
    "5: follow the history",
    "6: read the status",
  ]);
  await operation.selectOption("2");
  const to = commandLine.getByRole("textbox", { name: "TO", exact: true });
  // Arguments are told apart by their order alone, so FROM comes first.
  await expect(to).toBeDisabled();
  await commandLine.getByRole("textbox", { name: "FROM", exact: true }).fill("-10");
  await to.fill("5");
  await commandLine.getByRole("checkbox", { name: "snapshot" }).check();
  await expect(line).toHaveValue("brick 2 -10 5 snapshot");
  await line.fill("otter 2 -3 -1");
  await expect(commandLine.getByRole("textbox", { name: "User" })).toHaveValue("otter");
  await expect(to).toHaveValue("-1");
  await expect(commandLine.getByRole("checkbox", { name: "snapshot" })).not.toBeChecked();
});

test("the command line shows the exact bytes, and says what the server would refuse", async ({ wirebook }) => {
  const { commandLine, line } = wirebook;
  await commandLine.getByRole("button", { name: "Bytes" }).click();
  await line.fill("brick 2 -10");
  const bytes = commandLine.getByRole("group", { name: "Bytes to send" });
  await expect(bytes).toContainText("627269636b203220");
  await expect(bytes).toContainText("12 bytes");

  await line.fill("brick 2 0");
  await expect(commandLine.getByRole("status", { name: "Refusal" })).toHaveText(
    "FROM is 0, and the first line is 1; type a number from 1.",
  );
  await expect(commandLine.getByRole("button", { name: "Send", exact: true })).toBeDisabled();
  await commandLine.getByRole("button", { name: "Send anyway" }).click();
  await expect(wirebook.card("brick 2 0")).toContainText("Error: FROM is 0, and the first line is 1");
});

test("a name as long as a message stays within the command line", async ({ wirebook }) => {
  await wirebook.line.fill("y".repeat(5000));
  const [button, form] = await Promise.all([
    wirebook.commandLine.getByRole("button", { name: "Identity" }).boundingBox(),
    wirebook.commandLine.boundingBox(),
  ]);
  expect(button?.width).toBeLessThanOrEqual(form?.width ?? 0);
});

test("what opens above the line leaves Send in sight on a screen of 480 pixels", async ({ wirebook, page }) => {
  await page.setViewportSize({ width: 800, height: 480 });
  const send = wirebook.commandLine.getByRole("button", { name: "Send", exact: true });
  await wirebook.line.fill(`brick 1 ${"x".repeat(1990)}`);
  for (const name of ["Identity", "Fields", "Bytes"]) {
    await wirebook.commandLine.getByRole("button", { name }).click();
    await expect(wirebook.commandLine.locator(".above").first()).toBeVisible();
    await expect(send).toBeInViewport({ ratio: 1 });
    await expect(wirebook.line).toBeInViewport({ ratio: 1 });
  }
});

test("a first visit is three clicks from a line, a fault and the lessons", async ({ page, gateway }) => {
  const wirebook = new Wirebook(page);
  await page.goto(`http://${gateway.address}/`);
  await expect(wirebook.line).toBeFocused();
  await expect(page.getByRole("button", { name: "Learn how it works" })).toBeVisible();
  await page.getByRole("button", { name: "Cut a message in two" }).click();
  const lab = page.getByRole("form", { name: "Fault lab" });
  await expect(lab.getByLabel("Message")).toHaveValue("brick 2 -3");
  await expect(lab.getByRole("button", { name: "Split" })).toHaveAttribute("aria-pressed", "true");
  await expect(wirebook.conversation.getByRole("article")).toHaveCount(0);
  await page.getByRole("button", { name: "Send your first line" }).click();
  await expect(wirebook.commandLine.getByRole("button", { name: "Send" })).toBeFocused();
  await page.keyboard.press("Enter");
  await expect(wirebook.card("brick")).toContainText("done");
  await expect(wirebook.follow).toHaveText("live");
});

test("each operation is sent from the page", async ({ wirebook, page, server }) => {
  await wirebook.send(undefined);
  await expect(wirebook.card("brick")).toContainText("done");
  // There is no response, so the header is open; it closes and opens again.
  const headerLine = wirebook.card("brick").getByText("start the server with --link URL");
  await expect(headerLine).toBeVisible();
  await wirebook.card("brick").getByText("link and 6 operations").click();
  await expect(headerLine).toBeHidden();
  await wirebook.card("brick").getByText("link and 6 operations").click();
  await expect(headerLine).toBeVisible();

  await wirebook.send(1, { N: "1" });
  await expect(wirebook.card("brick 1 1")).toContainText("Deleted line 1.");
  await expect(wirebook.rows("deleted line 1")).toHaveCount(1);

  await wirebook.send(2, { FROM: "-2" });
  await expect(wirebook.card("brick 2 -2")).toContainText("deleted line 1");

  await wirebook.send(5, { FROM: "-1" });
  await expect(wirebook.card("brick 5 -1")).toContainText("receiving");
  await runClient(server, "otter");
  await expect(wirebook.card("brick 5 -1")).toContainText('"otter"');
  await wirebook.card("brick 5 -1").getByRole("button", { name: "Cancel" }).click();
  await expect(wirebook.card("brick 5 -1")).toContainText("cancelled");

  await wirebook.send(4, { NAME: "ada" });
  await expect(wirebook.card("brick 4 ada")).toContainText("ada~");
  await expect(wirebook.rows("created user ada")).toHaveCount(1);
  // From now on the page speaks in the name that it was given.
  await expect(wirebook.line).toHaveValue("ada ");
  await wirebook.send(6);
  await expect(wirebook.conversation.getByRole("article", { name: /^ada~\*+ 6$/ })).toContainText("engine: file");

  await wirebook.send(3);
  await page.getByRole("button", { name: "Cancel", exact: true }).click();
  await wirebook.send(3);
  await page.getByRole("button", { name: "Delete all lines" }).click();
  await expect(wirebook.conversation.getByRole("article", { name: /^ada~\*+ 3$/ })).toContainText("Deleted all.");
  await expect(wirebook.history.getByRole("row")).toHaveCount(1);
  await expect(wirebook.rows("deleted all")).toHaveCount(1);
});

test("a line is deleted, and no other line", async ({ wirebook, server }) => {
  await runClient(server, "otter", "2");
  const row = wirebook.rows("otter 2");
  await row.click();
  await wirebook.history.getByRole("button", { name: "Delete…" }).click();
  await wirebook.page.getByRole("dialog").getByRole("button", { name: "Delete line" }).click();
  await expect(wirebook.rows("otter 2")).toHaveCount(0);
  await expect(wirebook.rows(/brick\s+deleted line/)).toHaveCount(1);

  await wirebook.page.reload();
  await expect(wirebook.follow).toHaveText("live");
  await expect(wirebook.rows("otter 2")).toHaveCount(0);

  await wirebook.send(1, { N: "1", TIME: "2020-01-01T00:00:00.000000Z" });
  await expect(wirebook.card("brick 1 1 2020-01-01T00:00:00.000000Z")).toContainText("refused");
});

test("two pages see each other's lines at once", async ({ wirebook, gateway, browser }) => {
  await using context = await browser.newContext();
  const other = await Wirebook.open(await context.newPage(), gateway, "otter");
  await other.send(2, { FROM: "-1" });
  await expect(wirebook.rows("otter 2 -1")).toHaveCount(1);
  await wirebook.send(2, { FROM: "-1" });
  await expect(other.rows("brick 2 -1")).toHaveCount(1);
});
