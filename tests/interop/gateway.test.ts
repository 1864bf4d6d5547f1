/** The gateway in front of the reference server, and what it agrees upon with Wirebook's. */

import { readFile } from "node:fs/promises";
import { describe, expect, test } from "vitest";
import { PageClient, textOf } from "../../test-support/page-client.ts";
import type { Answer } from "../../test-support/page-client.ts";
import { startGateway, startReferenceServer, startServer } from "../../test-support/programs.ts";
import { findPython } from "../../test-support/python.ts";

const python = findPython();

describe.skipIf(python === undefined)("needs python3: the gateway and the reference server", () => {
  test("carry a request and its reply, byte for byte", async () => {
    await using server = await startReferenceServer(python ?? "");
    await using gateway = await startGateway({ server: server.address, connections: 1 });
    using page = await PageClient.open(gateway.address);
    const { bytes, last } = await page.request("brick", ["2"]).ended;
    expect(last).toMatchObject({ type: "end", reason: "fin", sentBytes: 8, receivedBytes: bytes.length });
    expect(bytes.toString()).toMatch(
      /^https:\/\/example\.org\/original-logbook\n\nOperations: \n[^]*\nbrick from 127\.0\.0\.1 at \S+ \S+\n$/,
    );
  });

  test("serve many requests at once, one connection after the other", async () => {
    await using server = await startReferenceServer(python ?? "");
    await using gateway = await startGateway({ server: server.address, connections: 1 });
    using page = await PageClient.open(gateway.address);
    const ids = Array.from({ length: 20 }, (_, index) => index + 1);
    const all = await Promise.all(ids.map(() => page.request("otter").ended));
    expect(all.map(({ last }) => last)).toEqual(
      ids.map((id) => expect.objectContaining({ type: "end", id, reason: "fin" }) as Answer["last"]),
    );
    // The reference server's backlog of 5 would make a burst wait a second for the kernel's retransmits.
    const spans = all.map(({ last }) => [last.at.connecting ?? 0, last.at.closed ?? 0] as const);
    const inOrder = spans.toSorted(([one], [other]) => one - other);
    for (const [index, [, closed]] of inOrder.entries()) {
      expect(inOrder[index + 1]?.[0] ?? Infinity).toBeGreaterThanOrEqual(closed);
    }
  });

  test("tell a reply without a byte, where the reference server broke, from a failure", async () => {
    await using server = await startReferenceServer(python ?? "");
    await using gateway = await startGateway({ server: server.address, connections: 1 });
    using page = await PageClient.open(gateway.address);
    const { bytes, last } = await page.request("brick", ["1"]).ended;
    expect(bytes.length).toBe(0);
    expect(last).toMatchObject({ type: "end", reason: "fin", receivedBytes: 0 });
  });

  test("say which hop failed while the reference server is down, and work again when it is back", async () => {
    await using server = await startReferenceServer(python ?? "");
    await using gateway = await startGateway({ server: server.address, connections: 1 });
    using page = await PageClient.open(gateway.address);
    await server.kill();
    const { last } = await page.request("brick").ended;
    expect(last).toMatchObject({ type: "error", code: "connect-refused", hop: "gateway-server" });
    await server.restart();
    expect(await page.request("brick").ended).toMatchObject({ last: { type: "end" } });
  });
});

describe("the gateway and Wirebook's server", () => {
  test("write the address of the page into the history, when both are told to", async () => {
    await using server = await startServer({ options: ["--trust-proxy", "127.0.0.1"] });
    await using gateway = await startGateway({ server: server.address, options: ["--proxy-protocol"] });
    using page = await PageClient.open(gateway.address, { localAddress: "127.0.0.9" });
    const { bytes } = await page.request("brick", ["2", "-1"]).ended;
    expect(bytes.toString()).toMatch(/\n\S+ 127\.0\.0\.9 "brick 2 -1"\n$/);
    await fetch(`http://${gateway.address}/readyz`);
    await page.request("brick").ended;
    const lines = (await readFile(server.historyPath, "utf8")).trimEnd().split("\n");
    expect(lines.map((line) => line.split(" ")[1])).toEqual(["127.0.0.9", "127.0.0.9"]);
  });

  test("say what is missing when only one of them is told to", async () => {
    await using trusting = await startServer({ options: ["--trust-proxy", "127.0.0.1"] });
    await using silent = await startGateway({ server: trusting.address });
    using page = await PageClient.open(silent.address);
    const { bytes } = await page.request("brick").ended;
    expect(bytes.toString()).toContain("start the gateway with --proxy-protocol");
    await using plain = await startServer();
    await using telling = await startGateway({ server: plain.address, options: ["--proxy-protocol"] });
    using other = await PageClient.open(telling.address);
    expect(textOf(await other.request("brick", ["3"]).ended)).toContain("Error: ");
    expect(await readFile(plain.historyPath, "utf8")).not.toContain("deleted");
  });
});

test("says that a server is not ready which hangs, and that it is when it goes on", async () => {
  await using server = await startServer();
  await using gateway = await startGateway({ server: server.address });
  const ask = async (): Promise<string> => {
    const answer = await fetch(`http://${gateway.address}/readyz`);
    return `${answer.status} ${await answer.text()}`;
  };
  await expect.poll(ask).toBe("200 ready\n");
  server.signal("SIGSTOP");
  try {
    await expect.poll(ask).toMatch(/^503 .* sent nothing for 2000 ms; it may be hung/);
  } finally {
    server.signal("SIGCONT");
  }
  await expect.poll(ask).toBe("200 ready\n");
  expect(await readFile(server.historyPath, "utf8")).toBe("");
});

test.skipIf(python === undefined)(
  "takes the reference server for ready, which sees no message in a probe",
  async () => {
    await using server = await startReferenceServer(python ?? "");
    await using gateway = await startGateway({ server: server.address });
    const answer = await fetch(`http://${gateway.address}/readyz`);
    expect([answer.status, await answer.text()]).toEqual([200, "ready\n"]);
  },
);
