/** The services that other tests put behind the gateway, without it: what fails here is not the gateway's. */

import { once } from "node:events";
import { readFileSync } from "node:fs";
import { readdir, readFile } from "node:fs/promises";
import { connect } from "node:net";
import type { AddressInfo, Socket } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { text } from "node:stream/consumers";
import { connect as connectTls } from "node:tls";
import type { ConnectionOptions } from "node:tls";
import mqtt from "mqtt";
import { afterAll, beforeAll, expect, test } from "vitest";
import { WebSocketServer } from "ws";
import { playMsMax, playScenario, scenarioPath } from "../../test-support/play.ts";
import { clientPath } from "../../test-support/programs.ts";
import { run } from "../../test-support/run.ts";
import { describeWith } from "../../test-support/services/describe-with.ts";
import { git, startGitDaemon } from "../../test-support/services/git-daemon.ts";
import { imapNeeds, startImap } from "../../test-support/services/imap.ts";
import {
  gopherNeeds,
  refuseTelnetOptions,
  startGopher,
  startTelnet,
  telnetNeeds,
  withoutTelnetOptions,
} from "../../test-support/services/inetd.ts";
import { startMosquitto } from "../../test-support/services/mosquitto.ts";
import { startMemcached } from "../../test-support/services/memcached.ts";
import { startRedis } from "../../test-support/services/redis.ts";
import { startSmtp } from "../../test-support/services/smtp.ts";
import { serverProtocol, TlsServers } from "../../test-support/services/tls-server.ts";
import type { TlsVariant } from "../../test-support/services/tls-server.ts";
import { findNovnc, startVnc, vncNeeds } from "../../test-support/services/vnc.ts";
import { askWithPython, askWithWscat } from "../../test-support/services/web-socket-clients.ts";
import { startWebsockify } from "../../test-support/services/websockify.ts";

/** What came until it fits, without telnet's options. */
async function readUntil(socket: Socket, fits: RegExp): Promise<string> {
  let came = "";
  for await (const chunk of socket.iterator({ destroyOnReturn: false }) as AsyncIterable<Buffer>) {
    came += chunk.toString("latin1");
    if (fits.test(withoutTelnetOptions(came))) return came;
  }
  throw new Error(`it ended without ${String(fits)} after ${JSON.stringify(came.slice(-400))}`);
}

function identity({ certPath, keyPath }: TlsServers["client"]): ConnectionOptions {
  return { cert: readFileSync(certPath), key: readFileSync(keyPath) };
}

describeWith(["redis-server", "openssl"], "redis", () => {
  test("answers over TCP, over a Unix socket and over TLS", async () => {
    await using redis = await startRedis();
    const ways = {
      tcp: `tcp://127.0.0.1:${redis.port}`,
      unix: `unix:${redis.socketPath}`,
      tls: `tls://localhost:${redis.tlsPort}?ca=${redis.certPath}`,
    };
    for (const [way, url] of Object.entries(ways)) expect(await playScenario("redis", url, { way })).toBe("held");
  });
});

describeWith(["openssl"], "openssl s_server", () => {
  let servers: TlsServers;
  beforeAll(async () => void (servers = await TlsServers.open()));
  afterAll(() => servers[Symbol.asyncDispose]());

  /** The line that comes back, or what the error is called. */
  async function send(variant: TlsVariant, options: ConnectionOptions = {}): Promise<string> {
    await using server = await servers.start(variant);
    const ca = readFileSync(servers.authorityPath);
    const socket = connectTls({ port: server.port, host: "127.0.0.1", ca, ...options });
    socket.write("brick\n");
    try {
      return await readUntil(socket, /\n/);
    } catch (error) {
      const { code, message } = error as NodeJS.ErrnoException;
      return code === undefined || code === "EPROTO" ? message : code; // Node has no code for some alerts.
    } finally {
      socket.destroy();
    }
  }

  const codes: readonly [TlsVariant, string][] = [
    ["in order", "kcirb\n"],
    ["expired", "CERT_HAS_EXPIRED"],
    ["not yet valid", "CERT_NOT_YET_VALID"],
    ["wrong host", "ERR_TLS_CERT_ALTNAME_INVALID"],
    ["self-signed", "DEPTH_ZERO_SELF_SIGNED_CERT"],
    ["unknown authority", "UNABLE_TO_VERIFY_LEAF_SIGNATURE"],
  ];
  test.each(codes)("%s: %s", async (variant, code) => expect(await send(variant)).toBe(code));

  test("a client certificate that is in order, none, and one of an unknown authority", async () => {
    const variant = "wants a client certificate";
    expect(await send(variant, identity(servers.client))).toBe("kcirb\n");
    expect(await send(variant)).toBe("ERR_SSL_TLSV13_ALERT_CERTIFICATE_REQUIRED");
    expect(await send(variant, identity(servers.stranger))).toBe("ERR_SSL_TLSV1_ALERT_UNKNOWN_CA");
  });

  test("a protocol that both know, and none", async () => {
    expect(await send("other protocol", { ALPNProtocols: [serverProtocol] })).toBe("kcirb\n");
    expect(await send("other protocol", { ALPNProtocols: ["another"] })).toMatch(/alert number 120\b/);
  });
});

describeWith(["aiosmtpd"], "aiosmtpd", () => {
  test("speaks first, takes a mail, and ends with QUIT", async () => {
    await using smtp = await startSmtp();
    // As in CI, by the command.
    const target = ["--target", `smtp=tcp://localhost:${smtp.port}`, "--timeout", String(playMsMax)];
    const played = await run(process.execPath, [clientPath, "play", scenarioPath("smtp"), ...target]);
    expect(played.stdout).toMatch(/smtp\.wire: held, 17 steps, \d+ ms\n$/);
    const [mail = ""] = await readdir(join(smtp.maildir, "new"));
    expect(await readFile(join(smtp.maildir, "new", mail), "utf8")).toContain("brick");
  });
});

describeWith(imapNeeds, "dovecot", () => {
  test("lets a user in over TLS who knows the password", async () => {
    await using imap = await startImap();
    const url = `tls://127.0.0.1:${imap.port}?ca=${imap.certPath}`;
    expect(await playScenario("imap", url, { user: imap.user, key: imap.password })).toBe("held");
  });
});

describeWith(["memcached"], "memcached", () => {
  test("says its version, and keeps a value", async () => {
    await using memcached = await startMemcached();
    expect(await playScenario("memcached", `tcp://127.0.0.1:${memcached.port}`)).toBe("held");
  });
});

describeWith(["git"], "git daemon", () => {
  test("lists its branch and its commit", async () => {
    await using daemon = await startGitDaemon();
    const listed = await git(tmpdir(), "ls-remote", `git://127.0.0.1:${daemon.port}/sample.git`, "refs/heads/main");
    expect(listed).toBe(`${daemon.commit}\trefs/heads/main`);
  });
});

describeWith(gopherNeeds, "gophernicus", () => {
  test("answers with a file", async () => {
    await using gopher = await startGopher("a line that only this server has");
    const socket = connect(gopher.port, "127.0.0.1");
    socket.write("/hello.txt\r\n");
    expect(await text(socket)).toContain("a line that only this server has");
  });
});

describeWith(telnetNeeds, "inetutils-telnetd", () => {
  test("lets a user in who knows the password", async () => {
    await using telnet = await startTelnet();
    const socket = connect(telnet.port, "127.0.0.1");
    // Until its options are answered it does not go on.
    const refuse = refuseTelnetOptions();
    socket.on("data", (bytes: Buffer) => socket.write(refuse(bytes)));
    await readUntil(socket, /login: $/);
    socket.write(`${telnet.user}\r\n`);
    await readUntil(socket, /Password: $/);
    socket.write(`${telnet.password}\r\n`);
    await readUntil(socket, /\$ $/);
    socket.write("echo $((6 * 7))\r\n");
    await readUntil(socket, /^42\r$/m);
    // What the shell still says as it ends may be lost: telnetd stops reading then.
    socket.write("exit\r\n");
    await text(socket);
  });
});

describeWith(["mosquitto"], "mosquitto", () => {
  test("passes messages of QoS 1 on, each once and in order", async () => {
    await using mosquitto = await startMosquitto();
    const client = await mqtt.connectAsync(`mqtt://127.0.0.1:${mosquitto.port}`);
    const sent = Array.from({ length: 100 }, (_, number) => `brick ${number}`);
    const received: string[] = [];
    const { promise: all, resolve } = Promise.withResolvers<void>();
    client.on("message", (_topic, payload) => {
      if (received.push(payload.toString()) === sent.length) resolve();
    });
    await client.subscribeAsync("log", { qos: 1 });
    await Promise.all(sent.map((message) => client.publishAsync("log", message, { qos: 1 })));
    await all;
    expect(received).toEqual(sent);
    await client.endAsync();
  });
});

describeWith(["websockify", "python3-websockets", "redis-server", "openssl"], "websockify", () => {
  test("carries the bytes of Debian's python3-websockets to redis", async () => {
    await using redis = await startRedis();
    await using websockify = await startWebsockify(redis.port);
    const url = `ws://127.0.0.1:${websockify.port}/`;
    const [ping, pong] = [Buffer.from("PING\r\n"), Buffer.from("+PONG\r\n")];
    const first = await askWithPython({ url }, ping, pong.length);
    expect(first).toEqual({ subprotocol: "", reply: pong });
    const second = await askWithPython({ url, subprotocols: ["binary"] }, ping, pong.length);
    expect(second).toEqual({ subprotocol: "binary", reply: pong });
  });
});

describeWith([], "wscat", () => {
  test("sends a text frame, and prints what comes back", async () => {
    const server = new WebSocketServer({ host: "127.0.0.1", port: 0, handleProtocols: ([first]) => first ?? false });
    server.on("connection", (socket) =>
      socket.on("message", (data, isBinary) =>
        socket.send(`${socket.protocol} ${isBinary} ${(data as Buffer).toString()}`),
      ),
    );
    await once(server, "listening");
    const url = `ws://127.0.0.1:${(server.address() as AddressInfo).port}/`;
    expect(await askWithWscat({ url, subprotocols: ["binary"] }, "brick 2", /\n/)).toBe("binary false brick 2\n");
    server.close();
    await once(server, "close");
  });
});

describeWith([...vncNeeds, "novnc"], "tigervnc", () => {
  test("says its version first; the files of noVNC are there", async () => {
    await using vnc = await startVnc();
    const socket = connect(vnc.port, "127.0.0.1");
    expect(await readUntil(socket, /\n/)).toBe("RFB 003.008\n");
    socket.destroy();
    expect(await readdir(findNovnc() ?? "")).toEqual(expect.arrayContaining(["core", "vnc.html", "vnc_lite.html"]));
  });
});
