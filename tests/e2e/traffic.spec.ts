/** Watching: other programs connect through a port of the gateway, and the page shows them as they run. */

import { once } from "node:events";
import { connect } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Locator, Page, WebSocketRoute } from "@playwright/test";
import { expertFindings, follow, hasTshark, tshark } from "../../libs/capture/test/tshark.ts";
import type { Program } from "../../test-support/program.ts";
import { referenceClientPath, startGateway } from "../../test-support/programs.ts";
import { findPython } from "../../test-support/python.ts";
import { run } from "../../test-support/run.ts";
import { TestServer } from "../../test-support/tcp-client.ts";
import { expect, runClient, test, Wirebook } from "./wirebook.ts";

/** The port on which a gateway listens for clients, by its first line. */
function listenPort(gateway: Program): number {
  const line = gateway.stdout.find((each) => each.includes('"listening"')) ?? "";
  const [first = ""] = (JSON.parse(line) as { readonly listening: readonly string[] }).listening;
  return Number(/:(\d+)=/u.exec(first)?.[1]);
}

/** The newest connection first. */
function traffic(page: Page): { readonly pane: Locator; readonly rows: Locator } {
  const pane = page.getByRole("region", { name: "Traffic" });
  return { pane, rows: pane.getByRole("listitem") };
}

/** What the arrows of the diagram say, in their order. */
async function arrowsOf(wirebook: Wirebook): Promise<string[]> {
  const arrows = wirebook.inspector.getByRole("group", { name: /^Sequence of/ }).getByRole("button");
  return arrows.evaluateAll((all) =>
    all.map((each) => (each.getAttribute("aria-label") ?? "").replace(/, [\d.]+ ms(, derived)?$/u, "$1")),
  );
}

/** Opens a connection that stays. */
async function open(port: number) {
  const socket = connect({ port, host: "127.0.0.1", allowHalfOpen: true });
  await once(socket, "connect");
  return socket;
}

test("shows the client, a socket and the reference client as they run", async ({ page, server }) => {
  await using gateway = await startGateway({ server: server.address, options: ["--listen=0=wirebook"] });
  const port = listenPort(gateway);
  const wirebook = await Wirebook.open(page, gateway);
  await page.getByRole("button", { name: "Traffic" }).click();
  const { pane, rows } = traffic(page);
  await expect(pane).toContainText(`nc 127.0.0.1 ${port}`);

  await runClient({ port } as Program, "brick", "2");
  await expect(rows).toHaveCount(1);
  await expect(rows.first()).toContainText(/closed by (wirebook|client)/);

  const socket = await open(port);
  await expect(rows).toHaveCount(2);
  await expect(rows.first()).toContainText("open");
  socket.write("otter 2 ");
  await expect(rows.first()).toContainText("8 bytes");
  socket.end("-1\n").resume();
  await expect(rows.first()).toContainText("closed by");

  const python = findPython();
  if (python !== undefined) {
    await run(python, [referenceClientPath, "127.0.0.1", String(port), "otter~s3cret", "2"]);
    await expect(rows).toHaveCount(3);
    await expect(rows.first()).toContainText("closed by");
  }

  // The first, whole in one diagram.
  await rows.last().getByRole("button").click();
  await expect(wirebook.inspector).toContainText(/talked to wirebook for .*: 1 read from the client/);
  const drawn = await arrowsOf(wirebook);
  for (const part of [
    "SYN, client to gateway, derived",
    "SYN, gateway to wirebook, derived",
    '"brick 2", client to gateway',
    "8 B, gateway to wirebook, derived",
    "FIN, client to gateway",
    "FIN, gateway to wirebook, derived",
    "FIN, wirebook to gateway, derived",
    "FIN, gateway to client",
  ]) {
    expect(drawn).toContain(part);
  }
  expect(drawn.filter((each) => each.startsWith("read ")).length).toBeGreaterThan(0);
  await wirebook.openTab("Stream");
  await expect(wirebook.inspector.getByRole("group", { name: /^Stream of/ })).toContainText("brick 2");
  await expect(wirebook.inspector.getByRole("tab", { name: /Frames/ })).toHaveCount(0);
  await wirebook.openTab("Bytes");
  await expect(wirebook.inspector.getByRole("region", { name: "Frame 1" })).toContainText("627269636b20320a");
  await expect(page.locator("body")).not.toContainText("s3cret");

  const filter = pane.getByRole("searchbox", { name: "Filter traffic" });
  await filter.fill("mail");
  await expect(rows).toHaveCount(0);
  await filter.fill("closed wirebook");
  await expect(rows).toHaveCount(python === undefined ? 2 : 3);
  await filter.fill("");

  // The history is one press away.
  await pane.getByRole("button", { name: "History", exact: true }).click();
  await expect(wirebook.grid).toBeVisible();
  await runClient({ port } as Program, "brick");
  await expect(wirebook.history.getByRole("button", { name: `Traffic ${python === undefined ? 3 : 4}` })).toBeVisible();
});

test("exports both legs of a connection for Wireshark, and the whole to be loaded again", async ({ page, server }) => {
  await using gateway = await startGateway({ server: server.address, options: ["--listen=0=wirebook"] });
  const port = listenPort(gateway);
  const wirebook = await Wirebook.open(page, gateway);
  await page.getByRole("button", { name: "Traffic" }).click();
  const { rows } = traffic(page);
  await runClient({ port } as Program, "brick", "2");
  await expect(rows.first()).toContainText("closed by");

  await page.getByRole("button", { name: "Export & share…" }).click();
  const dialog = page.getByRole("dialog", { name: "Export & share" });
  await dialog.getByRole("button", { name: "1 connection of the traffic" }).click();
  const save = async (name: string) => {
    const [download] = await Promise.all([page.waitForEvent("download"), dialog.getByRole("button", { name }).click()]);
    const path = join(tmpdir(), `wirebook-${process.pid}-${download.suggestedFilename()}`);
    await download.saveAs(path);
    return path;
  };
  const packets = await save("pcapng");
  if (hasTshark) {
    for (const stream of [0, 1]) {
      const { client, server: answered } = await follow(packets, stream);
      expect(client.toString()).toBe("brick 2\n");
      expect(answered.toString()).toMatch(/"brick 2"\n$/);
    }
    const ports = await tshark(
      packets,
      "-Y",
      "tcp.flags.syn==1 && tcp.flags.ack==0",
      "-T",
      "fields",
      "-e",
      "tcp.dstport",
    );
    expect(ports).toEqual([String(port), String(server.port)]);
    expect(await expertFindings(packets)).toEqual([]);
  }
  const session = await save("NDJSON");
  await page.reload();
  await wirebook.inspector.getByRole("button", { name: "Export & share…" }).click();
  await page.getByLabel("Session file").setInputFiles(session);
  await expect(page.getByRole("dialog").getByRole("status")).toHaveText("Loaded 1 exchange.");
  await page.keyboard.press("Escape");
  await expect(wirebook.inspector).toContainText("Loaded");
  expect(await arrowsOf(wirebook)).toContain("FIN, gateway to client");
});

test("goes on where it was after its WebSocket was cut, and misses nothing", async ({ page }) => {
  await using target = await TestServer.listen((socket) => socket.on("data", (bytes) => socket.write(bytes)));
  await using gateway = await startGateway({ options: [`--target=echo=tcp://${target.address}`, "--listen=0=echo"] });
  let isDown = false;
  const routes: WebSocketRoute[] = [];
  await page.routeWebSocket(/./u, (route) => {
    if (isDown) return void route.close();
    routes.push(route);
    route.connectToServer();
  });
  await page.goto(`http://${gateway.address}/`);
  // Without a Wirebook server there is no history, and the pane has the traffic alone.
  const { pane, rows } = traffic(page);
  await expect(pane).toBeVisible();
  await expect(page.getByRole("region", { name: "History" })).toBeHidden();
  const socket = await open(listenPort(gateway));
  socket.write("one");
  await expect(rows.first()).toContainText("↑ 3 bytes ↓ 3 bytes");

  isDown = true;
  await routes.at(-1)?.close();
  await expect(page.getByRole("status", { name: "Connection" })).not.toContainText("Connected");
  socket.write("two");
  await once(socket, "data");
  const second = await open(listenPort(gateway));
  isDown = false;
  await expect(rows).toHaveCount(2);
  expect(routes.length).toBe(2);
  await expect(rows.last()).toContainText("↑ 6 bytes ↓ 6 bytes");
  await rows.last().getByRole("button").click();
  const inspector = page.getByRole("region", { name: "Inspector" });
  await inspector.getByRole("tab", { name: "Stream" }).click();
  await expect(inspector.getByRole("button", { name: /^write \d/ })).toHaveCount(2);
  await expect(inspector).not.toContainText("missing");

  // A client that breaks off is seen as one.
  second.resetAndDestroy();
  await expect(rows.first()).toContainText("reset");
  await rows.first().getByRole("button").click();
  await expect(inspector).toContainText("The client sent RST, and the gateway passed it on.");
  socket.destroy();
});

test("sets the faults of a port, and shows what was done", async ({ page }) => {
  await using target = await TestServer.listen((socket) => socket.on("data", (bytes) => socket.write(bytes)));
  await using gateway = await startGateway({ options: [`--target=echo=tcp://${target.address}`, "--listen=0=echo"] });
  const port = listenPort(gateway);
  await page.goto(`http://${gateway.address}/`);
  const { pane, rows } = traffic(page);
  await pane.getByText("no faults").click();
  const form = pane.getByRole("form", { name: `Faults of port ${port}` });
  await form.getByLabel("Latency, ms").fill("30");
  await form.getByLabel("Slices, bytes").fill("2");
  await form.getByRole("button", { name: "Set faults" }).click();
  await expect(pane).toContainText("latency 30 ms, slices of 2 bytes");

  const socket = await open(port);
  socket.write("abc");
  await expect(rows.first()).toContainText("↓ 3 bytes");
  await rows.first().getByRole("button").click();
  const inspector = page.getByRole("region", { name: "Inspector" });
  await expect(inspector).toContainText(
    `Port ${port} did this to the connection on purpose: latency 30 ms, slices of 2 bytes.`,
  );
  await expect(inspector.getByRole("button", { name: /^2 B went on, gateway to echo/ })).toBeVisible();
  await form.getByRole("button", { name: "Remove faults" }).click();
  await expect(pane).toContainText("no faults");
  socket.destroy();
});
