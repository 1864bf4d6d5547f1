/** Plays a scenario over a real connection, as the command line does, and serves small targets. */

import { once } from "node:events";
import { connect, createServer } from "node:net";
import type { AddressInfo, Socket } from "node:net";
import { Player } from "../src/index.ts";
import type { Scenario } from "../src/index.ts";

/** A target on a port of its own, for one test. */
export async function serve(onConnection: (socket: Socket) => void): Promise<AsyncDisposable & { port: number }> {
  const sockets = new Set<Socket>();
  const server = createServer({ allowHalfOpen: true }, (socket) => {
    sockets.add(socket);
    // A scenario may leave by RST.
    socket.on("error", () => {});
    onConnection(socket);
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  return {
    port: (server.address() as AddressInfo).port,
    async [Symbol.asyncDispose]() {
      for (const socket of sockets) socket.destroy();
      server.close();
      await once(server, "close");
    },
  };
}

/** A target that answers each line; `last` is followed by FIN. */
export function answerLines(
  greeting: string,
  answer: (line: string) => string | { readonly last: string },
): (socket: Socket) => void {
  return (socket) => {
    let rest = "";
    socket.write(greeting, "latin1");
    socket.on("end", () => socket.end());
    socket.setEncoding("latin1").on("data", (text: string) => {
      const lines = (rest + text).split("\n");
      rest = lines.pop() ?? "";
      for (const line of lines) {
        const said = answer(line.replace(/\r$/, ""));
        if (typeof said === "string") socket.write(said, "latin1");
        else socket.end(said.last);
      }
    });
  };
}

export async function playOverTcp(scenario: Scenario, port: number, values: Record<string, string>): Promise<Player> {
  const player = new Player(scenario, { values: new Map(Object.entries(values)), pace: "recorded" });
  const socket = connect({ port, host: "127.0.0.1", allowHalfOpen: true });
  const { promise, resolve } = Promise.withResolvers<void>();
  let timer: NodeJS.Timeout | undefined;
  const advance = (): void => {
    clearTimeout(timer);
    for (let action; (action = player.advance(performance.now())) !== undefined;) {
      if (action.kind === "send") socket.write(action.bytes);
      else if (action.kind === "end") socket.end();
      else socket.resetAndDestroy();
    }
    const { deadlineMs } = player;
    if (player.verdict !== undefined) resolve();
    else if (deadlineMs !== undefined) timer = setTimeout(advance, deadlineMs - performance.now());
  };
  socket.on("connect", advance);
  socket.on("data", (bytes: Buffer) => {
    player.received(bytes, performance.now());
    advance();
  });
  socket.on("end", () => {
    player.ended("fin");
    advance();
  });
  socket.on("error", () => {
    player.ended("rst");
    advance();
  });
  await promise;
  socket.destroy();
  return player;
}
