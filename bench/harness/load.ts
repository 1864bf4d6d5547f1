/** The load generators of `bench/load`, compiled when they are needed. */

import { run } from "../../test-support/run.ts";
import { compile } from "./compile.ts";

/** What the generator measured; an exchange without a whole reply is an error and is in no figure of time. */
export interface LoadFigures {
  readonly requests: number;
  readonly errors: number;
  /** Of replies. */
  readonly bytes: number;
  readonly seconds: number;
  readonly perSecond: number;
  /** From connect(), or over a WebSocket from the frame that starts an exchange, to its end. */
  readonly p50Us: number;
  readonly p99Us: number;
  readonly maxUs: number;
}

/** One run of the generator. */
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

/** How a bridge carries exchanges; `load.c` says what each name means. */
export type Framing = "wirebook" | "bare" | "wisp" | "alone";

/** Keeps exchanges in flight against 127.0.0.1 for a while. */
export async function load({ endsAtLine = false, sendsFin = false, ...options }: LoadOptions): Promise<LoadFigures> {
  return await generate("tcp", options, endsAtLine ? ["line"] : sendsFin ? ["fin"] : []);
}

/** The same through a bridge, whose server is at `serverPort`. */
export async function loadOverWebSocket(
  framing: Framing,
  serverPort: number,
  options: LoadOptions,
): Promise<LoadFigures> {
  // A `request` frame names its words; the gateway adds the line feed.
  const message = framing === "wirebook" ? options.message.trimEnd() : options.message;
  return await generate(framing, { ...options, message }, [String(serverPort)]);
}

async function generate(
  framing: Framing | "tcp",
  { port, connections, seconds, message }: LoadOptions,
  more: readonly string[],
): Promise<LoadFigures> {
  return await runGenerator("bench/load/load.c", [
    framing,
    ...[port, connections, seconds].map(String),
    message,
    ...more,
  ]);
}

/** Runs one of the load generators. */
export async function runGenerator(source: string, args: readonly string[]): Promise<LoadFigures> {
  const { code, stdout, stderr } = await run(compile(source), [...args]);
  if (code !== 0) throw new Error(`${source} ${args.join(" ")} ended with ${code}: ${stderr}`);
  const figures = JSON.parse(stdout) as LoadFigures;
  if (figures.requests === 0) throw new Error(`${source} ${args.join(" ")} got no reply: ${stdout} ${stderr}`);
  return figures;
}
