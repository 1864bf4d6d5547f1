/**
 * Pages on another machine, or in a network namespace: opens WebSockets and starts a follow on each.
 *
 *     node far-pages.ts HOST:PORT ORIGIN COUNT      prints a line when all of them follow
 */

import { once } from "node:events";
import process from "node:process";
import { WebSocket } from "ws";
import { decodeGatewayFrame, encodeFrame, subprotocol } from "@wirebook/protocol";

const [address = "", origin = "", count = "1"] = process.argv.slice(2);
// The Host that the gateway knows is its origin's, whatever the address by which it is reached.
const headers = { host: new URL(origin).host };
for (let opened = 0; opened < Number(count); opened++) {
  const socket = new WebSocket(`ws://${address}/ws`, subprotocol, { origin, headers });
  socket.on("error", ({ message }) => process.stderr.write(`${message}\n`));
  await once(socket, "open");
  const following = new Promise<void>((resolve) => {
    socket.on("message", (data: Buffer, isBinary) => {
      if (isBinary) return;
      const decoded = decodeGatewayFrame(data.toString());
      if ("frame" in decoded && decoded.frame.type === "open") resolve();
    });
  });
  socket.send(encodeFrame({ type: "request", id: 1, user: "brick", operation: 5 }));
  await following;
}
process.stdout.write(`${count} pages follow\n`);
