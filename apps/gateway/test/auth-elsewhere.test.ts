import { once } from "node:events";
import { copyFile, readFile } from "node:fs/promises";
import type { IncomingMessage } from "node:http";
import { request } from "node:https";
import { expect, onTestFinished, test, vi } from "vitest";
import { WebSocket } from "ws";
import { subprotocol } from "@wirebook/protocol";
import { Certificates } from "../../../test-support/certificate.ts";
import type { TlsFiles } from "../../../test-support/certificate.ts";
import { PageClient } from "../../../test-support/page-client.ts";
import { ask, sendLogin } from "./auth-fixture.ts";
import { eventsOf, openEcho, openGateway, openPage, refusedPage } from "./gateway-fixture.ts";
import type { Gateway } from "./gateway-fixture.ts";

const byHeader = {
  auth: { method: "header", name: "X-Remote-User" },
  roles: new Map([["ada", "user"]] as const),
  trustProxy: ["127.0.0.5"],
} as const;
const proxy = { localAddress: "127.0.0.5" };

test("believes the header of a trusted proxy", async () => {
  await using echo = await openEcho();
  await using gateway = await openGateway(echo, { config: byHeader });
  await using page = await openPage(gateway, { ...proxy, headers: { "x-remote-user": "ada" } });
  expect(await page.frame("hello")).toMatchObject({ user: "ada", role: "user" });
  await using other = await openPage(gateway, { ...proxy, headers: { "x-remote-user": "J\u00c3\u00bcrgen M" } });
  expect(await other.frame("hello")).toMatchObject({ user: "J\u00fcrgen M", role: "viewer" });
});

test.each<[what: string, from: object, headers: Record<string, string | string[]>, message: string]>([
  ["from elsewhere", {}, { "x-remote-user": "ada" }, "127.0.0.1 is no address of --trust-proxy"],
  ["that is missing", proxy, {}, "header X-Remote-User must be there once"],
  ["that is empty", proxy, { "x-remote-user": "" }, "header X-Remote-User must be there once"],
  ["that is there twice", proxy, { "x-remote-user": ["ada", "eve"] }, "header X-Remote-User must be there once"],
  ["that is not UTF-8", proxy, { "x-remote-user": "J\u00fcrgen" }, "visible characters in UTF-8"],
  ["that is no name", proxy, { "x-remote-user": "a\u00e2\u0080\u008bb" }, "with a name of 1 to 64 visible characters"],
  ["that is too long", proxy, { "x-remote-user": "a".repeat(65) }, "with a name of 1 to 64 visible characters"],
  ["whose value is a password", proxy, { authorization: "Basic YTpi" }, "header X-Remote-User must be there once"],
])("ignores a header %s, and refuses the request", async (_what, from, headers, message) => {
  await using echo = await openEcho();
  await using gateway = await openGateway(echo, { config: byHeader });
  const [status, text] = await refusedPage(gateway, { ...from, headers: headers as Record<string, string> });
  expect([status, text]).toEqual([403, expect.stringContaining(message)]);
  expect(echo.acceptedCount).toBe(0);
});

test("tells who logs out that the proxy logs in", async () => {
  await using gateway = await openGateway(await openEcho(), { config: byHeader });
  const answer = await sendLogin(gateway, {}, { path: "/logout" });
  expect([answer.status, await answer.text()]).toEqual([200, expect.stringContaining("log out there")]);
  expect((await ask(gateway, "/login")).status).toBe(403);
});

test("a viewer sees the targets and may use none of them", async () => {
  await using echo = await openEcho();
  await using gateway = await openGateway(echo, { config: { ...byHeader, relay: true } });
  const headers = { "x-remote-user": "bob" };
  await using page = await openPage(gateway, { ...proxy, headers });
  expect(await page.frame("hello")).toMatchObject({ user: "bob", role: "viewer", targets: [{ name: "wirebook" }] });
  page.send({ type: "clock", at: 1 });
  await page.frame("clock");
  for (const { ended } of [page.request("brick"), page.connect("wirebook", { bytes: "x" })]) {
    const message = "your role viewer may not use targets; ask the operator for --role bob=user";
    expect((await ended).last).toMatchObject({ type: "error", code: "forbidden", hop: "gateway", message });
  }
  expect((await refusedPage(gateway, { ...proxy, headers }, "/tcp/wirebook"))[0]).toBe(403);
  expect(echo.acceptedCount).toBe(0);
  expect(eventsOf(gateway, "refused")).toMatchObject([{ status: 403 }]);
});

/** A gateway that wants certificates which an authority has signed, and the files of both. */
async function openCertified(
  certificates: Certificates,
): Promise<{ gateway: Gateway; own: TlsFiles; authority: TlsFiles }> {
  const [own, authority] = [await certificates.make("gateway"), await certificates.make("authority")];
  const auth = { method: "client-cert", caPath: authority.certPath } as const;
  const gateway = await openGateway(await openEcho(), { config: { auth, tls: own, roles: new Map([["*", "user"]]) } });
  return { gateway, own, authority };
}

/** The status and text of a page's own request over TLS, with a certificate if one is given. */
async function askSecurely(
  { port }: Gateway,
  own: TlsFiles,
  client?: TlsFiles,
): Promise<[status: number, text: string]> {
  const pair = client && { cert: await readFile(client.certPath), key: await readFile(client.keyPath) };
  const options = { port, path: "/nothing", ca: await readFile(own.certPath), agent: false, ...pair };
  const [answer] = (await once(request(options).end(), "response")) as [IncomingMessage];
  return [answer.statusCode ?? 0, (await answer.toArray()).join("")];
}

test("knows somebody by a certificate that its authority has signed, and by no other", async () => {
  await using certificates = await Certificates.open();
  const { gateway, own, authority } = await openCertified(certificates);
  await using _ = gateway;
  const [ada, self] = [await certificates.make("ada", authority), await certificates.make("eve")];
  const [cert, key, ca] = await Promise.all([ada.certPath, ada.keyPath, own.certPath].map((path) => readFile(path)));
  const origin = `https://${gateway.host}`;
  const socket = new WebSocket(`wss://${gateway.host}/ws`, subprotocol, { origin, cert, key, ca });
  await using page = new PageClient(socket);
  expect(await page.frame("hello")).toMatchObject({ user: "ada", role: "user" });
  expect(await askSecurely(gateway, own, ada)).toEqual([404, expect.anything()]);
  for (const client of [undefined, self]) {
    const message = expect.stringContaining("must send a client certificate that this gateway's authority signed");
    expect(await askSecurely(gateway, own, client)).toEqual([403, message]);
  }
});

test("refuses a certificate that has expired since the connection began", async () => {
  await using certificates = await Certificates.open();
  const { gateway, own, authority } = await openCertified(certificates);
  await using _ = gateway;
  const ada = await certificates.make("ada", authority);
  onTestFinished(() => void vi.useRealTimers());
  vi.useFakeTimers({ toFake: ["Date"], now: Date.now() + 3 * 24 * 3_600_000 });
  const message = expect.stringContaining("your client certificate has expired");
  expect(await askSecurely(gateway, own, ada)).toEqual([403, message]);
});

test("reads its authorities again with its certificate", async () => {
  await using certificates = await Certificates.open();
  const { gateway, own, authority } = await openCertified(certificates);
  await using _ = gateway;
  const ada = await certificates.make("ada", authority);
  expect((await askSecurely(gateway, own, ada))[0]).toBe(404);
  const other = await certificates.make("other");
  await copyFile(other.certPath, authority.certPath);
  gateway.app.reloadTls();
  expect((await askSecurely(gateway, own, ada))[0]).toBe(403);
  expect((await askSecurely(gateway, own, await certificates.make("bob", other)))[0]).toBe(404);
});
