/** Services of other projects behind the gateway: it carries any line to any server, and the page shows what came. */

import { once } from "node:events";
import type { Socket } from "node:net";
import type { Page } from "@playwright/test";
import { startGateway, startServer } from "../../test-support/programs.ts";
import { gopherNeeds, startGopher } from "../../test-support/services/inetd.ts";
import { startRedis } from "../../test-support/services/redis.ts";
import { startSmtp } from "../../test-support/services/smtp.ts";
import { TestServer } from "../../test-support/tcp-client.ts";
import { unmet } from "../faults/framework/needs.ts";
import { skipWhen } from "./skip.ts";
import { expect, test, Wirebook } from "./wirebook.ts";

test("reads a file from a gopher server that closes after it", async ({ page }) => {
  skipWithout(gopherNeeds);
  await using gopher = await startGopher("a line that only this server has");
  await using gateway = await startGateway({ options: [`--target=gopher=tcp://127.0.0.1:${gopher.port}`] });
  const wirebook = await open(page, gateway.address);
  await wirebook.commandLine.getByRole("checkbox", { name: "Keep open" }).uncheck();
  await wirebook.type("/hello.txt");
  await expect(newest(wirebook)).toContainText("a line that only this server has");
  await expect(newest(wirebook)).toContainText("done");
  await expect(wirebook.line).toHaveValue("");
});

test("holds a conversation with an SMTP server from its greeting to QUIT", async ({ page }) => {
  skipWithout(["aiosmtpd"]);
  await using smtp = await startSmtp();
  await using server = await startServer();
  await using gateway = await startGateway({
    server: server.address,
    options: [`--target=mail=tcp://127.0.0.1:${smtp.port}`],
  });
  const wirebook = await open(page, gateway.address);
  const { commandLine, line } = wirebook;
  await commandLine.getByRole("combobox", { name: "Target" }).selectOption("mail");
  await commandLine.getByRole("button", { name: "Connect" }).click();
  const entry = newest(wirebook);
  await expect(entry).toContainText("220 ");
  await say("EHLO wirebook.example", "250 HELP");
  await say("MAIL FROM:<ada@example.org>", "250 OK");
  await say("RCPT TO:<brick@example.org>", "250 OK");
  await say("DATA", "354 End data");

  await line.fill("Subject: hello\n\nfrom the page\n.");
  await commandLine.getByRole("button", { name: "Send 4 lines" }).click();
  await expect(line).toHaveValue("");
  await expect(line).toBeFocused();
  await say("QUIT", "221 Bye");
  await expect(entry).toContainText("closed by mail");
  await expect(commandLine).toContainText("The next line opens a connection to mail.");
  await expect(commandLine.getByRole("button", { name: "Connect" })).toBeEnabled();

  async function say(text: string, answer: string): Promise<void> {
    await line.fill(text);
    await line.press("Enter");
    await expect(entry).toContainText(answer);
  }
});

test("sends nothing to another target but what the user does, and no key", async ({ page }) => {
  skipWithout(["redis-server", "openssl"]);
  await using redis = await startRedis();
  const target = `cache=tls://127.0.0.1:${redis.tlsPort}?ca=${redis.certPath}`;
  await using gateway = await startGateway({ options: ["--target", target] });
  await page.addInitScript(() => localStorage.setItem("wirebook.users", JSON.stringify([["PING", "s3cret"]])));
  const wirebook = await open(page, gateway.address);
  const { commandLine } = wirebook;
  await expect(commandLine.getByRole("combobox", { name: "Target" }).getByRole("option")).toHaveText([
    `cache, TLS 127.0.0.1:${redis.tlsPort}`,
  ]);
  await expect(commandLine.getByRole("button", { name: "Connect" })).toBeEnabled();
  await expect(wirebook.conversation.getByRole("article")).toHaveCount(0);
  await wirebook.type("PING");
  await expect(newest(wirebook)).toContainText(/open[^]*\+PONG/);
  await wirebook.type("SET a 1");
  await expect(newest(wirebook)).toContainText("+OK");
  await newest(wirebook)
    .getByRole("button", { name: /^Close/ })
    .click();
  await page.getByRole("menuitem", { name: "Close" }).click();
  await expect(newest(wirebook)).toContainText("closed by you");
  await expect(wirebook.conversation.getByRole("article")).toHaveCount(1);
});

test("sends exactly the bytes that are chosen: line ends, hex, a paste", async ({ page, context }) => {
  await context.grantPermissions(["clipboard-read", "clipboard-write"]);
  await using echo = await Recorder.listen();
  await using gateway = await startGateway({ options: [`--target=echo=tcp://${echo.address}`] });
  const wirebook = await open(page, gateway.address);
  const { commandLine, line } = wirebook;
  await wirebook.type("one");
  await echo.received("one\r\n");
  await commandLine.getByRole("combobox", { name: "Line end" }).selectOption("CR");
  await wirebook.type("two");
  await echo.received("one\r\ntwo\r");
  await line.fill("A");
  await commandLine.getByRole("radio", { name: "Hex" }).check();
  await expect(line).toHaveValue("41 0d");
  await expect(commandLine.getByRole("combobox", { name: "Line end" })).toBeDisabled();
  await line.fill("42 4x");
  await expect(commandLine.getByRole("status", { name: "Refusal" })).toHaveText(
    '"x" at character 5 is no hex digit; type digits 0-9 and a-f.',
  );
  await wirebook.type("00 ff:42");
  await echo.received("one\r\ntwo\r\u0000\u00ffB");

  await commandLine.getByRole("radio", { name: "Text" }).check();
  await commandLine.getByRole("combobox", { name: "Line end" }).selectOption("LF");
  await page.evaluate(() => navigator.clipboard.writeText("three\r\nfour\r\n"));
  await line.focus();
  await page.keyboard.press("ControlOrMeta+v");
  await expect(line).toHaveValue("three\nfour\n");
  await commandLine.getByRole("button", { name: "Send 2 lines" }).click();
  await echo.received("one\r\ntwo\r\u0000\u00ffBthree\nfour\n");

  await expect(line).toBeFocused();
  expect(echo.connections).toBe(1);

  // What was chosen is remembered.
  await page.reload();
  await expect(commandLine.getByRole("combobox", { name: "Line end" })).toHaveValue("LF");
  await commandLine.getByRole("checkbox", { name: "Keep open" }).uncheck();
  await wirebook.type("six");
  await echo.received("six\n");
  await echo.ended();
  await wirebook.type("seven");
  await echo.received("seven\n");
  await echo.ended();
  expect(echo.connections).toBe(3);
});

test("says why a target cannot be reached, and keeps each target's line apart", async ({ page }) => {
  const gone = await Recorder.listen();
  const { address } = gone;
  await gone[Symbol.asyncDispose]();
  await using echo = await Recorder.listen();
  await using gateway = await startGateway({
    options: [`--target=echo=tcp://${echo.address}`, `--target=gone=tcp://${address}`],
  });
  const wirebook = await open(page, gateway.address);
  const { commandLine } = wirebook;
  const target = commandLine.getByRole("combobox", { name: "Target" });
  await target.selectOption("gone");
  await expect(wirebook.line).toBeFocused();
  await wirebook.type("hello");
  await expect(newest(wirebook)).toContainText("failed");
  await expect(newest(wirebook)).toContainText(`Nothing listens on ${address}`);
  await expect(commandLine).toContainText("The next line opens a connection to");
  await target.selectOption("echo");
  await wirebook.type("hello");
  await echo.received("hello\r\n");
  await page.reload();
  await expect(target).toHaveValue("echo");
  expect(echo.connections).toBe(1);
});

async function open(page: Page, address: string): Promise<Wirebook> {
  await page.goto(`http://${address}/`);
  return new Wirebook(page);
}

function newest({ conversation }: Wirebook) {
  return conversation.getByRole("article").last();
}

/** A service that answers nothing and remembers what its newest connection sent, one character a byte. */
class Recorder implements AsyncDisposable {
  connections = 0;
  #text = "";
  #socket: Socket | undefined;
  #server: TestServer | undefined;

  static async listen(): Promise<Recorder> {
    const recorder = new Recorder();
    recorder.#server = await TestServer.listen((socket) => {
      recorder.connections += 1;
      recorder.#text = "";
      recorder.#socket = socket;
      socket.on("data", (bytes) => (recorder.#text += bytes.toString("latin1")));
      socket.on("end", () => socket.end());
    });
    return recorder;
  }

  get address(): string {
    return this.#server?.address ?? "";
  }

  async received(text: string): Promise<void> {
    await expect.poll(() => this.#text).toBe(text);
  }

  /** Waits for the FIN of the newest connection. */
  async ended(): Promise<void> {
    if (this.#socket?.readableEnded === false) await once(this.#socket, "end");
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#server?.[Symbol.asyncDispose]();
  }
}

function skipWithout(programs: readonly string[]): void {
  const missing = unmet(programs);
  skipWhen(missing.length > 0, `${missing.join(", ")} is missing; \`node scripts/debian-programs.mjs\` fetches it`);
}
