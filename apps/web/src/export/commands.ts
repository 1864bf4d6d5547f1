/**
 * The same message, sent by something else: commands for a POSIX shell.
 *
 * Each writes the message and prints what comes back until the server closes, as the gateway does. None of them holds a
 * key: where one stood there are asterisks, and whoever pastes the command puts his own in their place.
 */

import { ExchangeMask } from "@wirebook/capture";
import { encodeText, isUtf8, messageBytesMax, serverPortDefault, subprotocol } from "@wirebook/protocol";
import { latin1String, printfFormat, pythonBytes, shellWord } from "./escapes.ts";

/** A way to send it. */
export interface CopyCommand {
  readonly name: string;
  /** What it needs, and what is particular about it. */
  readonly about: string;
  /** `undefined` where it cannot be done this way; `about` says why. */
  readonly text: string | undefined;
}

/** What is to be sent, and where. */
export interface CopySource {
  /** The message, as text without loss. */
  readonly message: string;
  /** The server as `host:port`. */
  readonly server: string;
  /** The page's own origin, such as `http://127.0.0.1:8007`. */
  readonly origin: string;
  /** The first frame of the exchange, without a key. */
  readonly frame: string;
}

/** All commands, and whether a key was left out of them. */
export function copyCommands(source: CopySource): {
  readonly commands: readonly CopyCommand[];
  readonly hasKey: boolean;
} {
  const { bytes, maskedBytes } = new ExchangeMask().pushSent(encodeText(source.message));
  const target = targetOf(source.server);
  const commands = [
    netcat(bytes, target),
    wirebook(bytes, target),
    node(bytes, target),
    python(bytes, target),
    webSocket(source),
  ];
  return { commands, hasKey: maskedBytes > 0 };
}

interface Target {
  readonly host: string;
  readonly port: number;
}

function targetOf(server: string): Target {
  const at = server.lastIndexOf(":");
  return { host: server.slice(0, at).replaceAll(/[[\]]/g, ""), port: Number(server.slice(at + 1)) };
}

function netcat(bytes: Uint8Array, { host, port }: Target): CopyCommand {
  const text = `printf '${printfFormat(bytes)}' | nc ${shellWord(host)} ${port}`;
  return { name: "nc", about: "The bytes as they are, with the netcat of OpenBSD, Debian and macOS.", text };
}

function wirebook(bytes: Uint8Array, { host, port }: Target): CopyCommand {
  const name = "npx wirebook";
  const line = bytes.subarray(0, -1);
  const isLine = bytes.at(-1) === 0x0a && !line.includes(0x0a) && line.length <= messageBytesMax && line.length > 0;
  if (!isLine || line.includes(0) || !isUtf8(line)) {
    return {
      name,
      about: "The client sends one line of UTF-8 without a null, which this message is not.",
      text: undefined,
    };
  }
  const options = [
    host === "127.0.0.1" ? "" : ` --host ${shellWord(host)}`,
    port === serverPortDefault ? "" : ` --port ${port}`,
  ];
  const isPlain = line.every((byte) => byte >= 0x20 && byte < 0x7f);
  // The shell itself makes the bytes that no clipboard carries safely.
  const words = isPlain ? plainWords(new TextDecoder().decode(line)) : `"$(printf '${printfFormat(line)}')"`;
  const text = `npx wirebook${options.join("")} -- ${words}`;
  return { name, about: "The client, from the folder of Wirebook; add --trace or --json to see more.", text };
}

/** The message word by word, or as one where the client would not put the same spaces between them again. */
function plainWords(line: string): string {
  const words = line.split(" ");
  return words.includes("") ? shellWord(line) : words.map(shellWord).join(" ");
}

function node(bytes: Uint8Array, { host, port }: Target): CopyCommand {
  const text = `node -e '
const socket = require("node:net").connect(${port}, ${JSON.stringify(host)});
socket.write("${latin1String(bytes)}", "latin1");
socket.pipe(process.stdout);
'`;
  return { name: "Node", about: "One character of the string is one byte.", text };
}

function python(bytes: Uint8Array, { host, port }: Target): CopyCommand {
  const text = `python3 -c '
import socket, sys
with socket.create_connection((${JSON.stringify(host)}, ${port})) as server:
    server.sendall(b"${pythonBytes(bytes)}")
    while chunk := server.recv(65536):
        sys.stdout.buffer.write(chunk)
        sys.stdout.flush()
'`;
  return { name: "Python", about: "Python 3.8 or later; nothing to install.", text };
}

function webSocket({ origin, frame }: CopySource): CopyCommand {
  const address = `${origin.replace(/^http/, "ws")}/ws`;
  const text = `node -e '
const socket = new WebSocket("${address}", { protocols: "${subprotocol}", headers: { origin: "${origin}" } });
socket.binaryType = "arraybuffer";
socket.onopen = () => socket.send(${inQuotes(frame)});
socket.onmessage = ({ data }) => {
  if (typeof data !== "string") return process.stdout.write(Buffer.from(data).subarray(4));
  console.error(data);
  if (["end", "error"].includes(JSON.parse(data).type)) socket.close();
};
'`;
  const about =
    "Through the gateway, as this page does, with Node 22 or later. (The curl of Debian 12 has no WebSocket, and a later one cannot end it.)";
  return { name: "WebSocket", about, text };
}

/** A string of JavaScript in which no single quote is left for the shell, nor anything that a terminal would act on. */
function inQuotes(text: string): string {
  return JSON.stringify(text).replaceAll(
    /[^ -&(-~]/g,
    (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, "0")}`,
  );
}
