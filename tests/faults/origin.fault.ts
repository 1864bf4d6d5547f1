/**
 * Every pair of many Origins and many Hosts: only those on the list may become a WebSocket, of a page or of the relay, with a
 * cookie as without, and only those may send a form [G-1].
 */

import { startGateway } from "../../test-support/programs.ts";
import { handshake, upgradeHeaders } from "../../test-support/raw-web-socket.ts";
import type { RequestHead } from "../../test-support/raw-web-socket.ts";
import { logIn, startPeopleGateway, writePeople } from "./people/people-fixture.ts";
import { inTurns } from "../../test-support/tcp-client.ts";
import type { FaultTest, Finding, Trial } from "./framework/fault-test.ts";

const named = "https://wirebook.example";
const atOnce = 16;

export const faultTest: FaultTest = {
  promise:
    "only pages of the gateway's own address and of a named origin get a WebSocket or send a form; the rest get 403",
  unit: "pairs of Origin and Host at a page's address, with a cookie too, at the relay's and at the logout's",
  first: 9600,
  full: 9600,
  isInCi: true,
  needs: [],
  negativeControls: [
    { mutant: "any-origin", count: 4800 },
    { mutant: "any-host", count: 4800 },
    { mutant: "forms-of-any-origin", count: 4800 },
  ],
  run,
};

async function run({ count, nodeArgs, random, folder, progress }: Trial): Promise<Finding> {
  // Whether the target answers does not matter here.
  const options = ["--origin", named, "--relay", "--target", "it=tcp://127.0.0.1:9", "--auth", "none"];
  await using gateway = await startGateway({ options, nodeArgs });
  const people = await writePeople(folder, ["ada"]);
  await using login = await startPeopleGateway(["--origin", named, "--auth", `basic:${people}`], nodeArgs);
  const cookie = await logIn(login.gateway, "ada");
  const places: readonly Place[] = [
    { port: gateway.port, path: "/ws", passed: 101, headers: {} },
    { port: gateway.port, path: "/tcp/it", passed: 101, headers: {} },
    { port: login.gateway.port, path: "/ws", passed: 101, headers: { Cookie: cookie } },
    { port: login.gateway.port, path: "/logout", passed: 303, headers: {} },
  ];
  const all = places.flatMap((place) =>
    manyOrigins(place.port).flatMap((origin) => manyHosts(place.port).map((host) => ({ place, origin, host }))),
  );
  const pairs = all.toSorted(() => random.next() - 0.5).slice(0, count);
  const violations: string[] = [];
  let letIn = 0;
  const tryOne = async ({ place, origin, host }: (typeof all)[number]): Promise<void> => {
    const { port, path, passed } = place;
    const { status, socket } = await handshake(port, headOf(place, host, origin));
    socket.destroy();
    const own = ownHosts(port);
    const isOwn = own.includes(host.toLowerCase());
    const isAllowed =
      (origin === named && (isOwn || host.toLowerCase() === "wirebook.example")) ||
      (own.some((each) => origin === `http://${each}`) && isOwn);
    if (status === passed) letIn += 1;
    // A Host that is no host at all may be refused by the HTTP parser, with 400.
    const isRight = isAllowed ? status === passed : status === 403 || status === 400;
    if (!isRight)
      violations.push(`Origin ${JSON.stringify(origin)} at ${path} with Host ${JSON.stringify(host)} got ${status}`);
  };
  await inTurns(pairs.length, atOnce, async (number) => {
    await tryOne(pairs[number] as (typeof pairs)[number]);
    progress(number);
  });
  return { tried: pairs.length, checked: `${letIn} let in`, violations };
}

/** Where a page's Origin counts, and the status for one that is right. */
interface Place {
  readonly port: number;
  readonly path: string;
  readonly passed: number;
  readonly headers: Readonly<Record<string, string>>;
}

function headOf({ path, passed, headers }: Place, host: string, origin: string): RequestHead {
  if (passed === 101)
    return { requestLine: `GET ${path} HTTP/1.1`, headers: { ...upgradeHeaders(host, origin), ...headers } };
  return { requestLine: `POST ${path} HTTP/1.1`, headers: { Host: host, Origin: origin, "Content-Length": "0" } };
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
