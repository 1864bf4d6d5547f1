/** Bridges from WebSocket to TCP, Wirebook's gateway and those of others, and how load is brought to each. */

import { existsSync } from "node:fs";
import { join } from "node:path";
import process from "node:process";
import { fileURLToPath } from "node:url";
import { Program } from "../../test-support/program.ts";
import { startGateway } from "../../test-support/programs.ts";
import { run } from "../../test-support/run.ts";
import { startWebsockify } from "../../test-support/services/websockify.ts";
import { unmet } from "../../tests/faults/framework/needs.ts";
import type { Contender } from "./compare.ts";
import { compile } from "./compile.ts";
import { ForeignProgram } from "../../test-support/foreign-program.ts";
import { load, loadOverWebSocket } from "./load.ts";
import type { Framing, LoadFigures, LoadOptions } from "./load.ts";

/** A way to the server that can be measured. */
export interface Bridge extends Contender {
  load(options: LoadOptions): Promise<LoadFigures>;
}

/** Where packages of npm go that only this measuring needs. */
const peers = join(fileURLToPath(new URL("../..", import.meta.url)), ".wirebook", "peers");
const wisp = { package: "@mercuryworkshop/wisp-js", version: "0.5.0" };

/** A server that answers so many bytes and is never the bottleneck. */
export function startFixedServer(bytes: number): Promise<Program> {
  const command = compile("bench/load/fixed-server.c");
  return Program.start({ name: "fixed server", command, args: () => [String(bytes)] });
}

/** No bridge at all: the baseline. */
export function direct(serverPort: number): Bridge {
  const none = { port: serverPort, [Symbol.asyncDispose]: async () => {} };
  return { name: "direct TCP", open: async () => none, load };
}

/**
 * Starts and stops the gateway, so that Node has kept what it makes of TypeScript. The compiler slows its process down for good: it
 * makes V8 look at each access to a buffer, and the heap larger.
 */
export async function fillCompileCache(): Promise<void> {
  await (await startGateway({ server: "127.0.0.1:1" }))[Symbol.asyncDispose]();
}

/** Wirebook's gateway. */
export function wirebook(serverPort: number): Bridge {
  return bridge("Wirebook", "wirebook", serverPort, async () =>
    (await startGateway({ server: `127.0.0.1:${serverPort}` })).discardOutput(),
  );
}

/** Twenty lines over `ws`. */
export function bareRelay(serverPort: number): Bridge {
  const program = fileURLToPath(new URL("../baselines/ws-relay.mjs", import.meta.url));
  return bridge("bare `ws` relay", "bare", serverPort, () =>
    Program.start({ name: "bare relay", command: process.execPath, args: () => [program, String(serverPort)] }),
  );
}

/** npm's Wisp server, which is fetched when it is not there yet. */
export async function wispServer(serverPort: number): Promise<Bridge> {
  const program = join(peers, "node_modules", wisp.package, "src/bin/server_cli.mjs");
  if (!existsSync(program)) await fetchPeer(`${wisp.package}@${wisp.version}`);
  const allowed = JSON.stringify({ allow_loopback_ips: true, allow_private_ips: true });
  return bridge(`wisp-js ${wisp.version}`, "wisp", serverPort, () =>
    ForeignProgram.start(process.execPath, (port) => [program, "-P", `${port}`, "-L", "ERROR", "-O", allowed]),
  );
}

/** Debian's bridges with a WebSocket for each exchange; those that this machine has not are named to `say`. */
export function debianBridges(serverPort: number, say: (text: string) => void): readonly Bridge[] {
  const websockify = bridge("websockify", "alone", serverPort, () => startWebsockify(serverPort));
  const options = ["--address=127.0.0.1", "--binary=true", "--loglevel=fatal"];
  const relay = ["nc.traditional", "127.0.0.1", String(serverPort)];
  const websocketd = bridge("websocketd", "alone", serverPort, () =>
    ForeignProgram.start("websocketd", (port) => [`--port=${port}`, ...options, ...relay]),
  );
  const wanted = [
    { needs: ["websockify"], how: "`node scripts/debian-programs.mjs` fetches it", bridge: websockify },
    {
      needs: ["websocketd", "nc.traditional"],
      how: "on Debian: apt-get install websocketd netcat-traditional",
      bridge: websocketd,
    },
  ];
  for (const { needs, how } of wanted) {
    const missing = unmet(needs);
    if (missing.length > 0) say(`LEFT OUT: ${missing.join(", ")}; ${how}\n`);
  }
  return wanted.filter(({ needs }) => unmet(needs).length === 0).map((each) => each.bridge);
}

function bridge(name: string, framing: Framing, serverPort: number, open: Contender["open"]): Bridge {
  return { name, open, load: (options) => loadOverWebSocket(framing, serverPort, options) };
}

async function fetchPeer(name: string): Promise<void> {
  const args = ["install", "--prefix", peers, "--save-exact", "--ignore-scripts", "--no-audit", "--no-fund", name];
  const { code, stderr } = await run("npm", args);
  if (code !== 0) throw new Error(`npm cannot install ${name} into ${peers}: ${stderr}`);
}
