/** Debian's noVNC drives Debian's TigerVNC through the relay: a WebSocket client and a TCP server that others wrote. */

import { createReadStream, existsSync } from "node:fs";
import { createServer } from "node:http";
import { extname, join, normalize } from "node:path";
import { once } from "node:events";
import type { AddressInfo } from "node:net";
import { expect, test } from "@playwright/test";
import type { Page } from "@playwright/test";
import { unmet } from "../faults/framework/needs.ts";
import { startGateway } from "../../test-support/programs.ts";
import { findNovnc, startVnc, vncNeeds } from "../../test-support/services/vnc.ts";
import { startWebsockify } from "../../test-support/services/websockify.ts";
import { skipWhen } from "./skip.ts";

const types: Readonly<Record<string, string>> = { ".html": "text/html", ".js": "text/javascript", ".css": "text/css" };

test("noVNC shows the same pixels through the relay as through websockify, and sends keys", async ({
  page,
  context,
}) => {
  const missing = unmet([...vncNeeds, "novnc", "websockify"]);
  skipWhen(
    missing.length > 0,
    `${missing.join(", ")} is missing; \`node scripts/debian-programs.mjs\` fetches what apt has`,
  );
  await using vnc = await startVnc();
  await using files = await serveNovnc();
  await using websockify = await startWebsockify(vnc.port);
  // The page comes from elsewhere, so its origin has to be allowed.
  const target = ["--target", `vnc=tcp://127.0.0.1:${vnc.port}`];
  await using gateway = await startGateway({ options: ["--relay", ...target, "--origin", files.origin] });

  // noVNC's own small page, which offers no subprotocol.
  await page.goto(`${files.origin}/vnc_lite.html?host=127.0.0.1&port=${gateway.port}&path=tcp/vnc`);
  await expect(page.locator("#status")).toHaveText(/^Connected to /);
  const byRelay = await pixelsOf(page);
  const other = await context.newPage();
  await other.goto(`${files.origin}/vnc_lite.html?host=127.0.0.1&port=${websockify.port}&path=`);
  await expect(other.locator("#status")).toHaveText(/^Connected to /);
  await expect.poll(() => pixelsOf(other)).toEqual(byRelay);

  // What is typed there reaches the program on the screen.
  await page.locator("canvas").click({ position: { x: 100, y: 80 } });
  await page.keyboard.press("w");
  await expect.poll(() => vnc.events()).toMatch(/ButtonPress event[^]*KeyPress event[^]*keysym 0x77, w/);

  // The same with the subprotocol that other clients offer.
  await page.goto(`${files.origin}/binary.html?ws://127.0.0.1:${gateway.port}/tcp/vnc`);
  await expect(page).toHaveTitle("binary connected");
  await expect.poll(() => pixelsOf(page)).toEqual(byRelay);
});

/** The screen once it has been drawn: the same twice in a row, and not of one colour. */
async function pixelsOf(page: Page): Promise<string> {
  const draw = (): Promise<string> =>
    page.evaluate(() => {
      const canvas = document.querySelector("canvas") as HTMLCanvasElement;
      const context = canvas.getContext("2d") as CanvasRenderingContext2D;
      const { data } = context.getImageData(0, 0, canvas.width, canvas.height);
      const colours = new Set(new Uint32Array(data.buffer));
      return colours.size < 2 ? "" : canvas.toDataURL();
    });
  let before = "";
  let now = "";
  await expect(async () => {
    before = now;
    now = await draw();
    expect(now).not.toBe("");
    expect(now).toBe(before);
  }).toPass();
  return now;
}

/** A page that offers `binary`, made from the same library. */
const binaryPage = `<!doctype html><title>waiting</title><div id="screen" style="width:320px;height:240px"></div>
<script type="module">
  import RFB from "./core/rfb.js";
  const rfb = new RFB(document.getElementById("screen"), location.search.slice(1), { wsProtocols: ["binary"] });
  rfb.addEventListener("connect", () => (document.title = rfb._sock._websocket.protocol + " connected"));
</script>`;

/** Serves Debian's files of noVNC. */
async function serveNovnc(): Promise<AsyncDisposable & { readonly origin: string }> {
  const root = findNovnc() ?? "";
  const server = createServer((request, response) => {
    const { pathname } = new URL(request.url ?? "/", "http://127.0.0.1");
    if (pathname === "/binary.html") return void response.setHeader("content-type", "text/html").end(binaryPage);
    const path = join(root, normalize(pathname));
    if (!existsSync(path)) return void response.writeHead(404).end();
    response.setHeader("content-type", types[extname(path)] ?? "application/octet-stream");
    createReadStream(path).pipe(response);
  }).listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as AddressInfo;
  return {
    origin: `http://127.0.0.1:${port}`,
    [Symbol.asyncDispose]: async () => {
      server.closeAllConnections();
      server.close();
      await once(server, "close");
    },
  };
}
