/** Relays from WebSocket to TCP, whose messages are a connection's bytes, and the load for them. */

import process from "node:process";
import { fileURLToPath } from "node:url";
import { Program } from "../../test-support/program.ts";
import { startGateway } from "../../test-support/programs.ts";
import { startWebsockify } from "../../test-support/services/websockify.ts";
import { unmet } from "../../tests/faults/framework/needs.ts";
import type { Contender } from "./compare.ts";
import { compile } from "./compile.ts";
import { runGenerator } from "./load.ts";
import type { LoadFigures } from "./load.ts";

/** A relay that can be measured. */
export interface Relay extends Contender {
  /** Where its WebSockets are. */
  readonly path: string;
}

/** What the load generator does: `bench/load/relay.c` says what each of them is. */
export type RelayWork =
  | { readonly kind: "down" | "up"; readonly bytes: number }
  | { readonly kind: "trips"; readonly connections: number; readonly seconds: number };

/** A server of streams of so many bytes, and of echoes, that is never the bottleneck. */
export function startStreamServer(bytes: number): Promise<Program> {
  const command = compile("bench/load/stream-server.c");
  return Program.start({ name: "stream server", command, args: () => [String(bytes)] });
}

/** Wirebook's gateway, which carries at most so many connections. */
export function wirebookRelay(serverPort: number, connections = 256): Relay {
  const options = ["--target", `bench=tcp://127.0.0.1:${serverPort}`, "--relay"];
  const open = async (): Promise<Program> => (await startGateway({ connections, options })).discardOutput();
  return { name: "Wirebook", path: "/tcp/bench", open };
}

/** The least that can be done with `ws` and `net`. */
export function barePipe(serverPort: number): Relay {
  const program = fileURLToPath(new URL("../baselines/ws-pipe.mjs", import.meta.url));
  const args = (): string[] => [program, String(serverPort)];
  const open = (): Promise<Program> => Program.start({ name: "bare pipe", command: process.execPath, args });
  return { name: "bare `ws` pipe", path: "/", open };
}

/** Debian's websockify, a process for each connection; says so and gives none where this machine has none. */
export function websockify(serverPort: number, say: (text: string) => void): readonly Relay[] {
  if (unmet(["websockify"]).length === 0) {
    return [{ name: "websockify", path: "/", open: () => startWebsockify(serverPort) }];
  }
  say("LEFT OUT: websockify; `node scripts/debian-programs.mjs` fetches it\n");
  return [];
}

/** Brings load to a relay at that port of 127.0.0.1. */
export function loadRelay({ path }: Relay, port: number, work: RelayWork): Promise<LoadFigures> {
  const amounts = work.kind === "trips" ? [work.connections, work.seconds] : [work.bytes];
  return runGenerator("bench/load/relay.c", [work.kind, String(port), path, ...amounts.map(String)]);
}
