import { open, readFile, writeFile } from "node:fs/promises";
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

  await test.step("a press right after a scroll opens the row that is seen there", async () => {
    const pressed = await wirebook.grid.evaluate((box) => {
      // One row further, and pressed before the browser tells of the scroll.
      const rows = [...box.querySelectorAll<HTMLElement>("[role=row]")];
      box.scrollTop += rows[0]?.offsetHeight ?? 0;
      const { top, height } = box.getBoundingClientRect();
      const clientY = top + height / 2;
      const row = rows.find((each) => each.getBoundingClientRect().bottom > clientY);
      for (const type of ["pointerdown", "pointerup", "click"]) {
        row?.dispatchEvent(new PointerEvent(type, { bubbles: true, clientY }));
      }
      return /2 (500\d{3})/.exec(row?.textContent ?? "")?.[1];
    });
    const detail = wirebook.history.getByRole("complementary", { name: "The whole line" });
    await expect(detail).toContainText(`2 ${pressed}"`);
    await detail.getByRole("button", { name: "Close" }).click();
  });

  await test.step("a line is deleted from its row while others delete above", async () => {
    const row = wirebook.rows(`2 ${seen}`);
    await row.click();
    await wirebook.grid.focus();
    await page.keyboard.press("Delete");
    // What cannot be undone begins with Cancel.
    await page.keyboard.press("Tab");
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

test("lines that come while the gateway is away are neither lost nor doubled", async ({
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

  const lines = (await readFile(server.historyPath, "utf8")).trimEnd().split("\n");
  const rows = await wirebook.readRows();
  expect(rows.size).toBe(lines.length);
  lines.forEach((line, index) => expect(rows.get(index + 1)).toContain(line.slice(11, 23)));
});

test("a filter searches everything by itself, and is in the address", async ({ page }, testInfo) => {
  const historyPath = testInfo.outputPath("history.txt");
  await writeHistory(historyPath, 120_000);
  await using server = await startServer({ historyPath });
  await using gateway = await startGateway({ server: server.address });
  const wirebook = await Wirebook.open(page, gateway);
  const filter = wirebook.history.getByRole("searchbox", { name: "Filter" });

  await filter.fill('"2 77"');
  await expect(searched(wirebook)).toHaveText(/^\s*1,111\s+of 120,0\d\d lines/);
  await expect(wirebook.rows("2 77999")).toHaveCount(1);
  await expectClean(page, "#history");

  await test.step("a filter that makes no sense says why, and changes nothing", async () => {
    await filter.fill('"2 77" since:noon');
    await expect(wirebook.history).toContainText("Invalid time “noon”");
    await expect(wirebook.rows("2 77999")).toHaveCount(1);
    await expectClean(page, "#history");
  });

  const since = timeOf(119_990).slice(0, 19);
  await filter.fill(`user:otter since:${since}Z -119992`);
  await expect(wirebook.rows(/otter 2 1199\d\d/)).toHaveCount(2);
  await expect(page).toHaveURL(/119992$/);

  await test.step("whoever opens the address sees the same lines", async () => {
    await page.reload();
    await wirebook.begin("brick");
    await expect(filter).toHaveValue(`user:otter since:${since}Z -119992`);
    await expect(wirebook.rows(/otter 2 1199\d\d/)).toHaveCount(2);
  });

  await test.step("a number or a time leads to a line", async () => {
    await filter.fill(":50000");
    await filter.press("Enter");
    await expect(wirebook.rows("2 50000")).toHaveAttribute("aria-selected", "true");
    await filter.fill(`@${timeOf(70_000).slice(0, 19)}Z`);
    await filter.press("Enter");
    await expect(wirebook.rows("2 70000")).toHaveAttribute("aria-selected", "true");
  });
});

test("days part the lines, and the requests of the page itself fold into one row", async ({ page }, testInfo) => {
  const historyPath = testInfo.outputPath("history.txt");
  const dayUs = 86_400_000_000;
  const lines = Array.from({ length: 9 }, (_, n) =>
    encodeRequestEntry(encodeTime(startUs + Math.floor(n / 3) * dayUs + n), "127.0.0.1", `otter 2 ${n}`, false),
  );
  await writeFile(historyPath, lines.map((line) => `${line}\n`).join(""));
  await using server = await startServer({ historyPath });
  await using gateway = await startGateway({ server: server.address });
  const preferences = JSON.stringify({ theme: "system", density: "normal", zone: "utc", hasSingleKeys: true });
  await page.addInitScript((kept) => localStorage.setItem("wirebook.preferences", kept), preferences);
  const wirebook = await Wirebook.open(page, gateway);
  await expect(wirebook.rows("Saturday, 21 November 2026 (UTC)")).toHaveCount(1);
  await expect(wirebook.rows("Sunday, 22 November 2026 (UTC)")).toHaveCount(1);
  await expect(wirebook.history.getByText("Friday, 20 November 2026 (UTC)")).toBeVisible();

  const folded = wirebook.rows("2 background requests");
  await expect(folded).toHaveCount(1);
  await expect(wirebook.rows("brick 5")).toHaveCount(0);
  await expectClean(page, "#history");
  await folded.click();
  await expect(wirebook.rows("brick 5")).toHaveCount(1);
  await expect(folded).toHaveCount(0);
  await wirebook.backgroundRequests.uncheck();
  await expect(folded).toHaveCount(1);
  await wirebook.backgroundRequests.check();
  await expect(wirebook.rows("brick 5")).toHaveCount(1);

  await test.step("the line of an exchange opens it", async () => {
    await wirebook.type("brick 6");
    await wirebook.rows("brick 6").click();
    await wirebook.history.getByRole("button", { name: "Open exchange" }).click();
    await expect(wirebook.inspector).toContainText("brick 6");
  });
});

test("a message of spaces is a row that shows them", async ({ wirebook, server }) => {
  await expect(wirebook.follow).toHaveText("live");
  await runClient(server, "   ");
  await expect(wirebook.rows(/\d\s+" {3}"/)).toHaveCount(1);
});
