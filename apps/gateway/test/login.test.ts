import { once } from "node:events";
import { appendFile, readFile, rm, writeFile } from "node:fs/promises";
import { connect } from "node:net";
import { expect, onTestFinished, test, vi } from "vitest";
import { subprotocol } from "@wirebook/protocol";
import { ada, ask, basic, cookieOf, logIn, openPasswordGateway, sendLogin, usersText } from "./auth-fixture.ts";
import type { PageClient } from "../../../test-support/page-client.ts";
import { eventsOf, openPage, refusedPage } from "./gateway-fixture.ts";

const html = { accept: "text/html,application/xhtml+xml" };

test("leads a browser to the login page, and back with what stands behind the question mark", async () => {
  await using gateway = await openPasswordGateway();
  const led = await ask(gateway, "/?q=a%20b", html);
  expect([led.status, led.headers.get("location")]).toEqual([303, "login?q=a%20b"]);
  const page = await ask(gateway, "/login?q=a%20b");
  expect([page.status, page.headers.get("content-type")]).toEqual([200, "text/html; charset=utf-8"]);
  const back = await sendLogin(gateway, ada, { path: "/login?q=a%20b" });
  expect([back.status, back.headers.get("location")]).toEqual([303, "./?q=a%20b"]);
  const again = await ask(gateway, "/login", cookieOf(back));
  expect([again.status, again.headers.get("location")]).toEqual([303, "./"]);
});

test("a login leads nowhere but to the page, whatever the address says", async () => {
  await using gateway = await openPasswordGateway();
  for (const query of ["?next=https://evil.example", "?//evil.example", "?/../../x", "?%0d%0aLocation:x"]) {
    const location = (await sendLogin(gateway, ada, { path: `/login${query}` })).headers.get("location");
    expect(new URL(location ?? "", "https://host.example/wirebook/login")).toMatchObject({
      origin: "https://host.example",
      pathname: "/wirebook/",
    });
  }
});

test("the login page has no script, its style by its hash, and the page's policy otherwise", async () => {
  await using gateway = await openPasswordGateway();
  const page = await ask(gateway, "/login");
  const text = await page.text();
  const policy = page.headers.get("content-security-policy") ?? "";
  expect(policy).toMatch(/style-src 'sha256-[\w+/=]{44}'; /);
  for (const part of ["default-src 'none'", "script-src 'self'", "form-action 'self'", "frame-ancestors 'none'"]) {
    expect(policy.split("; ")).toContain(part);
  }
  expect(text).not.toMatch(/<script|style="|https?:/);
  expect(text).toContain('autocomplete="current-password"');
  expect(page.headers.get("cache-control")).toBe("no-store");
});

test("a cookie of the login opens the page's WebSocket, which knows who it is", async () => {
  await using gateway = await openPasswordGateway({ config: { roles: new Map([["ada", "operator"]]) } });
  const response = await sendLogin(gateway);
  expect(response.headers.get("set-cookie")).toMatch(/^wirebook=[^;]+; Path=\/; HttpOnly; SameSite=Strict$/);
  const headers = cookieOf(response);
  await using page = await openPage(gateway, { headers });
  expect(await page.frame("hello")).toMatchObject({ user: "ada", role: "operator" });
  expect((await page.request("brick").ended).text).toBe("echo brick\n");
  expect(eventsOf(gateway, "socket")[0]).toMatchObject({ outcome: "open", user: "ada" });
  await expect.poll(() => eventsOf(gateway, "stream")).toMatchObject([{ user: "ada", message: "brick" }]);
  expect(eventsOf(gateway, "login")).toMatchObject([{ user: "ada", outcome: "logged in", address: "127.0.0.1" }]);
});

test("without a session no page, no file and no relay comes, but the operator's own paths do", async () => {
  await using gateway = await openPasswordGateway({ config: { relay: true } });
  for (const path of ["/", "/index.html", "/notes.txt", "/tcp/wirebook", "/ws", "/nothing"]) {
    const answer = await ask(gateway, path);
    expect([path, answer.status, answer.headers.get("www-authenticate")]).toEqual([
      path,
      401,
      'Login realm="Wirebook"',
    ]);
  }
  for (const path of ["/healthz", "/readyz", "/metrics"]) expect((await ask(gateway, path)).status).not.toBe(401);
  expect((await refusedPage(gateway, {}, "/tcp/wirebook"))[0]).toBe(401);
});

test("a page without a session is told to log in over its WebSocket", async () => {
  await using gateway = await openPasswordGateway();
  for (const headers of [{}, { cookie: "wirebook=nonsense" }, { cookie: "wirebook=bm8.c2lnbmF0dXJl" }]) {
    await using page = await openPage(gateway, { headers });
    expect(await page.error("login-needed")).toMatchObject({ id: null });
    expect(await page.closing).toMatchObject({ code: 4001, reason: expect.stringMatching(/^login-needed: /) });
    expect(page.framesOf("hello")).toEqual([]);
  }
});

test("strangers whose WebSockets stay on do not keep out who has logged in", async () => {
  await using gateway = await openPasswordGateway({ limits: { refusalsMax: 1, closeTimeoutMs: 60_000 } });
  // It answers no close frame.
  // The gateway would wait for it when it closes.
  await using made = new AsyncDisposableStack();
  const stranger = made.adopt(connect(gateway.port, "127.0.0.1"), async (socket) => void socket.destroy());
  const upgrade = ["Connection: Upgrade", "Upgrade: websocket", "Sec-WebSocket-Version: 13"];
  const asked = [`Origin: http://${gateway.host}`, `Sec-WebSocket-Protocol: ${subprotocol}`];
  const key = "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==";
  stranger.write(["GET /ws HTTP/1.1", `Host: ${gateway.host}`, ...upgrade, ...asked, key, "", ""].join("\r\n"));
  await once(stranger, "data");
  expect(await refusedPage(gateway)).toEqual([503, expect.stringContaining("being rejected")]);
  await using page = await openPage(gateway, { headers: await logIn(gateway) });
  expect(await page.frame("hello")).toMatchObject({ user: "ada" });
});

test("a program sends its password with the request or the upgrade, and needs no cookie", async () => {
  await using gateway = await openPasswordGateway({ config: { relay: true } });
  const answer = await ask(gateway, "/nothing", basic());
  expect([answer.status, answer.headers.get("set-cookie")]).toEqual([404, null]);
  await using page = await openPage(gateway, { headers: basic() });
  expect(await page.frame("hello")).toMatchObject({ user: "ada" });
  for (const wrong of [
    basic({ user: "ada", password: "x" }),
    basic({ user: "eve", password: "x" }),
    { authorization: "Basic !" },
  ]) {
    expect((await refusedPage(gateway, { headers: wrong }))[0]).toBe(401);
    expect((await ask(gateway, "/", wrong)).headers.get("www-authenticate")).toMatch(/^Basic /);
  }
});

test("an unknown name and a wrong password get the same answer, and no name that is none gets into the log", async () => {
  await using gateway = await openPasswordGateway();
  const answers = await Promise.all(
    ["ada", "mallory"].map(async (user) => {
      const answer = await sendLogin(gateway, { user, password: "my secret" });
      return [answer.status, (await answer.text()).replaceAll(user, "NAME"), answer.headers.get("set-cookie")];
    }),
  );
  expect(answers[0]).toEqual(answers[1]);
  expect(answers[0]).toEqual([403, expect.stringContaining('role="alert" id="problem">Wrong name or password.'), null]);
  const logged = eventsOf(gateway, "login").map(({ user, outcome }) => `${String(user)}: ${String(outcome)}`);
  expect(logged.toSorted()).toEqual(["ada: wrong name or password", "undefined: wrong name or password"]);
  expect(gateway.log.join()).not.toMatch(/mallory|my secret/);
});

test("shows a name that was typed as text, whatever it is", async () => {
  await using gateway = await openPasswordGateway();
  const text = await (await sendLogin(gateway, { user: '"><script>', password: "x" })).text();
  expect(text).not.toContain("<script>");
  expect(text).toContain('value="&#34;&#62;&#60;script&#62;"');
});

test("takes a login or a logout from no other website", async () => {
  await using gateway = await openPasswordGateway();
  const headers = await logIn(gateway);
  for (const origin of ["https://evil.example", "null"]) {
    expect((await sendLogin(gateway, ada, { headers: { origin } })).status).toBe(403);
    expect((await sendLogin(gateway, {}, { headers: { origin, ...headers }, path: "/logout" })).status).toBe(403);
  }
  await using page = await openPage(gateway, { headers });
  await page.frame("hello");
});

test("a logout ends the session and its WebSockets, and no others", async () => {
  await using gateway = await openPasswordGateway();
  const [headers, others] = [await logIn(gateway), await logIn(gateway)];
  await using page = await openPage(gateway, { headers });
  await using other = await openPage(gateway, { headers: others });
  await Promise.all([page.frame("hello"), other.frame("hello")]);
  const answer = await sendLogin(gateway, {}, { headers, path: "/logout" });
  expect([answer.status, answer.headers.get("location")]).toEqual([303, "login"]);
  expect(answer.headers.get("set-cookie")).toMatch(/^wirebook=; Max-Age=0; Path=\/;/);
  expect(await page.closing).toEqual({ code: 4001, reason: "login-needed: you logged out; log in again" });
  // The cookie is of no use any more, wherever somebody has kept it.
  await using late = await openPage(gateway, { headers });
  await late.error("login-needed");
  expect((await other.request("brick").ended).text).toBe("echo brick\n");
  expect(eventsOf(gateway, "login").at(-1)).toMatchObject({ user: "ada", outcome: "logged out" });
});

test("a login ends the session that the browser had before", async () => {
  await using gateway = await openPasswordGateway();
  const before = await logIn(gateway);
  await using open = await openPage(gateway, { headers: before });
  await open.frame("hello");
  const after = cookieOf(await sendLogin(gateway, ada, { headers: before }));
  expect(after).not.toEqual(before);
  expect(await open.closing).toMatchObject({ code: 4001 });
  await using page = await openPage(gateway, { headers: before });
  await page.error("login-needed");
});

test.each([
  [12, "a login holds for 12 hours"],
  [2, "nothing was sent for 2 hours"],
])("a session ends after %i hours: %s", async (hours, why) => {
  await using gateway = await openPasswordGateway({ limits: { pingIntervalMs: 20 } });
  const headers = await logIn(gateway);
  await using page = await openPage(gateway, { headers });
  await page.frame("hello");
  vi.useFakeTimers({ toFake: ["Date"], now: Date.now() + hours * 3_600_000 });
  onTestFinished(() => void vi.useRealTimers());
  expect(await page.closing).toEqual({ code: 4001, reason: `login-needed: ${why}; log in again` });
  expect((await ask(gateway, "/", { ...headers, ...html })).headers.get("location")).toBe("login");
});

test("a session that is used goes on", async () => {
  await using gateway = await openPasswordGateway({ limits: { sessionIdleMs: 60_000 } });
  const headers = await logIn(gateway);
  vi.useFakeTimers({ toFake: ["Date"], now: Date.now() });
  onTestFinished(() => void vi.useRealTimers());
  for (const _ of [1, 2, 3]) {
    vi.setSystemTime(Date.now() + 59_000);
    expect((await ask(gateway, "/nothing", headers)).status).toBe(404);
  }
  vi.setSystemTime(Date.now() + 60_000);
  expect((await ask(gateway, "/nothing", headers)).status).toBe(401);
});

test("who is removed from the file, or gets another password, is out at once", async () => {
  await using gateway = await openPasswordGateway(
    { limits: { usersLookMs: 10 } },
    { ada: ada.password, bob: "b", cy: "c" },
  );
  const forms = [ada, { user: "bob", password: "b" }, { user: "cy", password: "c" }];
  const cookies = await Promise.all(forms.map((form) => logIn(gateway, form)));
  const proofs = [...cookies, basic()];
  const pages = await Promise.all(proofs.map((headers) => openPage(gateway, { headers })));
  await Promise.all(pages.map((page) => page.frame("hello")));
  const [first, second, third, program] = pages as [PageClient, PageClient, PageClient, PageClient];
  const lines = (await readFile(gateway.usersPath, "utf8")).split("\n");
  await writeFile(gateway.usersPath, `${usersText({ bob: "other" })}${lines[2]}\n`);
  for (const page of [first, second, program]) {
    const reason = "login-needed: the user was removed or has another password; log in again";
    expect(await page.closing).toEqual({ code: 4001, reason });
  }
  expect((await third.request("brick").ended).text).toBe("echo brick\n");
  third.socket.terminate();
});

test("a file that cannot be read again leaves the users as they were, and the log says so", async () => {
  await using gateway = await openPasswordGateway({ limits: { usersLookMs: 10 } });
  await rm(gateway.usersPath);
  await expect
    .poll(() => eventsOf(gateway, "notice"))
    .toMatchObject([
      { message: expect.stringMatching(/^cannot read the users again, so they stay as they were: .*ENOENT/) },
    ]);
  expect((await sendLogin(gateway)).status).toBe(303);
  await appendFile(gateway.usersPath, usersText({ bob: "b" }));
  await expect
    .poll(async () => (await sendLogin(gateway, { user: "bob", password: "b" })).status, { timeout: 10_000 })
    .toBe(303);
});

test("the same key makes a cookie hold over a restart", async () => {
  await using first = await openPasswordGateway();
  const sessionKey = `${first.usersPath}.key`;
  await writeFile(sessionKey, "k".repeat(32));
  const config = { auth: { method: "basic", path: first.usersPath } as const, sessionKey };
  await using second = await openPasswordGateway({ config });
  await using third = await openPasswordGateway({ config });
  const headers = await logIn(second);
  await using page = await openPage(third, { headers });
  expect(await page.frame("hello")).toMatchObject({ user: "ada" });
  await using elsewhere = await openPage(first, { headers });
  await elsewhere.error("login-needed");
});
