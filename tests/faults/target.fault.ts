/** Addresses in every place where a client can put one: the kernel is asked what the gateway connected to. */

import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { subprotocol } from "@wirebook/protocol";
import { startGateway, startServer } from "../../test-support/programs.ts";
import type { Program } from "../../test-support/program.ts";
import { PageClient } from "../../test-support/page-client.ts";
import type { Random } from "../../test-support/random.ts";
import { RelayClient } from "../../test-support/relay-client.ts";
import { handshake, upgradeHeaders } from "../../test-support/raw-web-socket.ts";
import { TestServer, inTurns } from "../../test-support/tcp-client.ts";
import type { FaultTest, Finding, Trial } from "./framework/fault-test.ts";

const atOnce = 16;

export const faultTest: FaultTest = {
  promise:
    "whatever a client says, the gateway connects to the operator's targets, by their names, and to nothing else",
  unit: "requests and frames that name another target",
  first: 10_000,
  ci: 2000,
  full: 100_000,
  isInCi: true,
  needs: ["strace"],
  negativeControls: [{ mutant: "client-chosen-target", count: 200 }],
  run,
};

async function run({ count, random, nodeArgs, folder, progress }: Trial): Promise<Finding> {
  await using server = await startServer();
  let decoyed = 0;
  await using decoy = await TestServer.listen((socket) => {
    decoyed += 1;
    socket.destroy();
  });
  let unnamed = 0;
  await using quiet = await TestServer.listen((socket) => {
    unnamed += 1;
    socket.destroy();
  });
  const log = join(folder, "connects.txt");
  const under = ["strace", "-f", "--seccomp-bpf", "-qq", "-e", "trace=connect", "-o", log];
  const options = ["--relay", "--target", `quiet=tcp://${quiet.address}`];
  await using gateway = await startGateway({ server: server.address, options, nodeArgs, under });
  using page = await PageClient.open(gateway.address);
  const places = [decoy.address, "192.0.2.1:80", "169.254.169.254:80", "[::1]:22", "localhost:22", "evil.example:443"];
  await inTurns(count, atOnce, async (number) => {
    await nameElsewhere(gateway, page, random.pick(places), random);
    progress(number);
  });
  const { last } = await page.request("brick").ended;
  await gateway.kill();
  const { right, wrong } = await readConnects(log, server.port);
  const violations = [...new Set(wrong)].map((line) => `the gateway called ${line}`);
  if (unnamed > 0) violations.push(`the target that nothing named got ${unnamed} connections`);
  if (decoyed > 0) violations.push(`the decoy got ${decoyed} connections`);
  if (last.type !== "end" || right === 0) violations.push("the gateway does not reach its own server any more");
  return { tried: count, checked: `${right} calls of connect() seen by strace`, violations };
}

/** One attempt, by any of the ways in. */
async function nameElsewhere(
  { address, port }: Program,
  page: PageClient,
  place: string,
  random: Random,
): Promise<void> {
  if (random.chance(0.5)) return await nameInFrame(address, page, place, random);
  const headers = upgradeHeaders(address, `http://${address}`);
  const names = ["X-Forwarded-Host", "X-Forwarded-Server", "Forwarded", "X-Target", "X-Original-URL", "Via", "Cookie"];
  for (const name of names) if (random.chance(0.3)) headers[name] = place;
  if (random.chance(0.1)) headers.Host = place;
  if (random.chance(0.1)) headers.Origin = `http://${place}`;
  if (random.chance(0.2)) headers["Sec-WebSocket-Protocol"] = `${subprotocol}, ${place.replaceAll(/[[\]:]/g, "-")}`;
  const paths = [
    `/ws?host=${place}`,
    `/ws?token=${place}`,
    `/${place}`,
    `/ws/${place}`,
    `http://${place}/ws`,
    `//${place}/ws`,
    `/tcp/${place}`,
    `/tcp/${encodeURIComponent(`tcp://${place}`)}`,
    `/tcp/wirebook?host=${place}`,
    `/tcp/wirebook/${place}`,
    `/tcp/wirebook@${place}`,
    `/tcp/wirebook/../quiet%00${place}`,
    `/tcp/?target=quiet`,
  ];
  const method = random.pick(["GET", "GET", "GET", "CONNECT", "OPTIONS", "POST"]);
  const path = method === "CONNECT" ? place : random.pick([...paths, "/readyz", `/readyz?server=${place}`]);
  const { socket } = await handshake(port, { requestLine: `${method} ${path} HTTP/1.1`, headers });
  socket.destroy();
}

async function nameInFrame(address: string, page: PageClient, place: string, random: Random): Promise<void> {
  const [host = "", hostPort = ""] = place.split(/:(?=\d+$)/);
  const spare = { server: place, host, port: Number(hostPort), target: { host, port: Number(hostPort) } };
  switch (random.below(5)) {
    case 0: {
      // Members that a frame must not have cost a page its connection after a few, so each try gets a page of its own.
      using other = await PageClient.open(address);
      const frame = random.pick([
        { type: "request", id: 1e6, user: "brick", ...spare },
        { ...spare, type: "connect", id: 1e6, bytes: "", end: true },
        { type: "connect", id: 1e6, bytes: "", end: true, host, port: Number(hostPort), target: place },
        { type: "connect", id: 1e6, bytes: "", end: true, target: `tcp://${place}` },
        { type: "connect", id: 1e6, bytes: "", end: true, target: ["quiet"] },
      ]);
      await other.sendRaw(JSON.stringify(frame));
      await other.request("brick").ended;
      return;
    }
    case 1:
      await page.request(place, ["2"]).ended;
      return;
    case 2: {
      const bytes = `CONNECT ${place} HTTP/1.1\r\nHost: ${place}\r\n\r\n`;
      await page.connect("wirebook", { bytes, isEnded: true }).ended;
      return;
    }
    case 3: {
      using client = await RelayClient.open(address, "wirebook");
      await client.send(`brick ${place}\n`);
      await client.closing;
      return;
    }
    default:
      await page.connect(`x${place.replaceAll(/[^a-z0-9]/g, "-")}`, { bytes: "x" }).ended;
  }
}

/** The calls of connect() in a trace, those to the server counted and all others in full. */
async function readConnects(path: string, port: number): Promise<{ right: number; wrong: string[] }> {
  const lines = (await readFile(path, "utf8")).split("\n").filter((line) => line.includes("connect("));
  const own = `sin_port=htons(${port}), sin_addr=inet_addr("127.0.0.1")`;
  const wrong = lines.filter((line) => !line.includes(own)).map((line) => line.replace(/^.*connect\(\d+, /, ""));
  return { right: lines.length - wrong.length, wrong };
}
