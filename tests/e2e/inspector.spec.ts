import { AxeBuilder } from "@axe-core/playwright";
import { once } from "node:events";
import { createServer } from "node:net";
import type { Socket } from "node:net";
import type { Program } from "../../test-support/program.ts";
import { startGateway } from "../../test-support/programs.ts";
import { expect, test, Wirebook } from "./wirebook.ts";

/** A service that says what the test makes it say, once someone has connected. */
async function startMail() {
  const { promise: connected, resolve } = Promise.withResolvers<Socket>();
  const server = createServer((socket) => {
    socket.on("error", () => {});
    socket.setNoDelay(true).resume();
    resolve(socket);
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as { port: number };
  return {
    target: `mail=tcp://127.0.0.1:${port}`,
    connected,
    async [Symbol.asyncDispose]() {
      (await connected).destroy();
      server.close();
      await once(server, "close");
    },
  };
}

/** Writes each part when the gateway has read the one before: so each is a read of its own. */
async function say(gateway: Program, socket: Socket, parts: readonly (string | Uint8Array)[]): Promise<void> {
  let before = await bytesRead(gateway);
  for (const part of parts) {
    socket.write(part);
    before += Buffer.byteLength(part);
    const sum = before;
    await expect.poll(() => bytesRead(gateway), { intervals: [2] }).toBe(sum);
  }
}

async function bytesRead(gateway: Program): Promise<number> {
  const metrics = await (await fetch(`http://${gateway.address}/metrics`)).text();
  return Number(
    /^wirebook_gateway_bytes_total\{hop="gateway-server",direction="down"\} (\d+)$/m.exec(metrics)?.[1] ?? 0,
  );
}

test("a message is followed from the page's frame over TCP into its line of the history", async ({ wirebook }) => {
  await expect(wirebook.follow).toHaveText("live");
  await wirebook.send(2, { FROM: "-1" });
  await expect(wirebook.card("brick 2 -1")).toContainText("done");
  const { inspector } = wirebook;
  await expect(inspector).toContainText(
    /The message is line \d+ of the history\. It was carried out and answered\. *Sent 11 B, received \d+ B/,
  );
  // The first leg may be lost in the error of the two clocks.
  await expect(inspector.getByRole("img", { name: /^Where the time went: .*\bserver \d/ })).toBeVisible();

  await wirebook.openTab("Frames");
  const frames = inspector.getByRole("group", { name: "Frames" });
  await expect(frames.getByRole("button").first()).toContainText(/1 text, 6 \+ \d+ B, masked, request/);
  await expect(frames.getByRole("button").nth(2)).toContainText(/2 binary, 2 \+ 20 B, written.*→ write 1, 11 B/);
  await wirebook.openTab("Bytes");
  await expect(inspector.getByRole("group", { name: "Bytes of frame 1" })).toContainText("request");
  await expect(inspector).toContainText("11 bytes, as the gateway wrote them");
  const places = inspector.getByRole("region", { name: "The message in four places" });
  await expect(places).toContainText(/line \d+.*127\.0\.0\.1 "brick 2 -1"/);

  const onTcp = inspector.getByRole("group", { name: "Bytes of the message" });
  await onTcp.getByText("2d", { exact: true }).hover();
  await expect(places.locator(".lit")).toHaveText(["2d", "-"]);
});

test("the wire has the first message as soon as there is one, and each message its own line", async ({ wirebook }) => {
  const { inspector, history } = wirebook;
  await expect(wirebook.follow).toHaveText("live");
  await expect(inspector).toContainText("The message is line 1 of the history. The reply lists the operations");
  const marked = history.getByRole("row").filter({ hasText: "on the wire" });
  await expect(marked).toHaveText(/^\s*1\s.*on the wire/su);

  // The same words again, which line 1 has as well: the line that is still to come is the one.
  await wirebook.send(undefined);
  await expect(inspector).toContainText("The message is line 4 of the history.");
  await expect(marked).toHaveText(/^\s*4\s.*on the wire/su);
});

test("the tabs are moved through with the keyboard, and the diagram stays above them", async ({ wirebook, page }) => {
  await page.setViewportSize({ width: 1280, height: 720 });
  await wirebook.send(2, { FROM: "-1" });
  await expect(wirebook.card("brick 2 -1")).toContainText("done");
  const { inspector } = wirebook;
  const tabs = inspector.getByRole("tab");
  await expect(tabs).toHaveText([
    "What happened",
    "Stream",
    "Frames",
    "Bytes",
    "Steps",
    "Compare",
    "Fault lab",
    "Scenario",
  ]);
  // None of them is out of sight, also where there is little room.
  for (const tab of await tabs.all()) await expect(tab).toBeInViewport({ ratio: 1 });
  const diagram = inspector.getByRole("group", { name: /^Sequence of browser, gateway and server/ });
  const panel = inspector.getByRole("tabpanel");
  await tabs.first().focus();
  for (const name of ["What happened", "Stream", "Frames", "Bytes", "Steps", "Compare", "Fault lab"]) {
    await expect(inspector.getByRole("tab", { name })).toBeFocused();
    await expect(inspector.getByRole("tabpanel", { name })).toBeVisible();
    // What is compared has two sentences of its own.
    if (name === "Compare") {
      await page.keyboard.press("ArrowRight");
      continue;
    }
    await expect(diagram).toBeInViewport({ ratio: 0.9 });
    await expect(inspector.getByText(/^The message is line \d+/)).toBeInViewport();
    expect((await panel.boundingBox())?.height).toBeGreaterThan(150);
    await page.keyboard.press("ArrowRight");
  }
  // A text needs the room more.
  await expect(inspector.getByRole("tabpanel", { name: "Scenario" })).toBeVisible();
  await expect(diagram).toBeHidden();
  await page.keyboard.press("Home");
  await expect(tabs.first()).toBeFocused();
  await page.keyboard.press("End");
  await expect(tabs.last()).toBeFocused();
});

test("on a low screen the diagram folds until it is asked for", async ({ wirebook, page }) => {
  await wirebook.send(2, { FROM: "-1" });
  await expect(wirebook.card("brick 2 -1")).toContainText("done");
  const toggle = wirebook.inspector.getByRole("button", { name: "Diagram" });
  await expect(toggle).toHaveAttribute("aria-expanded", "true");
  await page.setViewportSize({ width: 1280, height: 540 });
  await expect(toggle).toHaveAttribute("aria-expanded", "false");
  await toggle.click();
  await expect(toggle).toHaveAttribute("aria-expanded", "true");
});

test("focus lights the same bytes everywhere, and Enter pins them until Escape", async ({ wirebook, page }) => {
  await wirebook.send(2, { FROM: "-1" });
  await expect(wirebook.card("brick 2 -1")).toContainText("done");
  const { inspector } = wirebook;
  const arrow = inspector.getByRole("button", { name: /^read 1, \d+ B, server to gateway, / });
  await inspector.getByRole("button", { name: "header", exact: true }).focus();
  await expect(arrow).toHaveClass(/lit/);

  await inspector.getByRole("button", { name: "Diagram" }).focus();
  await page.keyboard.press("Tab");
  await expect(inspector.getByRole("button", { name: /^text frame, 73 B, browser to gateway, / })).toBeFocused();
  await page.keyboard.press("End");
  await expect(inspector.getByRole("button", { name: /^end, gateway to browser, / })).toBeFocused();
  await arrow.focus();
  await page.keyboard.press("Enter");
  await expect(arrow).toHaveAttribute("aria-pressed", "true");
  await expect(inspector.getByRole("button", { name: /^Pinned: read 1/ })).toBeVisible();
  await wirebook.openTab("Frames");
  const frames = inspector.getByRole("group", { name: "Frames" }).getByRole("button");
  await expect(frames.nth(3)).toHaveClass(/lit/);
  await expect(frames.nth(3)).toHaveAttribute("aria-current", "true");
  await wirebook.openTab("Bytes");
  await expect(inspector.getByRole("region", { name: "Frame 4" })).toBeVisible();
  await expect(inspector.getByRole("group", { name: "Bytes of frame 4" }).locator(".hex .lit").first()).toBeVisible();
  await page.keyboard.press("Escape");
  await expect(inspector.getByRole("button", { name: /^Pinned/ })).toHaveCount(0);
  await expect(arrow).toHaveAttribute("aria-pressed", "false");

  await wirebook.openTab(/^Steps/);
  await inspector.getByRole("table", { name: "Steps" }).getByRole("button", { name: "FIN" }).hover();
  await expect(inspector.getByRole("button", { name: /^FIN, server to gateway, / })).toHaveClass(/lit/);
});

test("the stream shows both directions, joins characters across reads, and marks where each read begins", async ({
  page,
}) => {
  await using mail = await startMail();
  await using gateway = await startGateway({ options: ["--target", mail.target] });
  const wirebook = new Wirebook(page);
  const { inspector } = wirebook;
  await page.goto(`http://${gateway.address}/`);
  await wirebook.commandLine.getByRole("button", { name: "Connect" }).click();
  const socket = await mail.connected;
  await say(gateway, socket, ["220 mail ESMTP\r\n"]);
  await expect(inspector).toContainText(
    /The conversation with mail is open: no writes and 1 read in .*; mail spoke first\./,
  );
  await wirebook.type("EHLO x");
  await expect(inspector).toContainText(/1 write and 1 read/);
  const reply = Buffer.from("250-héllo\r\n");
  await say(gateway, socket, [reply.subarray(0, 6), reply.subarray(6)]);
  await expect(inspector).toContainText(/The conversation with mail is open: 1 write and 3 reads/);

  await wirebook.openTab("Stream");
  const stream = inspector.getByRole("group", { name: "Stream of mail #1" });
  await expect(stream).toContainText(/220 mail[^]*EHLO x[^]*250-héllo/);
  await expect(stream.getByRole("button", { name: /^read \d, \d+ bytes, received at/ })).toHaveCount(3);
  await expect(stream.getByRole("button", { name: /^write 1, \d bytes, sent at/ })).toHaveCount(1);
  // The second read ends within the é.
  await stream.getByRole("button", { name: /^read 3, 6 bytes/ }).click();
  await expect(inspector.getByRole("button", { name: "Pinned: read 3" })).toBeVisible();
  await expect(inspector.getByRole("button", { name: /^read 3, 6 B, mail to gateway/ })).toHaveClass(/lit/);
  await wirebook.openTab("Bytes");
  await expect(inspector.getByRole("group", { name: "Bytes of frame" })).toContainText("a96c6c6f0d0a");

  // What the page sends is a frame like any other.
  await wirebook.openTab(/^Frames/);
  const frames = inspector.getByRole("group", { name: "Frames" });
  await frames
    .getByRole("button")
    .filter({ hasText: /2 binary, 6 \+ \d+ B, masked/ })
    .click();
  await wirebook.openTab("Bytes");
  await expect(inspector.getByRole("region", { name: /^Frame \d/ })).toContainText(/2 binary, 6 \+ 24 B, masked/);
});

test("a long conversation is drawn as a window that moves along, and can be held and moved back", async ({ page }) => {
  await using mail = await startMail();
  await using gateway = await startGateway({ options: ["--target", mail.target] });
  const wirebook = new Wirebook(page);
  const { inspector } = wirebook;
  await page.goto(`http://${gateway.address}/`);
  await wirebook.type("TICK");
  const socket = await mail.connected;
  await say(
    gateway,
    socket,
    Array.from({ length: 80 }, (_, at) => `tick ${at}\r\n`),
  );
  await expect(inspector).toContainText(/1 write and 80 reads/);
  const part = inspector.getByRole("group", { name: "Part of the diagram" });
  await expect(part).toContainText(/events 44–83 of 83/);
  const arrows = inspector.getByRole("group", { name: /^Sequence of/ }).getByRole("button");
  expect(await arrows.count()).toBeLessThan(100);
  await expect(part.getByRole("button", { name: "Newest" })).toBeDisabled();
  await part.getByRole("button", { name: "Earlier" }).click();
  await expect(part).toContainText(/events 24–63 of 83/);
  await say(gateway, socket, ["one more\r\n"]);
  await expect(part).toContainText("events 24–63 of 84");

  // A frame far away is shown for as long as it is pinned.
  await wirebook.openTab(/^Frames/);
  const frames = inspector.getByRole("group", { name: "Frames" }).getByRole("button");
  await frames.first().click();
  await expect(part).toContainText(/events 1–40 of/);
  await expect(inspector.getByRole("button", { name: /^text frame, \d+ B, browser to gateway/ })).toBeInViewport();
  await page.keyboard.press("Escape");
  await part.getByRole("button", { name: "Newest" }).click();
  await expect(part).toContainText(/events 45–84 of 84/);
});

test("on a phone a message leads to its timeline", async ({ wirebook, page }) => {
  await page.setViewportSize({ width: 390, height: 844 });
  await wirebook.send(2, { FROM: "-1" });
  await wirebook
    .card("brick 2 -1")
    .getByRole("button", { name: /^brick 2 -1/ })
    .click();
  await expect(wirebook.inspector).toContainText("The message is line");
});

test("bytes are selected with the keyboard", async ({ wirebook, page }) => {
  await wirebook.send(2, { FROM: "-1" });
  await expect(wirebook.card("brick 2 -1")).toContainText("done");
  await expect(wirebook.inspector.locator("header")).toContainText("brick 2 -1");
  await wirebook.openTab("Bytes");
  const places = wirebook.inspector.getByRole("region", { name: "The message in four places" });
  const bytes = wirebook.inspector.getByRole("group", { name: "Bytes of the message" });
  await bytes.focus();
  for (const key of ["ArrowRight", "Shift+ArrowRight", "Shift+ArrowRight"]) await page.keyboard.press(key);
  await expect(bytes.locator(".hex .lit")).toHaveText(["62", "72", "69"]);
  await page.keyboard.press("Escape");
  await expect(places.locator(".lit")).toHaveCount(0);
});

test("j and k go through the frames and through the exchanges", async ({ wirebook, page }) => {
  for (const from of ["-1", "-2"]) {
    await wirebook.send(2, { FROM: from });
    await expect(wirebook.card(`brick 2 ${from}`)).toContainText("done");
  }
  const { inspector } = wirebook;
  await wirebook.openTab("Frames");
  const frames = inspector.getByRole("group", { name: "Frames" }).getByRole("button");
  await expect(frames.nth(4)).toBeVisible();
  await frames.first().focus();
  await page.keyboard.press("j");
  await page.keyboard.press("ArrowDown");
  await page.keyboard.press("ArrowDown");
  await expect(frames.nth(3)).toBeFocused();
  await wirebook.openTab("Bytes");
  await expect(inspector.getByRole("region", { name: "Frame 4" })).toContainText(
    "the first 16 bytes are kind, stream and time",
  );
  await inspector.getByRole("button", { name: "Previous frame" }).click();
  await expect(inspector.getByRole("region", { name: "Frame 3" })).toContainText("write 1, 11 bytes");
  await inspector.getByRole("button", { name: "Previous frame" }).click();
  await expect(inspector.getByRole("region", { name: "Frame 2" })).toContainText("1 text, ");
  await inspector.getByRole("button", { name: "Previous frame" }).click();
  await expect(inspector.getByRole("region", { name: "The message in four places" })).toBeVisible();

  const name = inspector.locator("header code");
  await expect(name).toHaveText("brick 2 -2");
  await inspector.focus();
  await page.keyboard.press("k");
  await expect(name).toHaveText("brick 2 -1");
  await page.keyboard.press("j");
  await expect(name).toHaveText("brick 2 -2");
});

test("the notes say what happened, and where each term is defined", async ({ wirebook, page }) => {
  await wirebook.send(undefined);
  await expect(wirebook.card("brick")).toContainText("done");
  const notes = wirebook.inspector.getByRole("list", { name: "Notes" });
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

test("a long name of a target is whole above its line", async ({ page, server }) => {
  const name = "mail-everyone";
  const options = ["--target", `${name}=tcp://127.0.0.1:1`];
  await using gateway = await startGateway({ server: server.address, options });
  const wirebook = await Wirebook.open(page, gateway);
  const target = wirebook.commandLine.getByRole("combobox", { name: "Target" });
  await target.selectOption(name);
  await wirebook.commandLine.getByRole("button", { name: "Connect" }).click();
  await expect(wirebook.card(`${name} #1`)).toContainText("failed");
  const label = wirebook.inspector.locator(".lanes").getByText(name);
  const box = await label.boundingBox();
  const lanes = await wirebook.inspector.locator(".lanes").boundingBox();
  expect((box?.x ?? 0) + (box?.width ?? 0)).toBeLessThanOrEqual((lanes?.x ?? 0) + (lanes?.width ?? 0));
});
