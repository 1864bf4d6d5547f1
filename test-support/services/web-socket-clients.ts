/** WebSocket clients of others: each sends one message, and says what came back. */

import { spawn } from "node:child_process";
import { once } from "node:events";
import process from "node:process";
import { fileURLToPath } from "node:url";
import { debianEnvironment } from "../../scripts/debian-programs.mjs";
import { run } from "../run.ts";
import { debianPython } from "./debian.ts";

/** What a client is told. */
interface Message {
  readonly url: string;
  readonly subprotocols?: readonly string[];
}

/** npm's wscat sends a text frame; resolves with what it printed when that fits. */
export async function askWithWscat({ url, subprotocols = [] }: Message, text: string, fits: RegExp): Promise<string> {
  const program = fileURLToPath(import.meta.resolve("wscat/bin/wscat"));
  const offered = subprotocols.flatMap((name) => ["--subprotocol", name]);
  // It stays until it is killed, or the server closes.
  const words = ["--connect", url, "--execute", text, "--wait", "-1", ...offered];
  const child = spawn(process.execPath, [program, ...words], { stdio: ["pipe", "pipe", "inherit"] });
  const ended = once(child, "close");
  try {
    let printed = "";
    for await (const chunk of child.stdout.setEncoding("utf8") as AsyncIterable<string>) {
      printed += chunk;
      if (fits.test(printed)) return printed;
    }
    throw new Error(`wscat ended without ${String(fits)}; it printed ${JSON.stringify(printed.slice(-400))}`);
  } finally {
    child.kill("SIGKILL");
    await ended;
  }
}

/** Debian's python3-websockets sends a binary frame; resolves with so many bytes that came. */
export async function askWithPython(
  { url, subprotocols = [] }: Message,
  bytes: Uint8Array,
  replyBytes: number,
): Promise<{ readonly subprotocol: string; readonly reply: Buffer }> {
  const words = [url, Buffer.from(bytes).toString("hex"), String(replyBytes), ...subprotocols];
  const { code, stdout, stderr } = await run(debianPython(), ["-c", pythonClient, ...words], "", debianEnvironment());
  if (code !== 0) throw new Error(`the client in Python ended with ${code}: ${stderr}`);
  const [subprotocol = "", reply = ""] = stdout.trimEnd().split("\n");
  return { subprotocol, reply: Buffer.from(reply, "hex") };
}

const pythonClient = `
import asyncio, sys, websockets

async def ask(url, message, reply_bytes, *subprotocols):
    async with websockets.connect(url, subprotocols=subprotocols or None, max_size=None) as socket:
        await socket.send(bytes.fromhex(message))
        reply = b""
        while len(reply) < int(reply_bytes):
            part = await socket.recv()
            reply += part.encode() if isinstance(part, str) else part
        print(socket.subprotocol or "", reply.hex(), sep="\\n")

asyncio.run(ask(*sys.argv[1:]))
`;
