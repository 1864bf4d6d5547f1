import { AxeBuilder } from "@axe-core/playwright";
import { readFile } from "node:fs/promises";
import type { Locator } from "@playwright/test";
import type { Program } from "../../test-support/program.ts";
import { startGateway, startServer } from "../../test-support/programs.ts";
import { expect, runClient, test, Wirebook } from "./wirebook.ts";

/** The fault lab of a page, opened from the inspector. */
async function openLab(wirebook: Wirebook): Promise<Locator> {
  await wirebook.inspector.getByRole("tab", { name: "Fault lab" }).click();
  const lab = wirebook.page.getByRole("form", { name: "Fault lab" });
  await expect(lab).toBeVisible();
  return lab;
}

async function run(lab: Locator, preset: string, message: string): Promise<void> {
  await lab.getByRole("button", { name: preset, exact: true }).click();
  await lab.getByLabel("Message").fill(message);
  await lab.getByRole("button", { name: "Run", exact: true }).click();
}

/** Bytes that the kernel has taken for the server, in all. */
async function bytesSent(gateway: Program): Promise<number> {
  const metrics = await (await fetch(`http://${gateway.address}/metrics`)).text();
  return Number(/^wirebook_gateway_bytes_total\{hop="gateway-server",direction="up"\} (\d+)$/m.exec(metrics)?.[1]);
}

/**
 * Does something that sends so many bytes, and stops the server meanwhile: however little time the gateway gets, there is no
 * silence between them that the server could hear.
 */
async function unheard(programs: { server: Program; gateway: Program }, bytes: number, act: () => Promise<void>) {
  const before = await bytesSent(programs.gateway);
  programs.server.signal("SIGSTOP");
  await act();
  await expect.poll(() => bytesSent(programs.gateway)).toBe(before + bytes);
  programs.server.signal("SIGCONT");
}

test("a message sent byte by byte is one message to the server, and each write is seen", async ({
  wirebook,
  server,
  gateway,
}) => {
  await expect(wirebook.follow).toHaveText("live");
  const lab = await openLab(wirebook);
  await unheard({ server, gateway }, 11, async () => {
    await run(lab, "Byte by byte", "brick 2 -1");
  });
  const { inspector } = wirebook;
  await expect(inspector).toContainText(
    "The server joined 11 writes into one message. The line feed ended the message.",
  );
  await wirebook.openTab("Bytes");
  await expect(inspector).toContainText("11 bytes, as the gateway wrote them");
  await wirebook.openTab(/^Frames/);
  await expect(inspector.getByRole("group", { name: "Frames" })).toContainText("write 9, 1 B");
  await wirebook.openTab("What happened");
  await expect(inspector.getByRole("list", { name: "Notes" })).toContainText("in 11 pieces, each in its own segment");
  await expect(wirebook.card("brick 2 -1")).toContainText("in the fault lab");
  await expect(wirebook.rows("brick 2 -1")).toHaveCount(1);
});

test("what ends a message without a newline is said: silence, a half-close, nothing", async ({
  wirebook,
  server,
  gateway,
}) => {
  await expect(wirebook.follow).toHaveText("live");
  const lab = await openLab(wirebook);
  const { inspector } = wirebook;
  await run(lab, "No newline", "brick 2 -1");
  await expect(inspector).toContainText("No line feed came, so silence ended the message.");
  await unheard({ server, gateway }, 10, () => run(lab, "Half-closed", "brick 2 -2"));
  await expect(inspector).toContainText("The half-close ended the message. It was carried out and answered.");
  await wirebook.openTab("What happened");
  await expect(inspector.getByRole("list", { name: "Notes" })).toContainText("RFC 9293, 3.6.1");
  // The lab keeps its settings meanwhile.
  await wirebook.openTab("Fault lab");
  await expect(lab.getByLabel("Message")).toHaveValue("brick 2 -2");

  await lab.getByRole("button", { name: "Split", exact: true }).click();
  await lab.getByLabel("Split after bytes").fill("7");
  await lab.getByLabel("Message").fill("brick 2 -9");
  // Far more than the server's silence: even where it gets no processor for a while, it must not hear both writes at once.
  await lab.getByLabel("Milliseconds between writes").fill("5000");
  await lab.getByRole("button", { name: "Run", exact: true }).click();
  await expect(inspector).toContainText("No line feed came, so silence ended the message.");
  expect(await readFile(server.historyPath, "utf8")).toMatch(/"brick 2"\n$/);
});

test("a reset before the end does nothing, and the history keeps what came", async ({ wirebook, page }) => {
  const lab = await openLab(wirebook);
  await lab.getByRole("button", { name: "Reset", exact: true }).click();
  // Silence ends no message that deletes: the reset comes before the end, however late.
  await lab.getByLabel("Message").fill("brick 1 77");
  await lab.getByRole("radio", { name: "none" }).check();
  await lab.getByRole("button", { name: "Run", exact: true }).click();
  await wirebook.page.getByRole("button", { name: "Send anyway" }).click();
  await expect(wirebook.inspector).toContainText("The reset came before the message ended, so the server did nothing");
  await expect(wirebook.card("brick 1 77")).toContainText("reset");
  await expect(wirebook.rows("brick 1 77")).toHaveCount(1);
  await wirebook.openTab("What happened");
  await expect(wirebook.inspector.getByRole("list", { name: "Notes" })).toContainText("The gateway sent RST");
  await expect(page.getByRole("status", { name: "Result" })).toContainText("brick 1 77: reset");
});

test("each write is seen when it is made, while the write schedule runs", async ({ wirebook }) => {
  const lab = await openLab(wirebook);
  await lab.getByRole("button", { name: "Split", exact: true }).click();
  // Silence ends no message that deletes.
  await lab.getByLabel("Message").fill("brick 1 77");
  await lab.getByLabel("Split after bytes").fill("9");
  await lab.getByLabel("Milliseconds between writes").fill("8000");
  await lab.getByRole("button", { name: "Run", exact: true }).click();
  await wirebook.page.getByRole("button", { name: "Send anyway" }).click();
  const { inspector } = wirebook;
  await expect(inspector).toContainText(/The gateway runs the write schedule\.\s*Sent 9 B, received nothing\./);
  await wirebook.openTab(/^Frames/);
  await expect(inspector.getByRole("group", { name: "Frames" })).toContainText("→ write 1, 9 B");
  await expect(inspector).toContainText("The server joined 2 writes into one message.");
  await expect(inspector).toContainText(/Sent 11 B in 2 writes, received \d+ B/);
});

test("a slow reader gets everything, a read at a time", async ({ wirebook }) => {
  const lab = await openLab(wirebook);
  await run(lab, "Slow reader", "brick 2 -1");
  await wirebook.openTab("What happened");
  await expect(wirebook.inspector.getByRole("list", { name: "Notes" })).toContainText(
    /read slowly: \d reads of at most 64 B/i,
  );
});

test("eight at once wait for the one connection that there is, and each can be looked at", async ({ page }) => {
  await using server = await startServer();
  await using gateway = await startGateway({ server: server.address, connections: 2 });
  const wirebook = await Wirebook.open(page, gateway);
  await expect(wirebook.follow).toHaveText("live");
  const lab = await openLab(wirebook);
  await run(lab, "Eight at once", "otter 2 -1");
  const runs = wirebook.conversation.getByRole("article", { name: "otter 2 -1", exact: true });
  await expect(runs.filter({ hasText: "done" })).toHaveCount(8);
  await expect(wirebook.rows("otter 2 -1")).toHaveCount(8);
  await runs.last().getByRole("button").first().click();
  await expect(wirebook.inspector).toContainText("The message is line");
  await expect(wirebook.rows("otter 2 -1")).toHaveCount(8);
});

test("the commands to copy are said to lack the write schedule only where there was one", async ({
  wirebook,
  page,
}) => {
  const lab = await openLab(wirebook);
  const dialog = page.getByRole("dialog", { name: "Export & share" });
  for (const [preset, message, isScheduled] of [
    ["As usual", "brick 2 -1", false],
    ["Late", "brick 2 -2", true],
  ] as const) {
    await run(lab, preset, message);
    await expect(wirebook.card(message)).toContainText("done");
    await expect(wirebook.inspector).toContainText(message);
    await page.getByRole("button", { name: "Export & share…" }).click();
    await expect(dialog.getByLabel("Command", { exact: true })).toContainText(message);
    await expect(dialog.getByText("without the write schedule")).toHaveCount(isScheduled ? 1 : 0);
    await page.keyboard.press("Escape");
  }
});

test("the lab asks before it sends what deletes", async ({ page, gateway, server }) => {
  await runClient(server, "otter");
  const before = await readFile(server.historyPath, "utf8");
  await page.goto(`http://${gateway.address}/`);
  await page.getByRole("button", { name: "Cut a message in two" }).click();
  const lab = page.getByRole("form", { name: "Fault lab" });
  await lab.getByRole("button", { name: "Byte by byte", exact: true }).click();
  await lab.getByLabel("Message").fill("brick 1 1");
  await lab.getByRole("button", { name: "Run", exact: true }).click();
  const question = page.getByRole("dialog", { name: "Send anyway" });
  await expect(question).toContainText("This can delete lines of the history for everyone.");
  await expect(question.getByRole("button", { name: "Cancel" })).toBeFocused();
  await page.keyboard.press("Enter");
  await expect(question).toHaveCount(0);
  expect(await readFile(server.historyPath, "utf8")).toBe(before);
  await lab.getByLabel("Milliseconds between writes").fill("99999");
  await expect(lab.getByText("0 to 12,000").filter({ visible: true })).toHaveCount(1);
  await lab.getByLabel("Milliseconds between writes").fill("30");

  await lab.getByRole("button", { name: "Run", exact: true }).click();
  await unheard({ server, gateway }, 10, () => question.getByRole("button", { name: "Send anyway" }).click());
  await expect(page.getByRole("region", { name: "Inspector" })).toContainText(
    "The server joined 10 writes into one message.",
  );
});

for (const [size, viewport] of [
  ["phone", { width: 390, height: 844 }],
  ["desktop", { width: 1440, height: 900 }],
] as const) {
  for (const colorScheme of ["light", "dark"] as const) {
    test(`axe finds nothing in the fault lab on a ${size} in ${colorScheme}`, async ({ page, gateway }) => {
      await page.setViewportSize(viewport);
      await page.emulateMedia({ colorScheme, reducedMotion: "reduce" });
      const wirebook = await Wirebook.open(page, gateway);
      const tab = page.getByRole("navigation", { name: "Views" }).getByRole("button", { name: "Inspector" });
      if (await tab.isVisible()) await tab.click();
      const lab = await openLab(wirebook);
      await lab.getByRole("button", { name: "Slow reader", exact: true }).click();
      await lab.getByRole("radio", { name: "split" }).check();
      await lab.getByLabel("Exchanges at once").fill("3");
      await lab.getByRole("button", { name: "Run", exact: true }).click();
      await expect(page.getByRole("status", { name: "Result" })).toContainText(/brick: (?:done|open).* \d+ reads,/);
      const { violations } = await new AxeBuilder({ page }).analyze();
      expect(violations.map(({ id, nodes }) => `${id}: ${nodes.map(({ html }) => html).join(" | ")}`)).toEqual([]);
      const overflow = await page.evaluate(() => document.documentElement.scrollWidth - window.innerWidth);
      expect(overflow).toBeLessThanOrEqual(0);
    });
  }
}
