import { AxeBuilder } from "@axe-core/playwright";
import { expect, test } from "./wirebook.ts";

test("a message is followed from the page's frame over TCP into its line of the history", async ({ wirebook }) => {
  await expect(wirebook.follow).toHaveText("live");
  await wirebook.send(2, { FROM: "-1" });
  await expect(wirebook.card("brick 2 -1")).toContainText("done");
  const { wire } = wirebook;
  await expect(wire).toContainText(
    /The message is line \d+ of the history\. It was carried out and answered\. *Sent 11 B, received \d+ B/,
  );
  await expect(wire).toContainText(/may differ from the page's by ±\d/);
  // The first leg may be lost in the error of the two clocks.
  await expect(wire.getByRole("img", { name: /^Where the time went: .*\bserver \d/ })).toBeVisible();

  const frames = wire.getByRole("group", { name: "Frames" });
  await expect(frames.getByRole("button").first()).toContainText(/1 text, 6 \+ \d+ B, masked, request/);
  await expect(frames.getByRole("button").nth(2)).toContainText(/2 binary, 2 \+ 20 B, written.*→ write 1, 11 B/);
  await expect(wire.getByRole("group", { name: "Bytes of frame 1" })).toContainText("request");
  await expect(wire).toContainText("11 bytes, as the gateway wrote them");
  const places = wire.getByRole("region", { name: "The message in four places" });
  await expect(places).toContainText(/line \d+.*127\.0\.0\.1 "brick 2 -1"/);

  // The minus sign, which stands in the message, in the frame's JSON, on TCP and in the history's line.
  const onTcp = wire.getByRole("group", { name: "Bytes of the message" });
  await onTcp.getByText("2d", { exact: true }).hover();
  await expect(places.locator(".lit").filter({ hasText: /^(-|2d)$/ })).toHaveCount(6);
  await expect(places.locator(".lit")).toHaveCount(6);
});

test("the wire has the first message as soon as there is one, and each message its own line", async ({ wirebook }) => {
  const { wire, history } = wirebook;
  await expect(wirebook.follow).toHaveText("live");
  await expect(wire).toContainText("The message is line 1 of the history. The reply lists the operations");
  const marked = history.getByRole("row").filter({ hasText: "on the wire" });
  await expect(marked).toHaveText(/^\s*1\s.*on the wire/su);

  // The same words again, which line 1 has as well: the line that is still to come is the one.
  await wirebook.send(undefined);
  await expect(wire).toContainText("The message is line 4 of the history.");
  await expect(marked).toHaveText(/^\s*4\s.*on the wire/su);
});

test("what is below the edge of the wire is told of, and a click away", async ({ wirebook, page }) => {
  await wirebook.send(2, { FROM: "-1" });
  await expect(wirebook.card("brick 2 -1")).toContainText("done");
  const parts = page.getByRole("navigation", { name: "Parts of the wire" });
  await expect(parts.getByRole("button")).toHaveText(["Timeline", /Notes\s\d/, /Frames\s5/, "Bytes", /Steps\s11/]);
  const steps = wirebook.wire.getByRole("table", { name: "Steps" });
  await expect(steps).not.toBeInViewport();
  await parts.getByRole("button", { name: "Steps" }).click();
  await expect(steps).toBeInViewport();
  await parts.getByRole("button", { name: "Timeline" }).click();
  await expect(steps).not.toBeInViewport();
});

test("on a phone a message leads to its timeline", async ({ wirebook, page }) => {
  await page.setViewportSize({ width: 390, height: 844 });
  await wirebook.send(2, { FROM: "-1" });
  await wirebook.card("brick 2 -1").getByRole("button", { name: "Inspect" }).click();
  await expect(wirebook.wire).toContainText("The message is line");
});

test("bytes are selected with the keyboard and lit everywhere", async ({ wirebook, page }) => {
  await wirebook.send(2, { FROM: "-1" });
  await expect(wirebook.card("brick 2 -1")).toContainText("done");
  const places = wirebook.wire.getByRole("region", { name: "The message in four places" });
  await wirebook.wire.getByRole("group", { name: "Bytes of the message" }).focus();
  for (const key of ["ArrowRight", "Shift+ArrowRight", "Shift+ArrowRight"]) await page.keyboard.press(key);
  const litInFrame = wirebook.wire.getByRole("group", { name: "Bytes of frame 1" }).locator(".hex .lit");
  await expect(litInFrame).toHaveText(["62", "72", "69"]);
  await page.keyboard.press("Escape");
  await expect(places.locator(".lit")).toHaveCount(0);
});

test("j and k go through the frames and through the exchanges", async ({ wirebook, page }) => {
  for (const from of ["-1", "-2"]) {
    await wirebook.send(2, { FROM: from });
    await expect(wirebook.card(`brick 2 ${from}`)).toContainText("done");
  }
  const { wire } = wirebook;
  await wire.getByRole("group", { name: "Frames" }).getByRole("button").first().focus();
  await page.keyboard.press("j");
  await page.keyboard.press("ArrowDown");
  // The write, which the message in four places shows.
  await expect(wire.getByRole("region", { name: "The message in four places" })).toBeVisible();
  await page.keyboard.press("ArrowDown");
  await expect(wire.getByRole("region", { name: "Frame 4" })).toContainText(
    "16 bytes of header: kind, stream, time, then",
  );
  await expect(wire.getByRole("group", { name: "Frames" }).getByRole("button").nth(3)).toBeFocused();
  const lines = wire.getByRole("list", { name: "Lines of the reply in this read" });
  await lines.getByText("Operations:").hover();
  await expect(wire.getByRole("group", { name: "Bytes of frame 4" }).locator(".hex .lit").first()).toHaveText("4f");
  await page.keyboard.press("k");
  await page.keyboard.press("k");
  await expect(wire.getByRole("region", { name: "Frame 2" })).toContainText("JSON text");

  await wire.getByRole("group", { name: "Timeline of brick 2 -2" }).focus();
  await page.keyboard.press("k");
  await expect(wire.getByRole("group", { name: "Timeline of brick 2 -1" })).toBeFocused();
  await page.keyboard.press("j");
  await expect(wire.getByRole("group", { name: "Timeline of brick 2 -2" })).toBeFocused();
});

test("the notes say what happened, and where each term is defined", async ({ wirebook, page }) => {
  await wirebook.send(undefined);
  await expect(wirebook.card("brick")).toContainText("done");
  const notes = wirebook.wire.getByRole("list", { name: "Notes" });
  for (const term of ["masking", "three-way handshake", "line feed", "durability", "header", "FIN"]) {
    await expect(notes).toContainText(term);
  }
  await expect(notes.getByRole("link", { name: "RFC 6455, 5.3" })).toHaveAttribute(
    "href",
    "https://www.rfc-editor.org/rfc/rfc6455#section-5.3",
  );
  await expect(notes).toContainText("[W-8]");
  expect((await new AxeBuilder({ page }).analyze()).violations).toEqual([]);
});
