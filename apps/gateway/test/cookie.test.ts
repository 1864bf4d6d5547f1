import { request } from "node:https";
import { expect, test } from "vitest";
import { Certificates } from "../../../test-support/certificate.ts";
import { ada, ask, cookieOf, openPasswordGateway, sendLogin } from "./auth-fixture.ts";
import type { GatewayConfig } from "../src/config.ts";

const origins = ["https://wirebook.example", "http://plain.example", "https://both.example", "http://both.example"];

/** The cookie that a login sets, by its name and attributes, when a proxy sends it on with these headers. */
async function cookieFor(headers: Record<string, string>, config: Partial<GatewayConfig>): Promise<string> {
  await using gateway = await openPasswordGateway({ config: { origin: origins, ...config } });
  const response = await sendLogin(gateway, ada, { headers: { origin: origins[0] as string, ...headers } });
  expect(response.status).toBe(303);
  return (response.headers.get("set-cookie") ?? "").replace(/=[^;]+/, "=…");
}

const trusted = { trustProxy: ["127.0.0.1"] };
const strict = "HttpOnly; SameSite=Strict";

test.each<[what: string, headers: Record<string, string>, config: Partial<GatewayConfig>, cookie: string]>([
  ["on plain http", { host: "plain.example" }, {}, `wirebook=…; Path=/; ${strict}`],
  [
    "of an https origin",
    { host: "wirebook.example" },
    {},
    `__Host-wirebook=…; Path=/; HttpOnly; Secure; SameSite=Strict`,
  ],
  ["of an origin over both, by http", { host: "both.example" }, trusted, `wirebook=…; Path=/; ${strict}`],
  [
    "of an origin over both, by https",
    { host: "both.example", "x-forwarded-proto": "https" },
    trusted,
    `__Host-wirebook=…; Path=/; HttpOnly; Secure; SameSite=Strict`,
  ],
  [
    "of an origin over both, by https as an unknown proxy says",
    { host: "both.example", "x-forwarded-proto": "https" },
    {},
    `wirebook=…; Path=/; ${strict}`,
  ],
])("the cookie %s", async (_what, headers, config, cookie) => {
  expect(await cookieFor(headers, config)).toBe(cookie);
});

test("a cookie counts where it was set: not on http for https", async () => {
  await using gateway = await openPasswordGateway({ config: { ...trusted, origin: origins } });
  const host = "both.example";
  const secure = { host, "x-forwarded-proto": "https", origin: "https://both.example" };
  const { cookie } = cookieOf(await sendLogin(gateway, ada, { headers: secure }));
  const statusOf = async (headers: Record<string, string>) =>
    (await ask(gateway, "/nothing", { host, ...headers })).status;
  expect(await statusOf({ ...secure, cookie })).toBe(404);
  expect(await statusOf({ cookie })).toBe(401);
  // A cookie that plain http could have set is none over https.
  expect(await statusOf({ ...secure, cookie: cookie.replace("__Host-", "") })).toBe(401);
});

test("the gateway's own TLS makes it secure", async () => {
  await using certificates = await Certificates.open();
  const tls = await certificates.make("own");
  await using gateway = await openPasswordGateway({ config: { tls } });
  const answer = await new Promise<string>((resolve, reject) => {
    const headers = { "content-type": "application/x-www-form-urlencoded", origin: `https://${gateway.host}` };
    const options = { port: gateway.port, path: "/login", method: "POST", headers, rejectUnauthorized: false };
    const asked = request(options, (response) => resolve(String(response.headers["set-cookie"])));
    asked.on("error", reject).end(new URLSearchParams(ada).toString());
  });
  expect(answer).toMatch(/^__Host-wirebook=.*; Path=\/; HttpOnly; Secure; SameSite=Strict$/);
});
