/** Two streams side by side: of the conversation, and of a file. */

import { once } from "node:events";
import net from "node:net";
import type { AddressInfo } from "node:net";
import { startGateway } from "../../test-support/programs.ts";
import { expectClean } from "./clean.ts";
import { expect, test as base, Wirebook } from "./wirebook.ts";

/** A service that calls itself otherwise on each of two connections. */
const test = base.extend<{ talk: Wirebook }>({
  gateway: async ({ server }, use) => {
    let connections = 0;
    const service = net.createServer((socket) => {
      const name = (connections += 1) === 1 ? "one" : "two";
      socket.on("error", () => {});
      socket.write("220 ready\r\n");
      socket.on("data", (bytes) => {
        if (String(bytes).startsWith("QUIT")) socket.end("221 bye\r\n");
        else socket.write(`250 I am ${name}\r\n`);
      });
    });
    service.listen(0, "127.0.0.1");
    await once(service, "listening");
    const { port } = service.address() as AddressInfo;
    await using gateway = await startGateway({
      server: server.address,
      options: ["--target", `mail=tcp://127.0.0.1:${port}`],
    });
    await use(gateway);
    service.close();
  },
  talk: async ({ page, gateway }, use) => {
    const wirebook = new Wirebook(page);
    await page.goto(`http://${gateway.address}/`);
    await wirebook.commandLine.getByRole("combobox", { name: "Target" }).selectOption("mail");
    await use(wirebook);
  },
});

test("two conversations are compared, and one of them with a file of the other", async ({ page, talk }) => {
  const entry = (number: number) => talk.conversation.getByRole("article", { name: `mail #${number}` });
  for (const [number, name] of [
    [1, "one"],
    [2, "two"],
  ] as const) {
    await talk.commandLine.getByRole("button", { name: "Connect" }).click();
    await expect(entry(number)).toContainText("220 ready");
    await talk.type("EHLO me");
    await expect(entry(number)).toContainText(`250 I am ${name}`);
    await talk.type("QUIT");
    await expect(entry(number)).toContainText("closed by mail");
  }

  await entry(1).getByRole("button", { pressed: false }).click();
  await entry(1).getByRole("button", { name: "More" }).click();
  await page.getByRole("menuitem", { name: "Compare with…" }).click();
  const entries = talk.inspector.getByRole("list", { name: "Entries" });
  await expect(talk.inspector).toContainText("Compare mail #1 with:");
  await expectClean(page, "#inspector");
  await entries.getByRole("button", { name: /^mail #2/ }).click();
  const sentence = talk.inspector.getByRole("status", { name: "Comparison" });
  await expect(sentence).toHaveText("What was sent is the same; reply 1 differs.");
  await expect(talk.inspector.getByRole("tab", { name: "Compare" })).toHaveAttribute("aria-selected", "true");
  const turn = talk.inspector.getByRole("region", { name: "turn 1, differs" });
  await expect(turn.locator(".lines mark")).toHaveText(["one", "two"]);
  await expect(talk.inspector.getByRole("region", { name: /^turn 2/ })).toContainText("1 line is the same");

  await expectClean(page, "#inspector");

  // A turn leads to its place in its stream.
  await turn.getByRole("button", { name: /reply/ }).last().click();
  await expect(talk.inspector.locator("header")).toContainText("mail #2");
  await expect(talk.inspector.getByRole("group", { name: "Stream of mail #2" }).locator(".run.lit")).toContainText(
    "EHLO me",
  );

  await page.getByRole("button", { name: "Export & share…" }).click();
  const [download] = await Promise.all([
    page.waitForEvent("download"),
    page.getByRole("button", { name: "NDJSON, to load again" }).click(),
  ]);
  const path = test.info().outputPath("two.ndjson");
  await download.saveAs(path);
  await page.getByLabel("Session file").setInputFiles(path);
  await page.keyboard.press("Escape");
  await expect(talk.inspector.locator("header")).toContainText("two.ndjson");
  await talk.openTab("Compare");
  await talk.inspector.getByRole("button", { name: "Close comparison" }).click();
  await entries.getByRole("button", { name: /^mail #2/ }).click();
  await expect(sentence).toHaveText("Same bytes, in the same reads and about the same time.");
  await talk.inspector.getByRole("button", { name: "Close comparison" }).click();
  await expect(entries).toBeVisible();
});
