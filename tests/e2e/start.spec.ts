import { spawn } from "node:child_process";
import { once } from "node:events";
import { readFile } from "node:fs/promises";
import { connect, createServer } from "node:net";
import type { AddressInfo } from "node:net";
import { text } from "node:stream/consumers";
import { fileURLToPath } from "node:url";
import { createInterface } from "node:readline";
import { expect, test } from "@playwright/test";
import { Certificates } from "../../test-support/certificate.ts";
import { freePort } from "../../test-support/free-port.ts";
import { Wirebook } from "./wirebook.ts";

const root = fileURLToPath(new URL("../..", import.meta.url));

/** Two ports that were free a moment ago. */
async function freePorts(): Promise<[number, number]> {
  return [await freePort(), await freePort()];
}

/** `npm start` with these options, stopped however the test ends. */
function start(...words: string[]) {
  const program = spawn("npm", ["start", "--silent", "--", ...words], {
    cwd: root,
    stdio: ["ignore", "pipe", "pipe"],
    // A process group of its own: Ctrl-C in a terminal reaches npm and all that it started, and so does `stop`.
    detached: true,
  });
  const exited = once(program, "exit");
  const stop = async () => {
    const isRunning = program.exitCode === null && program.signalCode === null;
    if (isRunning && program.pid !== undefined) process.kill(-program.pid, "SIGINT");
    await exited;
  };
  return { program, exited, stop, [Symbol.asyncDispose]: stop };
}

/** What it says until one can begin. */
async function saidAtStart({ program }: ReturnType<typeof start>): Promise<string> {
  const lines: string[] = [];
  for await (const line of createInterface({ input: program.stdout })) {
    lines.push(line);
    if (line.includes("by hand")) return lines.join("\n");
  }
  throw new Error(`it ended before it was ready: ${lines.join(" ")}`);
}

async function listens(port: number): Promise<boolean> {
  const socket = connect(port, "127.0.0.1");
  try {
    await once(socket, "connect");
    return true;
  } catch {
    return false;
  } finally {
    socket.destroy();
  }
}

function answers(url: string): Promise<boolean> {
  return fetch(url).then(
    ({ ok }) => ok,
    () => false,
  );
}

test("npm start says where to click, and Ctrl-C ends all that it started", async ({ page }) => {
  const [serverPort, gatewayPort] = await freePorts();
  const history = test.info().outputPath("history.txt");
  await using started = start(
    "--server-port",
    `${serverPort}`,
    "--gateway-port",
    `${gatewayPort}`,
    "--history",
    history,
  );
  const said = await saidAtStart(started);
  expect(said).toContain(`http://127.0.0.1:${gatewayPort}`);
  expect(said).toContain(`printf 'brick 2\\n' | nc 127.0.0.1 ${serverPort}`);

  await page.goto(`http://127.0.0.1:${gatewayPort}/`);
  const wirebook = new Wirebook(page);
  await wirebook.begin("brick");
  await wirebook.send(2);
  await expect(wirebook.card("brick 2")).toContainText("done");
  expect(await answers(`http://127.0.0.1:${gatewayPort}/healthz`)).toBe(true);
  await started.stop();
  expect(await answers(`http://127.0.0.1:${gatewayPort}/healthz`)).toBe(false);
});

for (const killed of ["npm", "wirebook start"] as const) {
  for (const signal of ["SIGKILL", "SIGHUP"] as const) {
    test(`npm start leaves nothing running when ${killed} alone gets ${signal}`, async () => {
      test.skip(process.platform !== "linux", "finds the processes in /proc");
      const [serverPort, gatewayPort] = await freePorts();
      const ports = ["--server-port", `${serverPort}`, "--gateway-port", `${gatewayPort}`];
      await using started = start(...ports, "--history", test.info().outputPath("history.txt"));
      await saidAtStart(started);
      const npm = started.program.pid ?? 0;
      const [script] = (await readFile(`/proc/${npm}/task/${npm}/children`, "utf8")).split(" ");
      expect(script).toMatch(/^\d+$/); // To kill 0 would be to kill this very program.
      process.kill(killed === "npm" ? npm : Number(script), signal);
      const both = () => Promise.all([serverPort, gatewayPort].map((port) => listens(port)));
      await expect.poll(both).toEqual([false, false]);
    });
  }
}

test("npm start with a certificate ends with its terminal, though SIGHUP is to read the certificate again", async () => {
  const [serverPort, gatewayPort] = await freePorts();
  await using certificates = await Certificates.open();
  const { certPath, keyPath } = await certificates.make("start");
  const ports = ["--server-port", `${serverPort}`, "--gateway-port", `${gatewayPort}`];
  const files = ["--tls-cert", certPath, "--tls-key", keyPath, "--history", test.info().outputPath("history.txt")];
  await using started = start(...ports, ...files);
  await saidAtStart(started);
  process.kill(-(started.program.pid ?? 0), "SIGHUP");
  await expect.poll(() => listens(gatewayPort)).toBe(false);
});

test("npm start with a certificate says an https address, and the page there speaks wss", async ({ browser }) => {
  const [serverPort, gatewayPort] = await freePorts();
  await using certificates = await Certificates.open();
  const { certPath, keyPath } = await certificates.make("start");
  const ports = ["--server-port", `${serverPort}`, "--gateway-port", `${gatewayPort}`];
  const files = ["--tls-cert", certPath, "--tls-key", keyPath, "--history", test.info().outputPath("history.txt")];
  await using started = start(...ports, ...files);
  const [, address = ""] = (await saidAtStart(started)).match(/page +(https:\S+)/) ?? [];
  expect(address).toBe(`https://127.0.0.1:${gatewayPort}`);

  // The browser does not trust who signed the certificate.
  await using context = await browser.newContext({ ignoreHTTPSErrors: true });
  const page = await context.newPage();
  const opened = page.waitForEvent("websocket");
  await page.goto(address);
  const wirebook = new Wirebook(page);
  await wirebook.begin("brick");
  await wirebook.send(2);
  await expect(wirebook.card("brick 2")).toContainText("done");
  expect((await opened).url()).toBe(`wss://127.0.0.1:${gatewayPort}/ws`);
  expect(await answers(`http://127.0.0.1:${gatewayPort}/`)).toBe(false);
});

test("npm start names a taken port and how to choose another", async () => {
  const taken = createServer();
  await once(taken.listen(0, "127.0.0.1"), "listening");
  const { port } = taken.address() as AddressInfo;
  await using started = start("--server-port", `${port}`);
  const [said, [code]] = await Promise.all([text(started.program.stderr), started.exited]);
  expect(said).toContain(`port ${port} of 127.0.0.1 is in use`);
  expect(said).toContain("choose another port: --server-port ");
  expect(code).toBe(1);
  taken.close();
});
