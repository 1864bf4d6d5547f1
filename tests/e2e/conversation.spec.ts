/** Conversations with a service that speaks first, and what the pane does with them: lines, views, Find, Keep and Clear. */

import { once } from "node:events";
import { readFile } from "node:fs/promises";
import net from "node:net";
import type { AddressInfo } from "node:net";
import type { Locator, Page } from "@playwright/test";
import { startGateway } from "../../test-support/programs.ts";
import { expect, test as base, Wirebook } from "./wirebook.ts";

/** A service whose side of each connection the test plays. */
interface Service {
  readonly port: number;
  readonly connections: net.Socket[];
  /** The newest connection, when there are so many. */
  connection(number: number): Promise<net.Socket>;
}

const test = base.extend<{ service: Service; talk: Wirebook }>({
  // oxlint-disable-next-line no-empty-pattern
  service: async ({}, use) => {
    const connections: net.Socket[] = [];
    const server = net.createServer({ allowHalfOpen: true }, (socket) => {
      socket.on("error", () => {});
      connections.push(socket);
    });
    server.listen(0, "127.0.0.1");
    await once(server, "listening");
    const { port } = server.address() as AddressInfo;
    const connection = async (number: number) => {
      await expect.poll(() => connections.length).toBeGreaterThanOrEqual(number);
      return connections[number - 1] as net.Socket;
    };
    await use({ port, connections, connection });
    for (const socket of connections) socket.destroy();
    server.close();
  },
  gateway: async ({ server, service }, use) => {
    const options = ["--target", `mail=tcp://127.0.0.1:${service.port}`];
    await using gateway = await startGateway({ server: server.address, options });
    await use(gateway);
  },
  talk: async ({ page, gateway }, use) => {
    const wirebook = new Wirebook(page);
    await page.goto(`http://${gateway.address}/`);
    await wirebook.commandLine.getByRole("combobox", { name: "Target" }).selectOption("mail");
    await use(wirebook);
  },
});

async function connect(wirebook: Wirebook): Promise<void> {
  await wirebook.commandLine.getByRole("button", { name: "Connect" }).click();
}

/** What the service reads next, once it is whole. */
async function readLine(socket: net.Socket): Promise<string> {
  let text = "";
  while (!text.endsWith("\n")) text += String((await once(socket, "data"))[0]);
  return text;
}

async function choose(entry: Locator, menu: string, item: string): Promise<void> {
  await entry.getByRole("button", { name: menu, exact: true }).click();
  await entry.getByRole("menuitem", { name: item, exact: true }).click();
}

/** Streams that the browser keeps. */
function keptCount(page: Page): Promise<number> {
  return page.evaluate(async () => {
    const all = await indexedDB.databases();
    if (!all.some(({ name }) => name === "wirebook")) return 0;
    const opening = indexedDB.open("wirebook");
    await new Promise((resolve) => (opening.onsuccess = resolve));
    const counting = opening.result.transaction("streams").objectStore("streams").count();
    await new Promise((resolve) => (counting.onsuccess = resolve));
    opening.result.close();
    return counting.result;
  });
}

test("a banner, parts of lines and both directions show as they come, and who closed is said", async ({
  talk,
  service,
}) => {
  await connect(talk);
  const entry = talk.card("mail #1");
  await expect(entry).toContainText("open");
  const mail = await service.connection(1);
  mail.write("220 mail.exa");
  await expect(entry).toContainText("220 mail.exa");
  mail.write("mple ESMTP\r\n");
  await expect(entry).toContainText("220 mail.example ESMTP");
  const asked = readLine(mail);
  await talk.type("EHLO wirebook.example");
  expect(await asked).toBe("EHLO wirebook.example\r\n");
  mail.write("250-mail.example Hello\r\n250 HELP\r\n");
  await expect(entry).toContainText(/220 mail[^]*EHLO wirebook\.example[^]*250-mail\.example Hello[^]*250 HELP/);
  await expect(entry.getByRole("img", { name: "sent" })).toHaveCount(1);
  await expect(entry.getByRole("img", { name: "received" })).toHaveCount(3);
  await expect(entry).toContainText("open");
  await expect(entry).not.toContainText("failed");
  mail.end("221 bye\r\n");
  await expect(entry).toContainText("FIN: mail sends no more");
  await expect(entry).toContainText("closed by mail");
});

test("the newest line stays in view while older ones fold, and what was scrolled back to keeps its place", async ({
  talk,
  service,
}) => {
  await connect(talk);
  const mail = await service.connection(1);
  const entry = talk.card("mail #1");
  const sayUpTo = async (from: number, to: number) => {
    for (let number = from; number <= to; number++) {
      mail.write(`line ${number}\n`);
      await expect(entry.getByText(`line ${number}`)).toBeAttached();
    }
  };
  mail.write(Array.from({ length: 110 }, (_, at) => `line ${at}\n`).join(""));
  await sayUpTo(110, 119);
  await expect(entry.getByText("line 119")).toBeInViewport({ ratio: 1 });

  const log = talk.conversation.getByRole("log");
  await log.evaluate((box) => (box.scrollTop -= 200));
  await expect(log).toHaveCSS("overflow-anchor", "auto");
  const before = await entry.getByText("line 105").boundingBox();
  await sayUpTo(120, 124);
  await expect(entry.getByText("line 124")).not.toBeInViewport();
  expect((await entry.getByText("line 105").boundingBox())?.y).toBe(before?.y);
});

test("what would act on a terminal is named, and a character that two reads cut is whole", async ({
  talk,
  service,
}) => {
  await connect(talk);
  const entry = talk.card("mail #1");
  const mail = await service.connection(1);
  mail.write(Buffer.from([255, 253, 1]));
  mail.write("\u001b[31mred\u001b[0m a\u202eb\r\n");
  await expect(entry).toContainText("IAC DO ECHO");
  await expect(entry).toContainText("ESC[31mredESC[0m a\\u202eb");
  mail.write(Buffer.from([0xe2, 0x82]));
  await expect(entry).toContainText("\\xe2\\x82");
  mail.write(Buffer.from([0xac, 0x0a]));
  await expect(entry).toContainText("€");
  await expect(entry).not.toContainText("\\xe2");
});

test("a conversation is closed, reset or left from its menu", async ({ talk, service }) => {
  for (const [number, item, word] of [
    [1, "Reset", "reset"],
    [2, "Leave", "left"],
  ] as const) {
    await connect(talk);
    const entry = talk.card(`mail #${number}`);
    (await service.connection(number)).write("hello\r\n");
    await expect(entry).toContainText("hello");
    await choose(entry, `Close mail #${number}`, item);
    await expect(entry.getByRole("button", { pressed: true })).toContainText(word);
    await expect(entry).toContainText("hello");
  }
  await connect(talk);
  const entry = talk.card("mail #3");
  const mail = await service.connection(3);
  mail.write("hello\r\n");
  await expect(entry).toContainText("hello");
  const closed = once(mail, "end");
  mail.resume();
  await choose(entry, "Close mail #3", "Close");
  await closed;
  mail.end("bye\r\n");
  await expect(entry).toContainText("bye");
  await expect(entry).toContainText("closed by you");
});

test("finds in all bytes that are kept, folded or not, and shows each match", async ({ page, talk, service }) => {
  await connect(talk);
  const mail = await service.connection(1);
  const lines = Array.from({ length: 1200 }, (_, n) => `line ${n}`);
  mail.write(`${lines.join("\r\n")}\r\nneedle here\r\nanother NEEDLE\r\n`);
  const entry = talk.card("mail #1");
  await expect(entry).toContainText("another NEEDLE");
  await expect(entry.getByRole("button", { name: "Show more: 1,102 lines are folded" })).toBeVisible();
  await expect(entry).not.toContainText("line 450");
  await talk.conversation.getByRole("button", { name: "Find", exact: true }).click();
  const find = talk.conversation.getByRole("search");
  await find.getByRole("searchbox", { name: "Find" }).fill("LINE 450");
  await expect(find.getByRole("status")).toHaveText("1");
  await page.keyboard.press("Enter");
  await expect(find.getByRole("status")).toHaveText("1 of 1");
  await expect(entry.getByText(/^line 450\D/)).toBeInViewport();
  await find.getByRole("searchbox").fill("needle");
  await expect(find.getByRole("status")).toHaveText("2");
  await find.getByRole("button", { name: "Next match" }).click();
  await expect(find.getByRole("status")).toHaveText("2 of 2");
  await expect(entry.getByText(/^another NEEDLE/)).toBeInViewport();
  await find.getByRole("button", { name: "Previous match" }).click();
  await expect(find.getByRole("status")).toHaveText("1 of 2");
  await find.getByRole("searchbox").fill("nothing like it");
  await expect(find.getByRole("status")).toHaveText("No matches");
  await page.keyboard.press("Escape");
  await expect(find).toHaveCount(0);
});

test("a reply is copied, shown as a table and in hex, and saved byte by byte", async ({ page, wirebook, context }) => {
  await context.grantPermissions(["clipboard-read", "clipboard-write"]);
  await wirebook.send(2, { FROM: "1", TO: "2" });
  const entry = wirebook.card("brick 2 1 2");
  await expect(entry).toContainText("done");
  await expect(entry.getByRole("button", { pressed: true })).toBeVisible();
  await entry.getByRole("button", { name: "Copy", exact: true }).click();
  await expect(entry.getByRole("button", { name: "Copied" })).toBeVisible();
  const copied = await page.evaluate(() => navigator.clipboard.readText());
  expect(copied).toMatch(/^\S+Z 127\.0\.0\.1 "brick"\n[^\n]+\n$/);

  await entry.getByRole("radio", { name: "Table" }).check();
  await expect(entry.getByRole("cell", { name: "brick", exact: true })).toBeVisible();
  await entry.getByRole("radio", { name: "Hex" }).check();
  const hex = entry.getByRole("group", { name: "Bytes in hex" });
  await expect(hex.getByRole("listitem").first()).toContainText("323032362d");

  await entry.getByRole("button", { name: "More" }).click();
  const downloading = page.waitForEvent("download");
  await entry.getByRole("menuitem", { name: "Save reply", exact: true }).click();
  expect(await readFile(await (await downloading).path(), "utf8")).toBe(copied);
});

test("a line is edited and sent again from its entry", async ({ wirebook }) => {
  await wirebook.send(2, { FROM: "-1" });
  await expect(wirebook.card("brick 2 -1")).toContainText("done");
  await wirebook.send(6);
  await expect(wirebook.card("brick 6")).toContainText("done");
  const entry = wirebook.card("brick 2 -1");
  await entry.getByRole("button", { pressed: false }).click();
  await entry.getByRole("button", { name: "Edit", exact: true }).click();
  await expect(wirebook.line).toHaveValue(/^brick 2 -1\s*$/);
  await expect(wirebook.line).toBeFocused();
  await entry.getByRole("button", { name: "Send again", exact: true }).click();
  await expect(wirebook.conversation.getByRole("article", { name: "brick 2 -1", exact: true })).toHaveCount(2);
});

test("the page's own requests are folded into one row", async ({ wirebook }) => {
  const row = wirebook.conversation.getByRole("button", { name: /^\d+ background requests?$/ });
  await expect(row).toHaveAttribute("aria-expanded", "false");
  const articles = wirebook.conversation.getByRole("article");
  await expect(articles).toHaveCount(1);
  await row.click();
  await expect(wirebook.card("brick 5")).toBeVisible();
});

test("a reload keeps what went to the server and what was kept, sends nothing, and Clear empties it", async ({
  page,
  talk,
  service,
}) => {
  for (const number of [1, 2]) {
    await connect(talk);
    (await service.connection(number)).end(`220 mail ${number}\r\n`);
    await expect(talk.card(`mail #${number}`)).toContainText("closed by mail");
  }
  await talk.card("mail #2").getByRole("button", { name: "Keep", exact: true }).click();
  await talk.commandLine.getByRole("combobox", { name: "Target" }).selectOption("wirebook");
  await talk.type("otter 2 -1");
  await expect(talk.card("otter 2 -1")).toContainText("done");
  await expect.poll(() => keptCount(page)).toBe(2);
  await expect(talk.follow).toHaveText("live");
  await expect(talk.rows("otter 2 -1")).toHaveCount(1);

  await page.reload();
  await expect(talk.card("otter 2 -1")).toContainText('"otter 2 -1"');
  await expect(talk.follow).toHaveText("live");
  await expect(talk.inspector.getByRole("tab", { name: "What happened" })).toHaveCount(0);
  await expect(talk.card("otter 2 -1")).not.toContainText("loaded from");
  await expect(talk.card("mail #1")).toContainText("220 mail 2");
  await expect(talk.card("mail #1")).toContainText("closed by mail");
  await expect(talk.conversation.getByRole("article")).toHaveCount(2);
  await expect(talk.follow).toHaveText("live");
  await expect(talk.rows("otter 2 -1")).toHaveCount(1);
  expect(service.connections).toHaveLength(2);

  await connectTo(talk, "mail");
  (await service.connection(3)).end("220 not kept\r\n");
  await expect(talk.card("mail #2")).toContainText("closed by mail");
  await talk.conversation.getByRole("button", { name: "Clear", exact: true }).click();
  const question = page.getByRole("dialog", { name: "Clear all" });
  await expect(question).toContainText("1 entry with other services is not kept anywhere else.");
  await question.getByRole("button", { name: "Cancel" }).click();
  await expect(talk.conversation.getByRole("article")).toHaveCount(3);
  await talk.conversation.getByRole("button", { name: "Clear", exact: true }).click();
  await question.getByRole("button", { name: "Clear all" }).click();
  await expect(talk.conversation.getByRole("article")).toHaveCount(0);
  await expect.poll(() => keptCount(page)).toBe(0);
  await page.reload();
  await expect(talk.connection).toHaveText(/^Connected/);
  await expect(talk.conversation.getByRole("article")).toHaveCount(0);
});

async function connectTo(wirebook: Wirebook, target: string): Promise<void> {
  await wirebook.commandLine.getByRole("combobox", { name: "Target" }).selectOption(target);
  await connect(wirebook);
}

test("two tabs keep what each sent, and a damaged entry costs itself alone", async ({ page, context, gateway }) => {
  const one = await Wirebook.open(page, gateway);
  const other = await Wirebook.open(await context.newPage(), gateway, "otter");
  await one.send(2, { FROM: "-1" });
  await other.send(6);
  await expect.poll(() => keptCount(page)).toBe(4);
  await page.evaluate(async () => {
    const opening = indexedDB.open("wirebook");
    await new Promise((resolve) => (opening.onsuccess = resolve));
    const transaction = opening.result.transaction("streams", "readwrite");
    transaction.objectStore("streams").put('{"type":"stream","version":99}', [0, "newer", 30]);
    transaction.objectStore("streams").put("damaged", [1, "damaged", 7]);
    await new Promise((resolve) => (transaction.oncomplete = resolve));
    opening.result.close();
  });
  await page.reload();
  await expect(one.card("otter 6")).toContainText("engine: file");
  await expect(one.card("brick 2 -1")).toContainText("done");
  await expect(one.conversation.getByRole("status", { name: "Kept entries" })).toContainText(
    "Removed 2 kept entries that could not be read.",
  );
  await expect.poll(() => keptCount(page)).toBe(4);
});

test("works without storage", async ({ page, gateway }) => {
  await page.addInitScript(() => {
    Object.defineProperty(window, "indexedDB", { get: () => undefined });
  });
  const wirebook = await Wirebook.open(page, gateway);
  await wirebook.send(6);
  await expect(wirebook.card("brick 6")).toContainText("engine: file");
  await wirebook.conversation.getByRole("button", { name: "Clear", exact: true }).click();
  await expect(wirebook.conversation.getByRole("article")).toHaveCount(0);
});
