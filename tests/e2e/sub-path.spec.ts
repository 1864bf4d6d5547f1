/** The page under a path of a reverse proxy that takes the path away before it passes a request on. */

import { createServer, request } from "node:http";
import type { AddressInfo } from "node:net";
import { connect } from "node:net";
import { once } from "node:events";
import { startGateway } from "../../test-support/programs.ts";
import { expect, test, Wirebook } from "./wirebook.ts";

const path = "/wirebook";

/** What the gateway is asked for; `undefined` for what is not its own. */
function strip(url = ""): string | undefined {
  return url.startsWith(`${path}/`) ? url.slice(path.length) : undefined;
}

/** A proxy in front of a gateway that is known only later, since the gateway is to allow the proxy's address. */
async function openProxy() {
  const gateway = { port: 0 };
  const proxy = createServer((incoming, answer) => {
    const own = strip(incoming.url);
    if (own === undefined) return void answer.writeHead(404).end();
    const passed = { port: gateway.port, host: "127.0.0.1", path: own, headers: incoming.headers };
    incoming.pipe(
      request({ ...passed, method: incoming.method ?? "GET" }, (reply) => {
        answer.writeHead(reply.statusCode ?? 500, reply.headers);
        reply.pipe(answer);
      }),
    );
  });
  proxy.on("upgrade", ({ url, rawHeaders }, socket) => {
    const own = strip(url);
    if (own === undefined) return void socket.end("HTTP/1.1 404 Not Found\r\n\r\n");
    const upstream = connect(gateway.port, "127.0.0.1");
    const headers = rawHeaders.map((text, index) => `${text}${index % 2 === 0 ? ": " : "\r\n"}`).join("");
    upstream.write(`GET ${own} HTTP/1.1\r\n${headers}\r\n`);
    upstream.pipe(socket).pipe(upstream);
    for (const each of [socket, upstream]) each.on("error", () => each.destroy());
  });
  await once(proxy.listen(0, "127.0.0.1"), "listening");
  const { port } = proxy.address() as AddressInfo;
  return {
    gateway,
    address: `http://127.0.0.1:${port}`,
    [Symbol.asyncDispose]: async () => {
      proxy.close();
      proxy.closeAllConnections();
    },
  };
}

test("the page works under a path of a proxy, with every part that is loaded later", async ({ page, server }) => {
  await using proxy = await openProxy();
  await using gateway = await startGateway({ server: server.address, options: ["--origin", proxy.address] });
  proxy.gateway.port = gateway.port;
  const missing: string[] = [];
  page.on("response", (response) => response.status() >= 400 && missing.push(response.url()));
  await page.goto(`${proxy.address}${path}/`);
  const wirebook = new Wirebook(page);
  await wirebook.begin("brick");
  await wirebook.send(2, { FROM: "-1" });
  await expect(wirebook.card("brick 2 -1")).toContainText("done");
  await expect(wirebook.inspector).toContainText("brick 2 -1");
  await page.getByRole("button", { name: "Help" }).click();
  await expect(page.getByRole("dialog", { name: "Help" })).toBeVisible();
  expect(missing).toEqual([]);
});
