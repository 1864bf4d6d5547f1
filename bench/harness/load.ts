/** The load generators of `bench/load`, which are compiled by whoever needs them. */

import { run } from "../../test-support/run.ts";
import { compile } from "./compile.ts";

/** What a generator saw; an exchange that got no whole reply is an error and is in no figure of time. */
export interface LoadFigures {
  readonly requests: number;
  readonly errors: number;
  /** Of replies. */
  readonly bytes: number;
  readonly seconds: number;
  readonly perSecond: number;
  /** From connect(), or over a WebSocket from the frame that begins an exchange, to its end. */
  readonly p50Us: number;
  readonly p99Us: number;
  readonly maxUs: number;
}

/** One run of a generator. */
export interface LoadOptions {
  readonly port: number;
  /** Exchanges in flight at once. */
  readonly connections: number;
  readonly seconds: number;
  /** With its line feed. */
  readonly message: string;
  /** True when an exchange ends behind the first line of the reply instead of at FIN. */
  readonly endsAtLine?: boolean;
  /** True when each message is followed by the client's FIN. */
  readonly sendsFin?: boolean;
}

/** How a bridge carries exchanges; `bench/load/ws-load.c` says what each name means. */
export type Framing = "wirebook" | "bare" | "wisp" | "alone";

/** Keeps exchanges in flight against 127.0.0.1 for a while. */
export async function load({
  port,
  connections,
  seconds,
  message,
  endsAtLine = false,
  sendsFin = false,
}: LoadOptions): Promise<LoadFigures> {
  const args = ["127.0.0.1", String(port), String(connections), String(seconds), message];
  if (endsAtLine) args.push("line");
  else if (sendsFin) args.push("fin");
  return await generate("bench/load/load.c", args);
}

/** The same through a bridge, whose server is at `serverPort`. */
export async function loadOverWebSocket(
  framing: Framing,
  serverPort: number,
  { port, connections, seconds, message }: LoadOptions,
): Promise<LoadFigures> {
  // A `request` frame names its words; the gateway adds the line feed.
  const words = framing === "wirebook" ? message.trimEnd() : message;
  const args = [framing, String(port), String(connections), String(seconds), words, String(serverPort)];
  return await generate("bench/load/ws-load.c", args);
}

async function generate(source: string, args: readonly string[]): Promise<LoadFigures> {
  const { code, stdout, stderr } = await run(compile(source), args);
  if (code !== 0) throw new Error(`${source} ${args.join(" ")} ended with ${code}: ${stderr}`);
  const figures = JSON.parse(stdout) as LoadFigures;
  if (figures.requests === 0) throw new Error(`${source} ${args.join(" ")} got no reply: ${stdout} ${stderr}`);
  return figures;
}
