/** What Wireshark's own command line makes of a file. */

import { spawn, spawnSync } from "node:child_process";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { text } from "node:stream/consumers";

/** False where there is no tshark; `npm test` installs it on Debian as root. */
export const hasTshark: boolean = spawnSync("tshark", ["--version"]).status === 0;

if (!hasTshark) {
  process.stderr.write(
    "SKIPPED: there is no tshark, so no capture is read by Wireshark; install it (Debian: tshark)\n",
  );
}

/** A test starts tshark several times, each of which takes a second or, on a busy machine, ten. */
export const tsharkTestMs = 180_000;

/** A capture as a file, for as long as a test needs it. */
export interface CaptureFile extends AsyncDisposable {
  readonly path: string;
}

/** Writes blocks into a temporary file. */
export async function captureFile(blocks: readonly Uint8Array[]): Promise<CaptureFile> {
  const folder = await mkdtemp(join(tmpdir(), "wirebook-capture-"));
  const path = join(folder, "capture.pcapng");
  await writeFile(path, Buffer.concat(blocks));
  return { path, [Symbol.asyncDispose]: () => rm(folder, { recursive: true }) };
}

const checks = ["-o", "tcp.check_checksum:TRUE", "-o", "ip.check_checksum:TRUE"];

/** Runs tshark on a file, with all checksums looked at, and returns the lines that it prints. */
export async function tshark(path: string, ...words: readonly string[]): Promise<string[]> {
  const child = spawn("tshark", ["-n", "-r", path, ...checks, ...words], { stdio: ["ignore", "pipe", "pipe"] });
  const [out, complaints] = await Promise.all([text(child.stdout), text(child.stderr)]);
  // As root it says at each start that this could be dangerous.
  const errors = complaints.split("\n").filter((line) => line !== "" && !line.startsWith("Running as user"));
  if (errors.length > 0) throw new Error(`tshark complains: ${errors.join("\n")}`);
  return out.split("\n").filter((line) => line !== "");
}

/** Comments have 0x100000, the chat about SYN and FIN has 0x200000; then come note, warning and error. */
const chat = 0x20_0000;
/** Notes that every connection gets which is closed by two FINs. */
const usual = new Set(["This frame initiates the connection closing", "This frame undergoes the connection closing"]);

/** What Wireshark finds worth a note or worse, beyond the usual. */
export async function expertFindings(path: string): Promise<string[]> {
  const fields = ["frame.number", "_ws.expert.severity", "_ws.expert.message"].flatMap((field) => ["-e", field]);
  const rows = await tshark(path, "-Y", "_ws.expert", "-T", "fields", "-E", "aggregator=|", ...fields);
  return rows.flatMap((row) => {
    const [frame, severities = "", messages = ""] = row.split("\t");
    const ranks = severities.split("|").map(Number);
    return messages
      .split("|")
      .filter((message, at) => (ranks[at] ?? Infinity) > chat && !usual.has(message))
      .map((message) => `${frame}: ${message}`);
  });
}

/** One side of a connection, joined by "Follow TCP stream". */
export interface Followed {
  readonly client: Buffer;
  readonly server: Buffer;
  /** Which side each stretch came from, in order, neighbours of the same side joined. */
  readonly turns: readonly ("client" | "server")[];
}

/** Follows a TCP stream, by its number in the file. */
export async function follow(path: string, stream = 0): Promise<Followed> {
  const lines = await tshark(path, "-q", "-z", `follow,tcp,raw,${stream}`);
  // After "Node 1: …" come lines of hexadecimal digits; those of the second node, who answered, begin with a tab.
  const data = lines.slice(lines.findIndex((line) => line.startsWith("Node 1")) + 1, -1);
  const of = (side: "client" | "server"): Buffer =>
    Buffer.from(
      data
        .filter((line) => line.startsWith("\t") === (side === "server"))
        .join("")
        .replaceAll("\t", ""),
      "hex",
    );
  const sides = data.map((line) => (line.startsWith("\t") ? ("server" as const) : ("client" as const)));
  return { client: of("client"), server: of("server"), turns: sides.filter((side, at) => side !== sides[at - 1]) };
}
