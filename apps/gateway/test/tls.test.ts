import { once } from "node:events";
import { copyFile, readFile, writeFile } from "node:fs/promises";
import { get } from "node:https";
import type { IncomingMessage } from "node:http";
import { createConnection } from "node:net";
import { join } from "node:path";
import { connect } from "node:tls";
import { expect, test } from "vitest";
import { WebSocket } from "ws";
import { subprotocol } from "@wirebook/protocol";
import { readTls } from "../src/http/http-servers.ts";
import { Certificates, type TlsFiles } from "../../../test-support/certificate.ts";
import { PageClient } from "../../../test-support/page-client.ts";
import { openEcho, openGateway } from "./gateway-fixture.ts";
import type { Gateway } from "./gateway-fixture.ts";

/** Connects a page over TLS, to whom the certificate is known. */
async function openSecurePage(
  { host }: Gateway,
  { certPath }: TlsFiles,
  origin = `https://${host}`,
): Promise<PageClient> {
  const ca = await readFile(certPath);
  const socket = new WebSocket(`wss://${host}/ws`, subprotocol, { origin, ca, perMessageDeflate: false });
  const page = new PageClient(socket);
  await once(socket, "open");
  return page;
}

/** The common name of the certificate that a gateway shows now. */
async function shownName({ port }: Gateway): Promise<string | undefined> {
  const socket = connect({ port, host: "127.0.0.1", rejectUnauthorized: false });
  await once(socket, "secureConnect");
  const name = socket.getPeerCertificate().subject.CN;
  socket.destroy();
  return Array.isArray(name) ? name[0] : name;
}

test("serves the page and its WebSocket over TLS, with headers, limits and all", async () => {
  await using certificates = await Certificates.open();
  const tls = await certificates.make("first");
  await using echo = await openEcho();
  await using gateway = await openGateway(echo, { config: { tls } });
  const asked = get({ port: gateway.port, path: "/healthz", ca: await readFile(tls.certPath) });
  const [answer] = (await once(asked, "response")) as [IncomingMessage];
  answer.resume();
  expect([answer.statusCode, answer.headers["x-content-type-options"]]).toEqual([200, "nosniff"]);
  await using page = await openSecurePage(gateway, tls);
  expect((await page.ask({ type: "request", id: 1, user: "brick" })).text).toBe("echo brick\n");
});

test("lets the pages of its own https origin in, and not those of the http one", async () => {
  await using certificates = await Certificates.open();
  const tls = await certificates.make("first");
  await using echo = await openEcho();
  await using gateway = await openGateway(echo, { config: { tls } });
  const origin = `http://${gateway.host}`;
  const stranger = new WebSocket(`wss://${gateway.host}/ws`, subprotocol, { origin, rejectUnauthorized: false });
  const [, refusal] = (await once(stranger, "unexpected-response")) as [unknown, IncomingMessage];
  refusal.destroy();
  expect(refusal.statusCode).toBe(403);
  await using page = await openSecurePage(gateway, tls, `https://localhost:${gateway.port}`);
  await page.frame("hello");
});

test("takes a renewed certificate without losing a connection, and keeps the old one when the new one is bad", async () => {
  await using certificates = await Certificates.open();
  const tls = await certificates.make("first");
  await using echo = await openEcho();
  await using gateway = await openGateway(echo, { config: { tls } });
  await using page = await openSecurePage(gateway, tls);
  const second = await certificates.make("second");
  await copyFile(second.certPath, tls.certPath);
  expect(() => gateway.app.reloadTls()).toThrow("is not the private key");
  expect(await shownName(gateway)).toBe("first");
  await copyFile(second.keyPath, tls.keyPath);
  gateway.app.reloadTls();
  expect(await shownName(gateway)).toBe("second");
  expect((await page.ask({ type: "request", id: 1, user: "brick" })).text).toBe("echo brick\n");
});

test("closes a connection that does not begin to speak TLS in time", async () => {
  await using certificates = await Certificates.open();
  const tls = await certificates.make("first");
  await using echo = await openEcho();
  await using gateway = await openGateway(echo, {
    config: { tls },
    limits: { httpRequestMs: 50, httpLookMs: 10 },
  });
  const socket = createConnection(gateway.port, "127.0.0.1");
  socket.on("error", () => undefined);
  socket.resume();
  await once(socket, "close");
});

test("says which file is wrong, how, and what named it", async () => {
  const names = { tlsCert: "--tls-cert", tlsKey: "WIREBOOK_TLS_KEY" } as const;
  const nameOf = (name: string): string => names[name as keyof typeof names];
  await using certificates = await Certificates.open();
  const one = await certificates.make("one");
  const other = await certificates.make("other");
  const text = join(certificates.folder, "text");
  await writeFile(text, "no certificate\n");
  const wrong: [files: TlsFiles, message: RegExp][] = [
    [{ ...one, certPath: "/nowhere.crt" }, /^--tls-cert \/nowhere\.crt cannot be read \(ENOENT\); name a PEM file/],
    [{ ...one, keyPath: certificates.folder }, /^WIREBOOK_TLS_KEY \S+ cannot be read \(it is not a file\)/],
    [{ ...one, certPath: text }, /^--tls-cert \S+text has no certificate in PEM form/],
    [{ ...one, keyPath: text }, /^WIREBOOK_TLS_KEY \S+text is not the private key/],
    [{ certPath: one.keyPath, keyPath: one.certPath }, /^--tls-cert \S+one\.key has no certificate/],
    [
      { ...one, keyPath: other.keyPath },
      /^WIREBOOK_TLS_KEY \S+other\.key is not the private key, without a passphrase, of \S+ \S+one\.crt/,
    ],
  ];
  for (const [files, message] of wrong) expect(() => readTls({ tls: files, auth: undefined, nameOf })).toThrow(message);
  expect(readTls({ tls: one, auth: undefined, nameOf })?.cert.toString()).toContain("BEGIN CERTIFICATE");
});
