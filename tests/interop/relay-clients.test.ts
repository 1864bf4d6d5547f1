/** WebSocket clients that this project did not write, through the relay to services that it did not write either. */

import { createHash } from "node:crypto";
import { once } from "node:events";
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { createServer } from "node:net";
import type { AddressInfo, Socket } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import mqtt from "mqtt";
import { expect, test } from "vitest";
import { createWebSocketStream, WebSocket } from "ws";
import { startGateway } from "../../test-support/programs.ts";
import { describeWith } from "../../test-support/services/describe-with.ts";
import { git, startGitDaemon } from "../../test-support/services/git-daemon.ts";
import { startMosquitto } from "../../test-support/services/mosquitto.ts";
import { startRedis } from "../../test-support/services/redis.ts";
import { askWithPython, askWithWscat } from "../../test-support/services/web-socket-clients.ts";

/** A gateway with a relay to one port, and the URL there. */
async function startRelay(port: number) {
  const gateway = await startGateway({ options: ["--relay", "--target", `it=tcp://127.0.0.1:${port}`] });
  const url = `ws://${gateway.address}/tcp/it`;
  return { url, [Symbol.asyncDispose]: () => gateway[Symbol.asyncDispose]() };
}

describeWith(["redis-server", "openssl"], "redis behind the relay", () => {
  test("answers npm's wscat, with the subprotocol binary and with none", async () => {
    await using redis = await startRedis();
    await using relay = await startRelay(redis.port);
    for (const subprotocols of [[], ["binary"]]) {
      // wscat adds no line end to what it is told to send.
      expect(await askWithWscat({ url: relay.url, subprotocols }, "PING\r\n", /PONG/)).toContain("+PONG");
    }
  });
});

describeWith(["redis-server", "openssl", "python3-websockets"], "redis behind the relay", () => {
  test("answers Debian's python3-websockets, with the subprotocol binary and with none", async () => {
    await using redis = await startRedis();
    await using relay = await startRelay(redis.port);
    const [ping, pong] = [Buffer.from("PING\r\n"), Buffer.from("+PONG\r\n")];
    for (const subprotocols of [[], ["binary"]]) {
      const answer = await askWithPython({ url: relay.url, subprotocols }, ping, pong.length);
      expect(answer).toEqual({ subprotocol: subprotocols[0] ?? "", reply: pong });
    }
  });
});

describeWith(["mosquitto"], "mosquitto behind the relay", () => {
  test("gets messages of QoS 1 from npm's mqtt, and gives them back, each once and in order", async () => {
    const count = Number(process.env.WIREBOOK_MQTT_MESSAGES ?? 2000);
    await using mosquitto = await startMosquitto();
    await using relay = await startRelay(mosquitto.port);
    const client = await mqtt.connectAsync(relay.url);
    const received: string[] = [];
    const { promise: all, resolve } = Promise.withResolvers<void>();
    client.on("message", (_topic, payload) => {
      if (received.push(payload.toString()) === count) resolve();
    });
    await client.subscribeAsync("log", { qos: 1 });
    const sent = Array.from({ length: count }, (_, number) => `brick ${number}`);
    const waiting = sent.values();
    // As many at once as MQTT's packet ids allow with ease, each next one when one was acknowledged.
    const publish = async (): Promise<void> => {
      for (const message of waiting) await client.publishAsync("log", message, { qos: 1 });
    };
    await Promise.all(Array.from({ length: 500 }, publish));
    await all;
    expect(received).toEqual(sent);
    await client.endAsync();
  });
});

const hash = (bytes: Uint8Array): string => createHash("sha256").update(bytes).digest("hex");

describeWith(["git"], "git daemon behind the relay", () => {
  test("gives a clone the same bytes", async () => {
    await using daemon = await startGitDaemon();
    await using relay = await startRelay(daemon.port);
    await using made = new AsyncDisposableStack();
    // git speaks TCP alone, so each of its connections becomes a WebSocket here.
    const bridge = createServer({ allowHalfOpen: true }, (socket) => carry(socket, relay.url)).listen(0, "127.0.0.1");
    await once(bridge, "listening");
    made.defer(() => void bridge.close());
    const folder = await mkdtemp(join(tmpdir(), "wirebook-clone-"));
    made.defer(() => rm(folder, { recursive: true }));
    await git(folder, "clone", "--quiet", `git://127.0.0.1:${(bridge.address() as AddressInfo).port}/sample.git`);
    expect(hash(await readFile(join(folder, "sample", "data")))).toBe(hash(daemon.data));
    expect(await git(join(folder, "sample"), "rev-parse", "HEAD")).toBe(daemon.commit);
  });
});

function carry(socket: Socket, url: string): void {
  const relayed = createWebSocketStream(new WebSocket(url));
  // Either of them tells by its end that the other one is to end.
  for (const each of [socket, relayed]) each.on("error", () => undefined);
  socket.pipe(relayed).pipe(socket);
}
