import type { Locator } from "@playwright/test";
import { expect, runClient, test } from "./wirebook.ts";

/** Cuts a countdown short; it may have run out by itself in the moment before, and its button gone with it. */
async function clickIfStillThere(button: Locator): Promise<void> {
  if (await button.isVisible()) await button.click({ timeout: 2000 }).catch(() => {});
}

test("a server that is killed is named as the hop that failed, and its return is noticed", async ({
  wirebook,
  server,
}) => {
  await expect(wirebook.follow).toHaveText("live");
  await server.kill("SIGKILL");
  await expect(wirebook.follow).toHaveText("not live");

  await wirebook.send(2);
  const card = wirebook.card("brick 2");
  await expect(card).toContainText("It failed between the gateway and the server.");
  await expect(card).toContainText("It is safe to send the message again");
  await expect(wirebook.connection).toHaveText("Connected; the server cannot be reached");

  await server.restart();
  await clickIfStillThere(wirebook.history.getByRole("button", { name: "Try again" }));
  await expect(wirebook.follow).toHaveText("live");
  await wirebook.send(2);
  await expect(wirebook.card("brick 2")).toContainText("done");
  await expect(wirebook.connection).toHaveText("Connected; the server answers");
});

test("a gateway that is killed is named, and nothing is lost or doubled", async ({ wirebook, gateway, server }) => {
  await expect(wirebook.follow).toHaveText("live");
  await runClient(server, "before");
  await expect(wirebook.rows("before")).toHaveCount(1);
  await gateway.kill("SIGKILL");

  const notice = wirebook.page.getByRole("region", { name: "Reconnecting" });
  await expect(notice).toContainText("This page lost its connection to the gateway.");
  await expect(notice).toContainText("The page keeps what it shows.");
  await expect(wirebook.rows("before")).toHaveCount(1);
  await runClient(server, "meanwhile");

  await gateway.restart();
  await clickIfStillThere(notice.getByRole("button", { name: "Reconnect now" }));
  await expect(wirebook.follow).toHaveText("live");
  await expect(notice).toBeHidden();
  await expect(wirebook.rows("meanwhile")).toHaveCount(1);
  await expect(wirebook.rows("before")).toHaveCount(1);
});

test("a page that comes back by itself needs no click", async ({ wirebook, gateway }) => {
  await gateway.restart();
  await expect(wirebook.connection).toHaveText(/^Connected/);
  await expect(wirebook.follow).toHaveText("live");
});
