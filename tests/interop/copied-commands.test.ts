/** The commands that the page offers to copy, pasted into a shell and run. */

import { spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { readFile } from "node:fs/promises";
import { createServer } from "node:net";
import type { AddressInfo, Socket } from "node:net";
import { delimiter, dirname } from "node:path";
import { buffer } from "node:stream/consumers";
import { createServer as createTlsServer } from "node:tls";
import type { TlsOptions } from "node:tls";
import { fileURLToPath } from "node:url";
import { decodeText } from "@wirebook/protocol";
import type { AnnouncedTarget } from "@wirebook/protocol";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { copyCommand, printfFormat, shellWord } from "../../apps/web/src/export/copy-command.ts";
import { Certificates } from "../../test-support/certificate.ts";

const root = fileURLToPath(new URL("../..", import.meta.url));
const path = [dirname(process.execPath), `${root}/node_modules/.bin`, process.env.PATH].join(delimiter);

/** Runs a command as a shell does that it was pasted into. */
async function paste(command: string, shell = "sh", env: NodeJS.ProcessEnv = {}): Promise<Buffer> {
  const child = spawn(shell, ["-c", command], {
    cwd: root,
    env: { ...process.env, PATH: path, ...env },
    stdio: ["pipe", "pipe", "inherit"],
  });
  child.stdin.end();
  const [printed] = await Promise.all([buffer(child.stdout), once(child, "close")]);
  return printed;
}

/** A server of one message: it answers `bytes` when as many came as are expected, and keeps them. */
async function openOneMessageServer(expected: number, tls?: TlsOptions) {
  const { promise: received, resolve } = Promise.withResolvers<Buffer>();
  const take = (socket: Socket) => {
    let bytes = Buffer.alloc(0);
    socket.on("data", (chunk: Buffer) => {
      bytes = Buffer.concat([bytes, chunk]);
      if (bytes.length < expected) return;
      resolve(bytes);
      socket.end(Buffer.from("answer ~ \0ÿ\n", "latin1"));
    });
  };
  const server = tls === undefined ? createServer({ allowHalfOpen: true }, take) : createTlsServer(tls, take);
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as AddressInfo;
  return { received, address: `127.0.0.1:${port}`, [Symbol.dispose]: () => server.close() };
}

const server: AnnouncedTarget = { name: "wirebook", transport: "tcp", address: "127.0.0.1:5007", proxyHeaderBytes: 0 };

function commandOf(bytes: Uint8Array, target: Partial<AnnouncedTarget> = {}) {
  return copyCommand(decodeText(bytes), { ...server, ...target });
}

/** Without a tilde, behind which the bytes are masked. */
const anyBytes = fc
  .uint8Array({ minLength: 1, maxLength: 60 })
  .map((bytes) => bytes.map((byte) => (byte === 0x7e ? 0x2d : byte)));

describe("the format for printf", () => {
  test.for(["sh", "bash"])("gives %s the very bytes, whatever they are", async (shell) => {
    const all = Uint8Array.from({ length: 256 }, (_, byte) => byte);
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.uint8Array({ minLength: 1, maxLength: 60 }), { minLength: 20, maxLength: 20 }),
        async (several) => {
          const wanted = [all, Buffer.from("-n %s\\n'$HOME'`id`"), ...several];
          const printed = await paste(wanted.map((bytes) => `printf '${printfFormat(bytes)}'`).join("\n"), shell);
          expect(printed).toEqual(Buffer.concat(wanted));
        },
      ),
      { numRuns: 5 },
    );
  });
});

test("a word stays one word for the shell, whatever is in it", async () => {
  const words = ["plain", "a b", "it's", '$HOME `id` \\ "x"', "*", "-n", ""];
  const printed = await paste(`printf '<%s>' ${words.map(shellWord).join(" ")}`);
  expect(printed.toString()).toBe(words.map((word) => `<${word}>`).join(""));
});

const hasNetcat = spawnSync("sh", ["-c", "command -v nc"]).status === 0;

test("a copied command, pasted and run, sends the very bytes and prints the very answer", async ({ skip }) => {
  skip(!hasNetcat, "SKIPPED: there is no nc; install netcat-openbsd");
  await fc.assert(
    fc.asyncProperty(anyBytes, async (bytes) => {
      using service = await openOneMessageServer(bytes.length);
      const printed = await paste(commandOf(bytes, { address: service.address })?.text ?? "");
      expect(printed.toString("latin1")).toBe("answer ~ \0ÿ\n");
      expect((await service.received).equals(bytes)).toBe(true);
    }),
    {
      numRuns: 3, // Two of them are the examples.
      examples: [
        [Uint8Array.from({ length: 256 }, (_, byte) => (byte === 0x7e ? 0 : byte))],
        [Buffer.from("brick 2 -1\n")],
      ],
    },
  );
});

test("a target over TLS gets the very bytes, inside of TLS", async () => {
  await using certificates = await Certificates.open();
  const { certPath, keyPath } = await certificates.make("localhost");
  const bytes = Uint8Array.from({ length: 255 }, (_, byte) => byte + 1);
  using service = await openOneMessageServer(bytes.length, {
    cert: await readFile(certPath),
    key: await readFile(keyPath),
  });
  // Where openssl looks for authorities of one's own.
  const trust = { SSL_CERT_FILE: certPath };
  const command = commandOf(bytes, { name: "mail", transport: "tls", address: service.address });
  const printed = await paste(command?.text ?? "", "sh", trust);
  expect(printed.toString("latin1")).toBe("answer ~ \0ÿ\n");
  expect((await service.received).equals(bytes)).toBe(true);
});

test("another target gets a command in which nothing is masked, and a Unix socket none", () => {
  const bytes = Buffer.from("HELO ~me\r\n");
  const mail = { name: "mail", address: "mail.example:25" };
  expect(commandOf(bytes, mail)).toMatchObject({
    text: String.raw`printf 'HELO ~me\r\n' | nc mail.example 25`,
    hasKey: false,
  });
  expect(commandOf(bytes, { ...mail, address: "[::1]:25" })?.text).toMatch(/nc ::1 25$/);
  expect(commandOf(bytes, { ...mail, transport: "tls", address: "[::1]:25" })?.text).toMatch(/-connect '\[::1\]:25'$/);
  expect(commandOf(bytes, { ...mail, transport: "unix" })).toBeUndefined();
});

test("no command holds a key, and it is said that one is missing", () => {
  const command = commandOf(Buffer.from("brick~s3cret 2\n"));
  expect(command?.hasKey).toBe(true);
  expect(command?.text).toContain("brick~******");
  expect(command?.text).not.toContain("s3cret");
  expect(commandOf(Buffer.from("brick 2\n"))?.hasKey).toBe(false);
});
