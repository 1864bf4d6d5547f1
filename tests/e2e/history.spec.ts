import { open, readFile } from "node:fs/promises";
import { encodeRequestEntry, encodeTime } from "@wirebook/protocol";
import { startGateway, startServer } from "../../test-support/programs.ts";
import { expectClean } from "./clean.ts";
import { expect, runClient, test, Wirebook } from "./wirebook.ts";

const startUs = Date.parse("2026-11-20T00:00:00Z") * 1000;
const users = ["brick", "otter", "heron"];
const timeOf = (n: number): string => encodeTime(startUs + n * 200_000);
const lineOf = (n: number): string => encodeRequestEntry(timeOf(n), "127.0.0.1", `${users[n % 3]} 2 ${n}`, false);

/** A history as a server might have left it. */
async function writeHistory(path: string, lines: number): Promise<void> {
  await using file = await open(path, "w");
  for (let from = 1; from <= lines; from += 50_000) {
    const block = Array.from({ length: Math.min(50_000, lines - from + 1) }, (_, index) => `${lineOf(from + index)}\n`);
    await file.write(block.join(""));
  }
}

const searched = (wirebook: Wirebook) => wirebook.history.getByRole("status", { name: "Searched" }).first();

test("a million lines scroll, and stay right while somebody deletes above", async ({ page }, testInfo) => {
  const historyPath = testInfo.outputPath("history.txt");
  await writeHistory(historyPath, 1_000_000);
  await using server = await startServer({ historyPath });
  await using gateway = await startGateway({ server: server.address });
  const wirebook = await Wirebook.open(page, gateway);
  await expect(wirebook.follow).toHaveText("live");
  await expect(wirebook.rows("2 1000000")).toHaveCount(1);

  await test.step("the scrollbar leads to the middle", async () => {
    await wirebook.grid.evaluate((box) => box.scrollTo({ top: (box.scrollHeight - box.clientHeight) / 2 }));
    await expect(wirebook.rows(/^\s*500\d{3}\s.*2 500\d{3}/)).not.toHaveCount(0);
  });

  let seen = 0;
  await test.step("what is looked at stays in its place when a line above is deleted", async () => {
    const row = wirebook.rows(/2 500\d{3}/).nth(12);
    const shown = await row.innerText();
    const [position = 0] = shown.match(/\d+/)?.map(Number) ?? [];
    const words = /2 500\d{3}/.exec(shown)?.[0] ?? "";
    seen = Number(words.slice(2));
    const before = await row.boundingBox();
    await runClient(server, "otter", "1", "5");
    await expect(wirebook.rows(new RegExp(`^\\s*${position - 1}\\s.*${words}`))).toHaveCount(1);
    const after = await wirebook.rows(words).first().boundingBox();
    expect(Math.abs((after?.y ?? 0) - (before?.y ?? 0))).toBeLessThan(2);
    await expect(wirebook.history.getByRole("button", { name: /new lines? ↓$/ })).toBeVisible();
  });

  await test.step("a line is deleted from its row while others delete above", async () => {
    const row = wirebook.rows(`2 ${seen}`);
    await row.click();
    await wirebook.grid.focus();
    await page.keyboard.press("Delete");
    await Promise.all([
      page.keyboard.press("Enter"),
      runClient(server, "otter", "1", "1"),
      runClient(server, "heron", "1", "1"),
    ]);
    await expect(row).toHaveCount(0);
    await expect(wirebook.rows(`2 ${seen + 1}`)).toHaveCount(1);
    const text = await readFile(historyPath, "utf8");
    expect([seen - 1, seen, seen + 1].map((n) => text.includes(`${lineOf(n)}\n`))).toEqual([true, false, true]);
  });

  await test.step("both ends are a key away", async () => {
    await wirebook.grid.focus();
    await page.keyboard.press("Home");
    await expect(wirebook.rows("2 3")).not.toHaveCount(0);
    await page.keyboard.press("End");
    await expect(wirebook.rows(/deleted line/)).not.toHaveCount(0);
    await expect(wirebook.history.getByRole("button", { name: /↓$/ })).toHaveCount(0);
  });
});

test("lines that come while the gateway is away are neither lost nor doubled, and marked", async ({
  wirebook,
  gateway,
  server,
  page,
}) => {
  await expect(wirebook.follow).toHaveText("live");
  for (let n = 0; n < 3; n++) await runClient(server, "otter", "2", String(-1 - n));
  await gateway.kill("SIGKILL");
  await expect(page.getByRole("region", { name: "Reconnecting" })).toBeVisible();
  for (let n = 0; n < 4; n++) await runClient(server, "heron", "2", String(-1 - n));
  await runClient(server, "heron", "1", "2");
  await gateway.restart();
  await expect(wirebook.follow).toHaveText("live");
  await runClient(server, "vole", "2", "-1");
  await expect(wirebook.rows("vole 2 -1")).toHaveCount(1);
  await expect(wirebook.history.getByText(/lines came while disconnected/)).toHaveCount(1);

  const lines = (await readFile(server.historyPath, "utf8")).trimEnd().split("\n");
  const rows = await wirebook.readRows();
  expect(rows.size).toBe(lines.length);
  lines.forEach((line, index) => expect(rows.get(index + 1)).toContain(line.slice(11, 23)));
});

test("a filter says how far it has searched, and searches all", async ({ page }, testInfo) => {
  const historyPath = testInfo.outputPath("history.txt");
  await writeHistory(historyPath, 120_000);
  await using server = await startServer({ historyPath });
  await using gateway = await startGateway({ server: server.address });
  const wirebook = await Wirebook.open(page, gateway);
  await expect(wirebook.rows("2 120000")).toHaveCount(1);

  await wirebook.history.getByRole("searchbox", { name: "Filter" }).fill("2 77");
  await expect(searched(wirebook)).toContainText(
    /0 of the newest 1,0\d\d of 120,0\d\d lines\s+match:\s+containing “2 77”/,
  );
  await expect(wirebook.history).toContainText("No matches");
  await expectClean(page, "#history");
  await wirebook.history.getByRole("button", { name: /^Search all/ }).click();
  await expect(searched(wirebook)).toContainText(/1,111\s+of\s+all 120,0\d\d lines\s+match/);
  await expect(wirebook.rows("2 77999")).toHaveCount(1);

  await wirebook.history.getByRole("button", { name: "User, operation, time" }).click();
  await wirebook.history.getByRole("textbox", { name: "Filter by user" }).fill("otter");
  await wirebook.history.getByRole("textbox", { name: "Filter since" }).fill("noon");
  await expect(wirebook.history).toContainText("Invalid time “noon”");
  await expectClean(page, "#history");
  await wirebook.history.getByRole("textbox", { name: "Filter since" }).fill(timeOf(119_990).slice(0, 19));
  await expect(searched(wirebook)).toContainText("by otter, since 2026-11-20T06:39:58");
  await wirebook.history.getByRole("button", { name: "Show all lines" }).click();
  await expect(wirebook.rows("2 120000")).toHaveCount(1);
});

test("a range of time is selected in the plot, with the keyboard", async ({ page }, testInfo) => {
  const historyPath = testInfo.outputPath("history.txt");
  await writeHistory(historyPath, 20_000);
  await using server = await startServer({ historyPath });
  await using gateway = await startGateway({ server: server.address });
  const wirebook = await Wirebook.open(page, gateway);
  await expect(wirebook.rows("2 20000")).toHaveCount(1);

  await wirebook.history.getByRole("button", { name: "Plot" }).click();
  const plot = wirebook.history.getByRole("region", { name: "Lines over time" });
  await expect(plot.getByRole("list", { name: "Series" })).toContainText("heron");
  await wirebook.history.getByRole("button", { name: /^Count all/ }).click();
  await expect(searched(wirebook)).toContainText(/Counted:\s+all 20,0\d\d lines/);

  const slider = plot.getByRole("slider");
  await slider.focus();
  await page.keyboard.press("Home");
  await page.keyboard.press("Home");
  await expect(slider).toHaveAttribute("aria-valuetext", /^2026-11-20 00:00:00 to .*: [\d,]+ lines, /);
  await page.keyboard.press("Shift+ArrowRight");
  await page.keyboard.press("Enter");
  await expect(wirebook.history.getByRole("status", { name: "Searched" }).last()).toContainText(
    /match:\s+since 2026-11-20T00:00:00, until 2026-11-20T/,
  );
  await wirebook.grid.focus();
  await page.keyboard.press("Home");
  await expect(wirebook.rows(/2 1\b/)).toHaveAttribute("aria-selected", "true");
  await plot.getByText("As a table").click();
  await expect(plot.getByRole("table")).toContainText("2026-11-20 00:00:00");
  await expectClean(page, "#history");
});

test("the address of a line leads to it, or says that it is gone", async ({ page }, testInfo) => {
  const historyPath = testInfo.outputPath("history.txt");
  await writeHistory(historyPath, 100_000);
  await using server = await startServer({ historyPath });
  await using gateway = await startGateway({ server: server.address });
  await page.goto(`http://${gateway.address}/#line=${timeOf(34_567)}`);
  const wirebook = new Wirebook(page);
  await expect(wirebook.history).toContainText("Type a username and select Connect to read it.");
  await expectClean(page, "#history");
  await wirebook.begin("brick");
  await expect(wirebook.rows("2 34567")).toHaveAttribute("aria-selected", "true");

  await runClient(server, "otter", "1", "40000");
  await page.evaluate((time) => (location.hash = `line=${time}`), timeOf(40_000));
  await expect(wirebook.history).toContainText(`The line of ${timeOf(40_000)} is gone.`);
  await expect(wirebook.rows("2 40001")).toHaveAttribute("aria-selected", "true");
  await expectClean(page, "#history");

  await wirebook.rows("2 40002").getByRole("button").first().click();
  await wirebook.history.getByRole("button", { name: "Copy link" }).click();
  await expect(page).toHaveURL(new RegExp(`#line=${timeOf(40_002)}$`));
});

test("a message of spaces is a row that shows them", async ({ wirebook, server }) => {
  await expect(wirebook.follow).toHaveText("live");
  await runClient(server, "   ");
  await expect(wirebook.rows(/127\.0\.0\.1\s+" {3}"/)).toHaveCount(1);
});
