import { once } from "node:events";
import { readFile } from "node:fs/promises";
import type { AddressInfo, Socket } from "node:net";
import { PassThrough, Writable } from "node:stream";
import { createServer as createTlsServer } from "node:tls";
import { StreamRecord } from "@wirebook/protocol";
import type { StreamEvent } from "@wirebook/protocol";
import { describe, expect, test } from "vitest";
import { Certificates } from "../../../test-support/certificate.ts";
import { TestServer } from "../../../test-support/tcp-client.ts";
import { runCommand } from "../src/command.ts";
import { connect, lineEnds } from "../src/connect.ts";
import { createPaint } from "../src/output/text.ts";
import { createTextView } from "../src/output/views.ts";
import { keys, PtyCli, ptyMaker } from "./pty.ts";

/** A server that greets first, answers each line, and ends at QUIT, as SMTP has it. */
async function openMail(lines: string[] = []): Promise<TestServer> {
  return await TestServer.listen((socket) => {
    socket.write("220 mail.example\r\n");
    socket.on("data", (line) => {
      lines.push(String(line));
      if (String(line).startsWith("QUIT")) socket.end("221 bye\r\n");
      else socket.write(`250 ${String(line).trimEnd().toUpperCase()}\r\n`);
    });
  });
}

const plain = { NO_COLOR: "1" };

describe.skipIf(ptyMaker === undefined)("needs script(1) or python3: on a terminal", () => {
  test("the banner comes first, lines are sent with CRLF, and the server's FIN ends it", async () => {
    const lines: string[] = [];
    await using mail = await openMail(lines);
    await using cli = new PtyCli(["connect", mail.address], plain);
    await cli.until(`Connected to ${mail.address}. Ctrl-D sends FIN, Ctrl-C leaves.`);
    await cli.until("220 mail.example\r\n");
    cli.type(`ehlo x${keys.enter}`);
    await cli.until("250 EHLO X\r\n");
    cli.type(`QUIT${keys.enter}`);
    await cli.until("221 bye\r\n");
    expect(await cli.exitCode).toBe(0);
    expect(lines).toEqual(["ehlo x\r\n", "QUIT\r\n"]);
  });

  test.each(Object.entries(lineEnds))("--eol %s sends a line with this end: %j", async (name, end) => {
    const { promise: received, resolve } = Promise.withResolvers<string>();
    await using server = await TestServer.listen((socket) => {
      let text = "";
      socket.on("data", (part) => (text += String(part)));
      socket.once("end", () => resolve(text));
      socket.once("end", () => socket.end("over\n"));
    });
    await using cli = new PtyCli(["connect", "--eol", name, server.address], plain);
    await cli.until("Ctrl-C leaves.");
    cli.type(`one${keys.enter}${keys.enter}two${keys.enter}`);
    cli.type(keys.ctrlD);
    // After this end's FIN it is still read.
    await cli.until("over");
    expect(await cli.exitCode).toBe(0);
    expect(await received).toBe(["one", "", "two"].map((line) => line + end).join(""));
  });

  test("what is typed is sent whole when text comes meanwhile, behind an open line of the server's", async () => {
    const sockets: Socket[] = [];
    const { promise: received, resolve } = Promise.withResolvers<string>();
    await using server = await TestServer.listen((socket) => {
      sockets.push(socket);
      socket.write("login: ");
      socket.once("data", (line) => {
        resolve(String(line));
        socket.end("welcome");
      });
    });
    await using cli = new PtyCli(["connect", server.address], plain);
    await cli.until("login: ");
    cli.type("bri");
    await cli.until("bri");
    sockets[0]?.write("3 minutes left\n");
    await cli.until("3 minutes left\r\n");
    cli.type(`ck${keys.enter}`);
    // The last line has an end on a terminal.
    await cli.until("welcome\r\n");
    expect(await received).toBe("brick\r\n");
    expect(await cli.exitCode).toBe(0);
  });

  test("control characters become visible, and CRLF is a new line", async () => {
    await using server = await TestServer.listen((socket) => void socket.end("\u001b[31mred\u0007\r\n\ttab\rret\n"));
    await using cli = new PtyCli(["connect", server.address], plain);
    await cli.until("\\u001b[31mred\\u0007\r\n\ttab\\u000dret\r\n");
    expect(await cli.exitCode).toBe(0);
  });

  test("Ctrl-C leaves by RST with the exit code 130, whatever is typed", async () => {
    const errors: Promise<unknown[]>[] = [];
    await using server = await TestServer.listen((socket) => {
      errors.push(once(socket, "error"));
      socket.resume();
      socket.write("hello\n");
    });
    await using cli = new PtyCli(["connect", server.address], plain);
    await cli.until("hello");
    cli.type("not sent");
    await cli.until("not sent");
    cli.type(keys.ctrlC);
    expect(await cli.exitCode).toBe(130);
    expect(await errors[0]).toMatchObject([{ code: "ECONNRESET" }]);
  });

  test("TLS is described before anything is typed", async () => {
    await using certificates = await Certificates.open();
    const { certPath, keyPath } = await certificates.make("mail");
    const [cert, key] = await Promise.all([readFile(certPath), readFile(keyPath)]);
    const server = createTlsServer({ cert, key }, (socket) => void socket.end("* BYE\r\n")).listen(0, "127.0.0.1");
    await once(server, "listening");
    const { port } = server.address() as AddressInfo;
    await using cli = new PtyCli(["connect", `tls://127.0.0.1:${port}?ca=${certPath}`], plain);
    await cli.until(`Connected to 127.0.0.1:${port}.`);
    await cli.until("TLSv1.3, TLS_");
    await cli.until("certificate of CN=mail, issued by CN=mail, valid until");
    await cli.until("* BYE");
    expect(await cli.exitCode).toBe(0);
    server.close();
  });
});

test("text is the same however its bytes are cut", () => {
  const bytes = Buffer.from("é\r\n\r\r\n€\r");
  const record = new StreamRecord({ firstEventsKept: 0, lastEventsKept: 0, bytesKept: 0 });
  for (let cut = 0; cut <= bytes.length; cut++) {
    const view = createTextView();
    const shown = [bytes.subarray(0, cut), bytes.subarray(cut)].map((part) => view.show(readOf(part), record));
    expect(shown.join("") + String(view.end(record, { kind: "answered", isError: false }))).toBe(
      "é\n\\u000d\n€\\u000d",
    );
  }
});

/** A read as a record has it. */
function readOf(bytes: Uint8Array): StreamEvent {
  const record = new StreamRecord({ firstEventsKept: 1, lastEventsKept: 0, bytesKept: bytes.length });
  record.read(bytes, 0);
  return record.latest as StreamEvent;
}

test("a flood on a terminal lets keys and Ctrl-C have a turn after each read", async () => {
  // Far more than the kernel's buffers take, so that there is always something to read.
  await using server = await TestServer.listen((socket) => void socket.write(Buffer.alloc(64 * 1024 * 1024, "x")));
  let interrupt: (() => void) | undefined;
  let [writes, writesInTurn, mostInTurn] = [0, 0, 0];
  const out = new Writable({
    highWaterMark: Number.MAX_SAFE_INTEGER, // A terminal is never full.
    write({ length }: Buffer, _, done) {
      // The last one only ends an open line.
      if (length > 1 && writesInTurn++ === 0) setImmediate(() => (writesInTurn = 0));
      mostInTurn = Math.max(mostInTurn, writesInTurn);
      if (++writes === 100) setImmediate(() => interrupt?.());
      done();
    },
  });
  const paint = createPaint(false);
  const io = { program: "test", printError: () => {}, paint, errorPaint: paint };
  const code = await runCommand(
    connect,
    { argv: [server.address], env: {} },
    {
      ...io,
      input: new PassThrough(),
      out: Object.assign(out, { isTTY: true }),
      errorOut: new PassThrough(),
      listenForInterrupt: (listener) => {
        interrupt = listener;
        return () => undefined;
      },
    },
  );
  expect(code).toBe(130);
  expect(mostInTurn).toBe(1);
});
