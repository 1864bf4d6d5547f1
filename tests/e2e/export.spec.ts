import { readFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Download, Page } from "@playwright/test";
import { follow, hasTshark } from "../../libs/capture/test/tshark.ts";
import { expect, test } from "./wirebook.ts";

async function openDialog(page: Page) {
  await page.getByRole("button", { name: "Export & share…" }).click();
  return page.getByRole("dialog", { name: "Export & share" });
}

async function saved(page: Page, button: string): Promise<Download> {
  const [download] = await Promise.all([
    page.waitForEvent("download"),
    page.getByRole("button", { name: button }).click(),
  ]);
  return download;
}

test("an exchange is copied as a command, without its key", async ({ page, wirebook, context, server }) => {
  await context.grantPermissions(["clipboard-read", "clipboard-write"]);
  await wirebook.type("brick~s3cret 2");
  await expect(wirebook.conversation.getByRole("article").last()).toContainText("brick~");
  const dialog = await openDialog(page);
  await dialog.getByRole("button", { name: "Copy", exact: true }).click();
  await expect(dialog.getByRole("status")).toHaveText("Copied the command.");
  const copied = await page.evaluate(() => navigator.clipboard.readText());
  expect(copied).toBe(`printf 'brick~****** 2\\n' | nc 127.0.0.1 ${server.port}`);
  await expect(dialog).toContainText("Your key is not included.");
});

test("a session is saved, and looked at again in a page whose server is gone", async ({ page, wirebook, server }) => {
  await wirebook.send(2, { FROM: "-1" });
  await expect(wirebook.card("brick 2 -1")).toContainText("done");
  await openDialog(page);
  const packets = await saved(page, "pcapng, for Wireshark");
  expect(packets.suggestedFilename()).toMatch(/\.pcapng$/);
  await page.getByRole("button", { name: /^All \d+ exchanges$/ }).click();
  const download = await saved(page, "NDJSON, to load again");
  const path = join(tmpdir(), `wirebook-${process.pid}-${download.suggestedFilename()}`);
  await download.saveAs(path);
  if (hasTshark) {
    const file = `${path}.pcapng`;
    await packets.saveAs(file);
    const { client, server: answered } = await follow(file);
    expect(client.toString()).toBe("brick 2 -1\n");
    expect(answered.toString()).toMatch(/"brick 2 -1"\n$/);
  }

  await page.reload();
  await server.kill();
  const dialog = await openDialog(page);
  await dialog.getByLabel("Session file").setInputFiles(path);
  await expect(dialog.getByRole("status")).toHaveText(/^Loaded \d+ exchanges?\.$/);
  await dialog.getByRole("button", { name: "Close" }).click();
  const card = wirebook.card("brick 2 -1");
  await expect(card).toContainText("loaded from wirebook-");
  await card.getByRole("button").first().click();
  await expect(wirebook.inspector).toContainText(/Loaded from wirebook-.*\.ndjson\. It happened on/);
  await wirebook.openTab(/^Steps/);
  await expect(wirebook.inspector.getByRole("table", { name: "Steps" })).toContainText("FIN");
});

test("a broken file is told line by line, and what is whole in it is shown", async ({ page, wirebook }) => {
  await wirebook.send(2, { FROM: "-1" });
  await expect(wirebook.card("brick 2 -1")).toContainText("done");
  const dialog = await openDialog(page);
  const download = await saved(page, "NDJSON, to load again");
  const text = await readFile(await download.path(), "utf8");
  const buffer = Buffer.from(`${text}{"type":"exchange","version":1`);
  const file = { name: "broken.ndjson", mimeType: "application/x-ndjson", buffer };
  await dialog.getByLabel("Session file").setInputFiles(file);
  await expect(dialog.getByRole("status")).toHaveText("Loaded 1 exchange.");
  await expect(dialog.getByRole("list", { name: "Problems" })).toHaveText(
    "broken.ndjson: line 3 is not JSON; was the file cut off or edited?",
  );
  await dialog.getByRole("button", { name: "Close" }).click();
  await expect(wirebook.card("brick 2 -1")).toContainText("loaded from broken.ndjson");
});

test("a conversation that was open when it was saved says so, and its head is whole in a narrow window", async ({
  page,
  wirebook,
}) => {
  await page.setViewportSize({ width: 820, height: 700 });
  const target = "a-very-long-name-of-a-mail-host";
  const opening = JSON.stringify({ type: "connect", id: 1, target, bytes: "", end: false });
  const stream = {
    type: "stream",
    version: 2,
    startedAt: "2026-11-29T12:00:00.000000Z",
    target,
    transport: "tcp",
    address: "mail.example:25",
    message: "",
    by: "user",
    steps: { received: 1, connecting: 2, established: 3, firstByte: 4 },
    events: Array.from({ length: 1200 }, (_, at) => ({ at: 4 + at, from: "target", count: 1, bytes: "Lg==" })),
    frames: [{ at: 0, direction: "sent", name: "connect", text: opening }],
    end: { how: "running", at: 93_784_000 },
  };
  const head = { type: "session", version: 2, program: "test", exportedAt: stream.startedAt };
  const buffer = Buffer.from(`${JSON.stringify(head)}\n${JSON.stringify(stream)}\n`);
  const dialog = await openDialog(page);
  await dialog.getByLabel("Session file").setInputFiles({ name: "s.ndjson", mimeType: "text/plain", buffer });
  await dialog.getByRole("button", { name: "Close" }).click();
  const entry = wirebook.card(`${target} #1`).getByRole("button").first();
  await expect(entry).toContainText("end unknown");
  for (const part of [target, "1,200 reads", "1 d 2 h", "end unknown"]) {
    const lines = await entry.getByText(part).evaluate((element) => element.getBoundingClientRect().height);
    expect(lines, part).toBeLessThan(28);
  }
  await entry.click();
  await expect(wirebook.inspector).toContainText("It was still running when it was saved.");
});

test("the link of an exchange shows it in another page, and a broken one says so", async ({
  page,
  wirebook,
  context,
  gateway,
}) => {
  await context.grantPermissions(["clipboard-read", "clipboard-write"]);
  await wirebook.type("brick~s3cret 2 -1");
  await expect(wirebook.card("brick~*** 2 -1")).toContainText(/done|unauthenticated/);
  const dialog = await openDialog(page);
  await dialog.getByRole("button", { name: "Copy link" }).click();
  await expect(dialog.getByRole("status")).toHaveText("Copied a link that holds the whole exchange.");
  const link = await page.evaluate(() => navigator.clipboard.readText());
  expect(link).toMatch(new RegExp(`^http://${gateway.address}/#exchange=`));

  const other = await context.newPage();
  await other.goto(link);
  const wire = other.getByRole("region", { name: "Inspector" });
  await expect(wire).toContainText(/Loaded from a link\. It happened on/);
  await expect(wire).toContainText(/brick~\*+ 2 -1/);
  await wire.getByRole("tab", { name: /^Steps/ }).click();
  await expect(wire.getByRole("table", { name: "Steps" })).toContainText("FIN");
  await other.evaluate(() => (location.hash = location.hash.slice(0, -20)));
  await expect(wire.getByRole("alert")).toContainText("This link cannot be read. Was it cut off?");
  await expect(wire).toContainText(/brick~\*+ 2 -1/);
});
