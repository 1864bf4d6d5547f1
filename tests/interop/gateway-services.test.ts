/** Conversations through the gateway with services that this project did not write, over TCP, TLS and Unix sockets. */

import { afterAll, beforeAll, expect, test } from "vitest";
import { PageClient } from "../../test-support/page-client.ts";
import type { PageStream } from "../../test-support/page-client.ts";
import { playOn } from "../../test-support/play.ts";
import { startGateway } from "../../test-support/programs.ts";
import { describeWith } from "../../test-support/services/describe-with.ts";
import { imapNeeds, startImap } from "../../test-support/services/imap.ts";
import {
  refuseTelnetOptions,
  startTelnet,
  telnetNeeds,
  withoutTelnetOptions,
} from "../../test-support/services/inetd.ts";
import { startMemcached } from "../../test-support/services/memcached.ts";
import { startRedis } from "../../test-support/services/redis.ts";
import { startSmtp } from "../../test-support/services/smtp.ts";
import { serverProtocol, TlsServers } from "../../test-support/services/tls-server.ts";
import type { TlsVariant } from "../../test-support/services/tls-server.ts";

/** A gateway to one target of that name, and a page on it. */
async function openPage(target: string, ...options: readonly string[]) {
  await using made = new AsyncDisposableStack();
  const gateway = made.use(await startGateway({ options: ["--target", target, ...options] }));
  const page = made.use(await PageClient.open(gateway.address));
  const held = made.move();
  return { page, gateway, [Symbol.asyncDispose]: () => held.disposeAsync() };
}

/** What the target has said since the last call, once it fits. */
function listenTo(stream: PageStream): (fits: RegExp) => Promise<string> {
  let heard = 0;
  return async (fits) => {
    const said = await stream.until(({ bytes }) => {
      const text = bytes.subarray(heard).toString("latin1");
      return fits.test(withoutTelnetOptions(text)) ? text : undefined;
    });
    heard += Buffer.byteLength(said, "latin1");
    return said;
  };
}

/** Says each line when the answer to the one before has come. */
async function converse(
  stream: PageStream,
  greeting: RegExp,
  steps: readonly (readonly [string, RegExp])[],
): Promise<void> {
  const hear = listenTo(stream);
  await hear(greeting);
  for (const [line, answer] of steps) {
    await stream.send(`${line}\r\n`);
    await hear(answer);
  }
}

const file = (path: string): string => encodeURIComponent(path);

describeWith(["redis-server", "openssl"], "redis", () => {
  test("is held in conversation over TCP, TLS and its Unix socket", async () => {
    await using redis = await startRedis();
    await using open = await openPage(
      `tcp=tcp://127.0.0.1:${redis.port}`,
      "--target",
      `tls=tls://localhost:${redis.tlsPort}?ca=${file(redis.certPath)}`,
      "--target",
      `local=unix:${file(redis.socketPath)}`,
      "--auth",
      "none",
    );
    for (const target of ["tcp", "tls", "local"]) {
      const stream = open.page.connect(target);
      expect(await playOn(stream, "redis", { way: target })).toBe("held");
      // Redis has closed its direction; the stream lives until the page closes the other one.
      stream.end();
      const { last, record } = await stream.ended;
      expect(last).toMatchObject({ type: "end", reason: "fin" });
      expect(record.writeCount).toBe(7);
    }
    expect(open.page.unexpected).toEqual([]);
  });

  test("tells a subscriber what others publish, and nothing is heard in between", async () => {
    await using redis = await startRedis();
    await using open = await openPage(`redis=tcp://127.0.0.1:${redis.port}`);
    const subscriber = open.page.connect("redis", { bytes: "SUBSCRIBE news\r\n" });
    const hear = listenTo(subscriber);
    await hear(/^\*3\r\n\$9\r\nsubscribe\r\n\$4\r\nnews\r\n:1\r\n$/);
    for (const word of ["brick", "otter"]) {
      const publisher = open.page.connect("redis", { bytes: `PUBLISH news ${word}\r\n`, isEnded: true });
      expect(await publisher.ended).toMatchObject({ text: ":1\r\n", last: { type: "end", reason: "fin" } });
      expect(await hear(/\r\n$/)).toBe(`*3\r\n$7\r\nmessage\r\n$4\r\nnews\r\n$5\r\n${word}\r\n`);
    }
    subscriber.reset();
    expect(await subscriber.ended).toMatchObject({ last: { type: "end", reason: "reset" } });
  });
});

describeWith(["aiosmtpd"], "aiosmtpd", () => {
  test("speaks first, and takes a mail up to QUIT", async () => {
    await using smtp = await startSmtp();
    await using open = await openPage(`mail=tcp://localhost:${smtp.port}`);
    const stream = open.page.connect("mail");
    expect(await playOn(stream, "smtp")).toBe("held");
    stream.end();
    const { record } = await stream.ended;
    // The banner was read before anything was written.
    const [first] = record.events;
    expect(first).toMatchObject({ isFromTarget: true, offset: 0 });
    expect(record.at.firstByte).toBeLessThan(record.at.written ?? 0);
  });
});

describeWith(imapNeeds, "dovecot", () => {
  test("lets a user in over TLS who knows the password, and the log knows neither", async () => {
    await using imap = await startImap();
    await using open = await openPage(`imap=tls://localhost:${imap.port}?ca=${file(imap.certPath)}`);
    const stream = open.page.connect("imap");
    expect(await playOn(stream, "imap", { user: imap.user, key: imap.password })).toBe("held");
    stream.end();
    const { open: opened, last } = await stream.ended;
    expect(opened?.tls).toMatchObject({
      version: "TLSv1.3",
      alpn: null,
      peer: { subject: expect.stringContaining("imap") as string },
    });
    expect(last.at.secured).toBeGreaterThan(last.at.established ?? Infinity);
    expect(await open.gateway.lineWith(/"event":"stream"/)).not.toContain(imap.password);
  });
});

describeWith(telnetNeeds, "inetutils-telnetd", () => {
  test("lets a user in who answers its options and knows the password", async () => {
    await using telnet = await startTelnet();
    await using open = await openPage(`telnet=tcp://127.0.0.1:${telnet.port}`);
    const refuse = refuseTelnetOptions();
    const stream: PageStream = open.page.connect("telnet", {}, { onRead: (bytes) => void stream.send(refuse(bytes)) });
    await converse(stream, /login: $/, [
      [telnet.user, /Password: $/],
      [telnet.password, /\$ $/],
      ["echo $((6 * 7))", /^42\r$/m],
      ["exit", /$/],
    ]);
    await stream.until(({ record }) => record.at.fin);
    stream.end();
    expect(await stream.ended).toMatchObject({ last: { type: "end", reason: "fin" } });
  });
});

describeWith(["memcached"], "memcached", () => {
  test("keeps a value within one conversation", async () => {
    await using memcached = await startMemcached();
    await using open = await openPage(`cache=tcp://127.0.0.1:${memcached.port}`);
    const stream = open.page.connect("cache");
    expect(await playOn(stream, "memcached")).toBe("held");
    stream.cancel();
    expect(await stream.ended).toMatchObject({ last: { type: "end", reason: "cancelled" } });
  });
});

/** The parameters that name a client's certificate. */
const identity = ({ certPath, keyPath }: TlsServers["client"]): string =>
  `&cert=${file(certPath)}&key=${file(keyPath)}`;

describeWith(["openssl"], "openssl s_server", () => {
  let servers: TlsServers;
  beforeAll(async () => void (servers = await TlsServers.open()));
  afterAll(() => servers[Symbol.asyncDispose]());

  /** The line that comes back, or the code of the error. */
  async function send(variant: TlsVariant, more = "", ...options: readonly string[]): Promise<string> {
    await using server = await servers.start(variant);
    const url = `tls://127.0.0.1:${server.port}?ca=${file(servers.authorityPath)}${more}`;
    await using open = await openPage(`tls=${url}`, ...options);
    const stream = open.page.connect("tls", { bytes: "brick\n" });
    const answer = await stream
      .until(({ bytes }) => (bytes.includes("\n") ? bytes.toString() : undefined))
      .catch(() => "");
    if (answer !== "") return answer;
    const { last } = await stream.ended;
    if (last.type === "end") return last.reason;
    expect(last.hop).toBe("gateway-server");
    return last.code;
  }

  test.each<[TlsVariant, string]>([
    ["in order", "kcirb\n"],
    ["expired", "tls-expired"],
    ["not yet valid", "tls-not-yet-valid"],
    ["wrong host", "tls-wrong-host"],
    ["self-signed", "tls-self-signed"],
    ["unknown authority", "tls-unknown-authority"],
  ])("%s: %s", async (variant, expected) => expect(await send(variant)).toBe(expected));

  test("a client certificate that is in order, none, and one of an unknown authority", async () => {
    const variant = "wants a client certificate";
    expect(await send(variant, identity(servers.client), "--auth", "none")).toBe("kcirb\n");
    expect(await send(variant)).toBe("tls-client-certificate");
    expect(await send(variant, identity(servers.stranger), "--auth", "none")).toBe("tls-client-certificate");
  });

  test("a protocol that both know, and none", async () => {
    expect(await send("other protocol", `&alpn=${serverProtocol}`)).toBe("kcirb\n");
    expect(await send("other protocol", "&alpn=another")).toBe("tls-no-common-protocol");
  });
});
