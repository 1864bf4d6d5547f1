import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Page } from "@playwright/test";
import { decodeGatewayFrame } from "@wirebook/protocol";
import type { GatewayFrame } from "@wirebook/protocol";
import type { Program } from "../../test-support/program.ts";
import { startGateway } from "../../test-support/programs.ts";
import { password, writePeople } from "../faults/people/people-fixture.ts";
import { expectClean } from "./clean.ts";
import { expect, test as base } from "./wirebook.ts";

/** A test with a gateway at which Ada may use the targets. A page may report that a login was refused. */
const test = base.extend<{ login: Program }>({
  login: async ({ server }, use) => {
    const folder = await mkdtemp(join(tmpdir(), "wirebook-login-"));
    const options = ["--auth", `basic:${await writePeople(folder, ["ada", "bob"])}`, "--role", "ada=user"];
    await using gateway = await startGateway({ server: server.address, options });
    await use(gateway);
    await rm(folder, { recursive: true });
  },
});

/** The first frame of the next WebSocket of a page. */
async function hello(page: Page): Promise<GatewayFrame | undefined> {
  const socket = await page.waitForEvent("websocket");
  const { payload } = await socket.waitForEvent("framereceived");
  const decoded = decodeGatewayFrame(String(payload));
  return "frame" in decoded ? decoded.frame : undefined;
}

/** Fills the form and sends it with the Enter key. */
async function logIn(page: Page, user: string, typed = password): Promise<void> {
  await page.getByRole("textbox", { name: "Name" }).fill(user);
  await page.getByRole("textbox", { name: "Password" }).fill(typed);
  await page.keyboard.press("Enter");
}

/** What a page's button for logging out does. */
async function logOut(page: Page): Promise<void> {
  await page.evaluate(() => {
    const form = document.createElement("form");
    form.method = "post";
    form.action = "logout";
    document.body.append(form);
    form.submit();
  });
  await page.waitForURL("**/login");
}

test("a browser logs in on a page, and comes back to where it wanted to go", async ({ page, login }) => {
  await page.goto(`http://${login.address}/?view=x#line=7`);
  await expect(page.getByRole("heading", { name: "Log in to Wirebook" })).toBeVisible();
  await expect(page.getByRole("textbox", { name: "Name" })).toBeFocused();
  const greeted = hello(page);
  await logIn(page, "ada");
  await page.waitForURL(({ href, origin }) => href.startsWith(`${origin}/?view=x#line=7`), { waitUntil: "commit" });
  expect(await greeted).toMatchObject({ type: "hello", user: "ada", role: "user" });
  await page.reload();
  await expect(page).toHaveTitle("Wirebook");
});

test("a wrong password is said so on the page, and the next one may be right", async ({ context, login }) => {
  // The browser itself reports the status of the refusal on the console of a page.
  const page = await context.newPage();
  await page.goto(`http://${login.address}/`);
  await logIn(page, "ada", "wrong");
  await expect(page.getByRole("alert")).toHaveText("Wrong name or password.");
  await expect(page.getByRole("textbox", { name: "Name" })).toHaveValue("ada");
  await expect(page.getByRole("textbox", { name: "Password" })).toBeFocused();
  await expectClean(page);
  await logIn(page, "ada");
  await page.waitForURL(`http://${login.address}/`);
});

test("a logout leads to the login, and ends what other tabs have of the session", async ({ page, context, login }) => {
  await page.goto(`http://${login.address}/`);
  await logIn(page, "ada");
  await page.waitForURL(`http://${login.address}/`);
  const other = await context.newPage();
  const opened = other.waitForEvent("websocket");
  await other.goto(`http://${login.address}/`);
  const socket = await opened;
  await socket.waitForEvent("framereceived");
  const closed = socket.waitForEvent("close");
  await logOut(page);
  await closed;
  await other.goto(`http://${login.address}/`);
  await expect(other.getByRole("heading", { name: "Log in to Wirebook" })).toBeVisible();
});

test("the login works without JavaScript", async ({ browser, login }) => {
  const context = await browser.newContext({ javaScriptEnabled: false });
  const page = await context.newPage();
  await page.goto(`http://${login.address}/`);
  await logIn(page, "ada");
  await page.waitForURL(`http://${login.address}/`);
  await expect(page).toHaveTitle("Wirebook");
  await context.close();
});

const sizes = { phone: { width: 320, height: 640 }, desktop: { width: 1280, height: 900 } } as const;

for (const [size, viewport] of Object.entries(sizes)) {
  for (const colorScheme of ["light", "dark"] as const) {
    test(`axe finds nothing on the login page, on a ${size} in ${colorScheme}`, async ({ page, login }) => {
      await page.setViewportSize(viewport);
      await page.emulateMedia({ colorScheme });
      await page.goto(`http://${login.address}/`);
      await expectClean(page);
      const overflow = await page.evaluate(() => document.documentElement.scrollWidth - window.innerWidth);
      expect(overflow).toBeLessThanOrEqual(0);
      for (const target of [page.getByRole("button"), page.getByRole("textbox", { name: "Name" })]) {
        expect((await target.boundingBox())?.height).toBeGreaterThanOrEqual(44);
      }
      const background = await page.evaluate(() => getComputedStyle(document.body).backgroundColor);
      expect(background).toBe(colorScheme === "dark" ? "rgb(14, 16, 18)" : "rgb(243, 243, 240)");
    });
  }
}
