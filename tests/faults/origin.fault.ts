/** Every pair of many Origins and many Hosts: only those on the list may become a WebSocket, of a page or of the relay [G-1]. */

import { startGateway } from "../../test-support/programs.ts";
import { handshake, upgradeHeaders } from "../../test-support/raw-web-socket.ts";
import { inTurns } from "../../test-support/tcp-client.ts";
import type { FaultTest, Finding, Trial } from "./framework/fault-test.ts";

const named = "https://wirebook.example";
const atOnce = 16;

export const faultTest: FaultTest = {
  promise: "only pages of the gateway's own address and of a named origin become a WebSocket; the rest get 403 before",
  unit: "pairs of Origin and Host at a page's address and at the relay's",
  first: 4800,
  full: 4800,
  isInCi: true,
  needs: [],
  negativeControls: [
    { mutant: "any-origin", count: 4800 },
    { mutant: "any-host", count: 4800 },
  ],
  run,
};

async function run({ count, nodeArgs, random, progress }: Trial): Promise<Finding> {
  // Whether the target answers does not matter here.
  const options = ["--origin", named, "--relay", "--target", "it=tcp://127.0.0.1:9", "--auth", "none"];
  await using gateway = await startGateway({ options, nodeArgs });
  const { port } = gateway;
  const allowedHosts = new Set([...ownHosts(port), "wirebook.example"]);
  const allowedOrigins = new Set([...ownHosts(port).map((host) => `http://${host}`), named]);
  const origins = manyOrigins(port);
  const all = ["/ws", "/tcp/it"].flatMap((path) =>
    origins.flatMap((origin) => manyHosts(port).map((host) => ({ path, origin, host }))),
  );
  const pairs = all.toSorted(() => random.next() - 0.5).slice(0, count);
  const violations: string[] = [];
  let letIn = 0;
  const tryOne = async ({ path, origin, host }: (typeof all)[number]): Promise<void> => {
    const headers = upgradeHeaders(host, origin);
    const { status, socket } = await handshake(port, { requestLine: `GET ${path} HTTP/1.1`, headers });
    socket.destroy();
    const isAllowed = allowedOrigins.has(origin) && allowedHosts.has(host.toLowerCase());
    if (status === 101) letIn += 1;
    // A Host that is no host at all may be refused by the HTTP parser, with 400.
    const isRight = isAllowed ? status === 101 : status === 403 || status === 400;
    if (!isRight)
      violations.push(`Origin ${JSON.stringify(origin)} at ${path} with Host ${JSON.stringify(host)} got ${status}`);
  };
  await inTurns(pairs.length, atOnce, async (number) => {
    await tryOne(pairs[number] as (typeof pairs)[number]);
    progress(number);
  });
  return { tried: pairs.length, checked: `${letIn} let in`, violations };
}

function ownHosts(port: number): string[] {
  return ["127.0.0.1", "localhost", "[::1]"].map((name) => `${name}:${port}`);
}

/** Sixty: the allowed ones, and what is almost one of them. */
function manyOrigins(port: number): string[] {
  const own = ownHosts(port).map((host) => `http://${host}`);
  const hosts = ["127.0.0.1", "localhost", "wirebook.example", "[::1]"];
  const nearly = hosts.flatMap((host) => [
    `http://${host}`,
    `https://${host}:${port}`,
    `http://${host}:${port + 1}`,
    `http://${host}:${port}/`,
    `http://${host}.evil.example:${port}`,
    `http://evil-${host}:${port}`,
    `http://x@${host}:${port}`,
    `HTTP://${host}:${port}`,
    `ws://${host}:${port}`,
    ` http://${host}:${port},http://evil.example`,
  ]);
  const strange = [
    "null",
    "",
    "*",
    "file://",
    "https://evil.example",
    "http://wirebook.example",
    "https://wirebook.example.evil.example",
    "https://wirebook.example:8443",
    "https://www.wirebook.example",
    "https://wirebook.example@evil.example",
    "https://WIREBOOK.example",
    "http://0.0.0.0:80",
    "http://127.1",
    "http://2130706433",
    "chrome-extension://abcdefghijklmnop",
    "about:blank",
    "https://wirebook.example\\.evil.example",
    "https://wirebook.example%00.evil.example",
  ];
  return [...new Set([...own, named, ...nearly, ...strange])].slice(0, 60);
}

/** Forty. */
function manyHosts(port: number): string[] {
  const own = ownHosts(port);
  const names = ["127.0.0.1", "localhost", "wirebook.example", "[::1]"];
  const nearly = names.flatMap((name) => [
    name,
    `${name}:${port + 1}`,
    `${name}.:${port}`,
    `${name}.evil.example:${port}`,
    `${name}:${port}@evil.example`,
    `${name}:0${port}`,
  ]);
  const strange = [
    "evil.example",
    `evil.example:${port}`,
    "",
    "0.0.0.0",
    `0.0.0.0:${port}`,
    `127.1:${port}`,
    `2130706433:${port}`,
    `LOCALHOST:${port}`,
    "WIREBOOK.example",
    "www.wirebook.example",
    "wirebook.example:80",
    `[::ffff:127.0.0.1]:${port}`,
    `[0:0:0:0:0:0:0:1]:${port}`,
    "wirebook.example, evil.example",
    `rebind.evil.example:${port}`,
  ];
  return [...new Set([...own, ...nearly, ...strange])].slice(0, 40);
}
