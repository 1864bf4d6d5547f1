/** Scenarios on the page: an entry is saved as one, played against its target, and judged at the bytes that came. */

import { readFile } from "node:fs/promises";
import type { Locator } from "@playwright/test";
import { startGateway } from "../../test-support/programs.ts";
import { TestServer } from "../../test-support/tcp-client.ts";
import { expectClean } from "./clean.ts";
import { expect, runClient, test as base } from "./wirebook.ts";
import type { Program } from "../../test-support/program.ts";

/** A mail server that speaks first, as far as `EHLO` and `QUIT`. */
const test = base.extend<{ form: Locator; text: Locator; open: (entry: Locator) => Promise<void> }>({
  gateway: async ({ server }, use) => {
    await using mail = await TestServer.listen((socket) => {
      socket.write("220 mail.example ESMTP\r\n");
      socket.on("data", (bytes) => {
        if (String(bytes).startsWith("QUIT")) socket.end("221 Bye\r\n");
        else socket.write("250-mail.example\r\n250 HELP\r\n");
      });
      socket.on("end", () => socket.end());
    });
    const options = [`--target=mail=tcp://${mail.address}`, "--listen=0=wirebook"];
    await using gateway = await startGateway({ server: server.address, options });
    await use(gateway);
  },
  form: async ({ wirebook }, use) => use(wirebook.inspector.getByRole("form", { name: "Scenario" })),
  text: async ({ form }, use) => use(form.getByRole("textbox", { name: "Scenario" })),
  open: async ({ page }, use) => {
    await use(async (entry) => {
      await entry.getByRole("button", { name: "More" }).click();
      await page.getByRole("menuitem", { name: "Save as scenario" }).click();
    });
  },
});

test("the text takes the room that is left", async ({ wirebook, text }) => {
  await wirebook.openTab("Scenario");
  await expect.poll(async () => (await text.boundingBox())?.height).toBeGreaterThan(200);
});

test("an exchange, a conversation and a flow become scenarios, which hold, and fail at the right bytes", async ({
  page,
  wirebook,
  gateway,
  form,
  text,
  open,
}) => {
  const { inspector } = wirebook;
  const press = (name: string) => form.getByRole("button", { name, exact: true }).click();
  // A machine with other work takes its time.
  const giveTime = async () => text.fill(`timeout: 5m\n${await text.inputValue()}`);
  const stream = inspector.getByRole("group", { name: /^Stream of/ });
  const announced = page.getByRole("main").getByRole("status", { name: "Result" });

  await test.step("an exchange with the server is saved, and holds", async () => {
    await wirebook.send(2, { FROM: "1", TO: "1" });
    const entry = wirebook.card("brick 2 1 1");
    await expect(entry).toContainText("done");
    await open(entry);
    await expect(text).toHaveValue(/^eol: LF\nconnect wirebook\n> brick 2 1 1\n[^]*\n< EOF\n/);
    // Its history line has a time, which the next play of a longer history would have as well.
    await expect(form.getByRole("button", { name: /^Loosen .* that may vary$/ })).toBeVisible();
    const [download] = await Promise.all([page.waitForEvent("download"), press("Save file")]);
    expect(download.suggestedFilename()).toBe("brick-2-1-1.wire");
    expect(await readFile(await download.path(), "utf8")).toBe(await text.inputValue());
    await giveTime();
    await press("Play");
    await expect(announced).toHaveText(/^brick-2-1-1: Held: \d+ steps in /);
    await expect(form).toContainText("✓ Held");
    await expect(wirebook.line).toHaveValue("brick ");
    await form.getByRole("button", { name: /passed: < \d{4}-/ }).click();
    await expect(stream.locator("span.lit:not(.run)")).toHaveText(/^\d{4}-.* "brick"\s*$/);
  });

  await test.step("another expectation fails at the bytes that came instead", async () => {
    await wirebook.openTab("Scenario");
    await text.fill((await text.inputValue()).replace(/^< \d{4}-.*$/m, '< * "otter"'));
    await press("Play");
    await expect(form).toContainText(/✗ Line \d+: expected `\* "otter"`, got `\d{4}-.* "brick"`/);
    await expect(announced).toContainText('expected `* "otter"`');
    await expectClean(page, "#inspector");
    await form.getByRole("button", { name: /failed: < / }).click();
    await expect(stream.locator("span.lit:not(.run)")).toHaveText(/^\d{4}-.* "brick"\s*$/);
    await expect(inspector.getByRole("button", { name: /^Pinned: < \* "otter"/ })).toBeVisible();
    await page.emulateMedia({ colorScheme: "dark" });
    await page.keyboard.press("Escape");
    await expectClean(page, "#inspector");
  });

  await test.step("a problem is named with its place, and a press puts the cursor there", async () => {
    await wirebook.openTab("Scenario");
    await text.fill("connect mail\n< 220 *\n  send EHLO\n");
    const problem = form.getByRole("list", { name: "Problems" }).getByRole("button");
    await expect(problem).toHaveText(/^Line 3, column 3: /);
    await expect(form.getByRole("button", { name: "Play", exact: true })).toBeDisabled();
    await problem.click();
    await expect(text).toBeFocused();
    expect(await text.evaluate((area: HTMLTextAreaElement) => area.selectionStart)).toBe(23);
  });

  await test.step("a service that speaks first, with a value that is asked for", async () => {
    await text.fill("timeout: 5m\nconnect mail\n< 220 {{host}} *\n> EHLO {{me}}\n<* 250 *\n> QUIT\n< 221 *\n< EOF\n");
    await press("Play");
    await expect(form.getByLabel("Value of me")).toBeFocused();
    await form.getByLabel("Value of me").fill("wirebook.example");
    await press("Play");
    await expect(form).toContainText("✓ Held: 6 steps");
    for (const source of ["< 220 {{host}} *", "> EHLO {{me}}", "<* 250 *"]) {
      await expect(form.getByRole("button", { name: `passed: ${source}` })).toBeVisible();
    }
    const entry = wirebook.card("mail #1");
    await expect(entry).toContainText("EHLO wirebook.example");
    await expect(entry).toContainText("closed by mail");
    // What was played is saved as any conversation is, and one play at a time can be stopped.
    await open(entry);
    await page.getByRole("button", { name: "Replace scenario" }).click();
    await expect(text).toHaveValue(/^eol: CRLF\nconnect mail\n[^]*\n> EHLO wirebook\.example\n/);
    await text.fill("timeout: 5m\nconnect mail\n< 220 *\n< 250 *\n");
    await press("Play");
    await expect(form.getByRole("button", { name: "waiting: < 250 *" })).toHaveAttribute("aria-current", "step");
    await press("Stop");
    await expect(form).toContainText("You stopped the play.");
    await expect(wirebook.card("mail #2")).toContainText("reset");
  });

  await test.step("a flow is saved from the traffic", async () => {
    const log = gateway.stdout.find((each) => each.includes('"listening"')) ?? "";
    const port = Number(/:(\d+)=wirebook/u.exec(log)?.[1]);
    await runClient({ port } as Program, "brick", "2", "1", "1");
    await wirebook.history.getByRole("button", { name: /^Traffic/ }).click();
    const traffic = page.getByRole("region", { name: "Traffic" });
    await traffic.getByRole("listitem").first().getByRole("button").click();
    await form.getByRole("button", { name: "From selected" }).click();
    await page.getByRole("button", { name: "Replace scenario" }).click();
    await expect(text).toHaveValue(/^eol: LF\nconnect wirebook\n> brick 2 1 1\n/);
    await giveTime();
    await press("Play");
    await expect(form).toContainText("✓ Held");
  });
});
