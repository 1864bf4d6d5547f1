/**
 * A browser's translator replaces each text node by elements with a text of its own. What the page writes into the old
 * node afterwards is never seen, so the page would show what was true once. It leaves alone what has translate="no".
 */

import { expect, runClient, test } from "./wirebook.ts";

/** Does to the page what Chrome's translator does; returns how many texts it has replaced. */
function translate(): number {
  const nodes: Text[] = [];
  const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  while (walker.nextNode() !== null) nodes.push(walker.currentNode as Text);
  const meant = nodes.filter(
    ({ data, parentElement }) =>
      data.trim() !== "" && parentElement?.closest("[translate]")?.getAttribute("translate") !== "no",
  );
  for (const node of meant) {
    const [outer, inner] = [document.createElement("font"), document.createElement("font")];
    inner.textContent = node.data;
    outer.append(inner);
    node.replaceWith(outer);
  }
  return meant.length;
}

test("a page that the browser would translate goes on telling the truth", async ({
  wirebook,
  server,
  gateway,
  page,
}) => {
  await expect(wirebook.follow).toHaveText("live");
  await page.evaluate(translate);
  await runClient(server, "otter", "2", "-1");
  await expect(wirebook.rows("otter 2 -1")).toHaveCount(1);
  await page.getByRole("button", { name: "Bytes" }).click();
  await wirebook.line.fill("brick 6");
  await expect(page.getByRole("group", { name: "Bytes to send" })).toContainText("8 bytes");
  await wirebook.send(6);
  await expect(wirebook.card("brick 6")).toContainText("done");
  await gateway.kill("SIGKILL");
  await expect(wirebook.connection).toHaveText("Gateway disconnected");
});

test("a translator finds nothing to translate, and finds all of it where it may", async ({ wirebook, page }) => {
  await expect(wirebook.follow).toHaveText("live");
  expect(await page.evaluate(translate)).toBe(0);
  // The control: this translator works.
  await page.evaluate(() => document.documentElement.removeAttribute("translate"));
  expect(await page.evaluate(translate)).toBeGreaterThan(0);
});
