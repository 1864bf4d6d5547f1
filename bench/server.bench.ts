import { connect } from "node:net";
import process from "node:process";
import { text } from "node:stream/consumers";
import { fileURLToPath } from "node:url";
import { Program } from "../interop/program.ts";
import { startServer } from "../interop/programs.ts";
import type { Bench, BenchOptions } from "./harness/bench.ts";
import { compare, encodeTable } from "./harness/compare.ts";
import { load } from "./harness/load.ts";

const message = "brick\n";

export const bench: Bench = {
  question: "requests a second of the server, with its durable log, against a bare node:net server that logs nothing",
  run,
};

async function run({ rounds, seconds, say }: BenchOptions): Promise<void> {
  const reply = await replyOfServer();
  for (const connections of [1, 16, 64, 256]) {
    const compared = await compare({
      yardstick: { name: "bare node:net", open: () => startBare(reply) },
      contenders: [{ name: "Wirebook", open: () => startServer() }],
      rounds,
      measure: async ({ port }) => (await load({ port, connections, seconds, message })).perSecond,
    });
    say(encodeTable(`${connections} at once`, "requests a second", compared));
  }
}

/** What the server answers, so that the yardstick answers the same bytes. */
async function replyOfServer(): Promise<string> {
  await using server = await startServer();
  const socket = connect(server.port, server.host);
  socket.end(message);
  return await text(socket);
}

function startBare(reply: string): Promise<Program> {
  const program = fileURLToPath(new URL("yardsticks/bare-server.ts", import.meta.url));
  return Program.start({ name: "bare server", command: process.execPath, args: () => [program, reply] });
}
