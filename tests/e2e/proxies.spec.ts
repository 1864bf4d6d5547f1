/** The page under /wirebook/ behind the reverse proxies of others, each with the configuration that Wirebook ships. */

import { mkdir, readFile } from "node:fs/promises";
import { startGateway, startServer } from "../../test-support/programs.ts";
import { Certificates } from "../../test-support/certificate.ts";
import { proxyNames, shippedOptions, startProxy } from "../../test-support/services/proxies.ts";
import { password, writePeople } from "../faults/people/people-fixture.ts";
import { expect, test, Wirebook } from "./wirebook.ts";

test.use({ ignoreHTTPSErrors: true });

for (const name of proxyNames) {
  test(`${name} serves the page under a path, over TLS and HTTP/2, to who logs in there`, async ({ page }, info) => {
    await using made = new AsyncDisposableStack();
    const server = made.use(await startServer({ options: ["--trust-proxy", "127.0.0.1"] }));
    const proxy = made.use(
      await startProxy(name, async (origin) => {
        await mkdir(info.outputDir, { recursive: true });
        const options = shippedOptions(name, origin, await writePeople(info.outputDir, ["ada"]));
        return made.use(await startGateway({ server: server.address, options: [...options, "--proxy-protocol"] }));
      }),
    );
    const protocols = new Set<string>();
    const session = await page.context().newCDPSession(page);
    await session.send("Network.enable");
    session.on("Network.responseReceived", ({ response }) => protocols.add(response.protocol ?? ""));

    const moved = await page.goto(`${proxy.origin}/wirebook`);
    expect(moved?.url()).toBe(`${proxy.origin}/wirebook/login`);
    await page.getByRole("textbox", { name: "Name" }).fill("ada");
    await page.getByRole("textbox", { name: "Password" }).fill(password);
    const opened = page.waitForEvent("websocket");
    await page.getByRole("button", { name: "Log in" }).click();
    await page.waitForURL(`${proxy.origin}/wirebook/`, { waitUntil: "commit" });
    expect((await opened).url()).toBe(`${proxy.origin.replace("https", "wss")}/wirebook/ws`);
    expect(await page.context().cookies()).toMatchObject([
      { name: "__Host-wirebook", path: "/", secure: true, httpOnly: true, sameSite: "Strict", expires: -1 },
    ]);
    const wirebook = new Wirebook(page);
    await wirebook.begin("brick");
    await wirebook.send(2, { FROM: "-3" });
    await expect(wirebook.card("brick 2 -3")).toContainText('"brick 2 -3"');
    await expect(wirebook.rows("brick 2 -3")).toHaveCount(1);
    expect([...protocols]).toContain("h2");

    // A page cannot say where it comes from: the proxy does.
    await page.setExtraHTTPHeaders({ "X-Forwarded-For": "203.0.113.9" });
    await page.reload();
    await wirebook.send(2, { FROM: "-5" });
    await expect(wirebook.rows("brick 2 -5")).toHaveCount(1);
    expect(await readFile(server.historyPath, "utf8")).not.toContain("203.0.113.9");
    expect((await page.request.get(`${proxy.origin}/`)).status()).not.toBe(200);

    await page.setExtraHTTPHeaders({});
    await page.getByRole("button", { name: "Log out" }).click();
    await page.waitForURL(`${proxy.origin}/wirebook/login`);
    expect(await page.context().cookies()).toEqual([]);
    await page.goto(`${proxy.origin}/wirebook/`);
    await expect(page.getByRole("heading", { name: "Log in to Wirebook" })).toBeVisible();
  });
}

test("a gateway with TLS of its own works behind nginx", async ({ page }) => {
  await using made = new AsyncDisposableStack();
  const server = made.use(await startServer());
  const { certPath, keyPath } = await made.use(await Certificates.open()).make("gateway");
  const proxy = made.use(
    await startProxy("nginx", async (origin) => {
      const tls = ["--tls-cert", certPath, "--tls-key", keyPath];
      const options = ["--origin", origin, "--trust-proxy", "127.0.0.1", "--auth", "none", ...tls];
      const { port } = made.use(await startGateway({ server: server.address, options }));
      return { port, certPath };
    }),
  );
  await page.goto(`${proxy.origin}/wirebook/`);
  const wirebook = new Wirebook(page);
  await wirebook.begin("brick");
  await wirebook.send(2, { FROM: "-3" });
  await expect(wirebook.card("brick 2 -3")).toContainText('"brick 2 -3"');
});
