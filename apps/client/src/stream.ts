/**
 * One connection between standard input, standard output and a target: an exchange, or a conversation.
 *
 * In a pipe a conversation lasts until both ends have sent FIN, since a target may have said everything and still read. On a
 * terminal the target's FIN ends it. Backpressure is passed on: who does not read is not sent to, and so stops who sends.
 */

import { stripVTControlCharacters } from "node:util";
import { StreamCapture, type Capture } from "@wirebook/capture";
import { Connection } from "@wirebook/net";
import type { ConnectionListener, ConnectionOptions, ConnectionOutcome, Target } from "@wirebook/net";
import type { StreamRecord } from "@wirebook/protocol";
import { toOutcome, type Io, type Outcome, type Output } from "./command.ts";
import { visibleText } from "./output/text.ts";
import type { View } from "./output/views.ts";

/** Bytes that wait for the target before no more input is read. */
const unsentBytesMax = 64 * 1024;

export interface StreamPlan {
  readonly target: Target;
  readonly options: Omit<ConnectionOptions, "record">;
  readonly record: StreamRecord;
  /** What goes to standard output, and what to standard error. */
  readonly view: View;
  readonly notes: View;
  readonly capture: Capture | undefined;
  readonly hasKeys: boolean;
  /** How standard input is sent; without this, the message of the options is all. */
  readonly typed?: { readonly lineEnd: string; readonly keepOpen: boolean };
}

/** Holds it; resolves with how it ended, and rejects when the input cannot be read. Ctrl-C ends it. */
export function runStream(plan: StreamPlan, io: Io): Promise<Outcome> {
  return new Stream(plan, io).over.promise;
}

type Source = Record<"pause" | "resume", () => unknown>;

class Stream implements ConnectionListener {
  readonly over = Promise.withResolvers<Outcome>();
  readonly #plan: StreamPlan;
  readonly #io: Io;
  readonly #captured: StreamCapture | undefined;
  readonly #connection: Connection;
  readonly #stopListening: () => void;
  readonly #heldBack = new Set<Source>();
  /** True where a terminal shows a line that has no end yet, such as `login: `. */
  #isLineOpen = false;
  /** True when the target's FIN is the end, because nothing more is to be sent. */
  #isInputOver: boolean;

  constructor(plan: StreamPlan, io: Io) {
    const { target, capture, hasKeys, record } = plan;
    this.#plan = plan;
    this.#io = io;
    const { transport } = target.address;
    this.#captured = capture && new StreamCapture(capture, { originMs: performance.timeOrigin, transport, hasKeys });
    this.#isInputOver = io.input.isTTY === true;
    this.#stopListening = io.listenForInterrupt(() => this.#connection.cancel());
    this.#connection = new Connection(target, { ...plan.options, record }, this).connect();
  }

  onOpen(): void {
    const { record, typed } = this.#plan;
    this.#captured?.open(record);
    if (typed !== undefined) this.#readInput(typed.lineEnd);
    this.#show((view) => view.open?.(record));
  }

  onWritten(): void {
    const input = this.#plan.typed && this.#io.input;
    this.#tell(input);
    if (input !== undefined && this.#connection.unsentBytes === 0 && !this.#heldBack.has(input)) input.resume();
  }

  onRead(): void {
    this.#tell(this.#connection);
  }

  onFin(isFromTarget: boolean): void {
    this.#tell();
    if (isFromTarget && this.#isInputOver) this.#connection.end();
  }

  onOver(how: ConnectionOutcome): void {
    const { record, view, typed } = this.#plan;
    const { input, out, errorOut, errorPaint } = this.#io;
    this.#stopListening();
    this.#captured?.over(how, record);
    if ("reason" in how && how.reason === "fin") this.#tell();
    const outcome = view.judge?.(how, record) ?? toOutcome(how);
    this.#show((each) => each.end?.(record, outcome));
    if (outcome.kind === "failed") {
      this.#note(`${errorPaint.wrong("wirebook:")} ${visibleText(outcome.sentence)}\n`);
    }
    if (this.#isLineOpen) (out.isTTY === true ? out : errorOut).write("\n");
    // A pipe that still waits for input would keep the program alive.
    if (typed !== undefined) input.destroy();
    this.over.resolve(outcome);
  }

  /** The newest read, write or FIN; its source waits where an output is full of what is shown of it. */
  #tell(source?: Source): void {
    const { record } = this.#plan;
    this.#captured?.note(record);
    const { latest } = record;
    if (latest === undefined) return;
    const outputs = this.#show((view) => view.show?.(latest, record));
    const full = outputs.find(({ writableNeedDrain }) => writableNeedDrain);
    const isTerminal = source === this.#connection && outputs.some(({ isTTY }) => isTTY === true);
    if (source === undefined || this.#heldBack.has(source) || !(full !== undefined || isTerminal)) return;
    this.#heldBack.add(source);
    source.pause();
    const goOn = (): void => {
      this.#heldBack.delete(source);
      source.resume();
    };
    // A terminal takes everything at once and blocks meanwhile: keys and Ctrl-C get a turn after each read.
    if (full === undefined) setImmediate(goOn);
    else full.once("drain", goOn);
  }

  /** Shows what the views say, and returns the outputs on which they had something to say. */
  #show(ask: (view: View) => string | Uint8Array | undefined): Output[] {
    const { out, errorOut } = this.#io;
    const [data = "", note = ""] = [ask(this.#plan.view), ask(this.#plan.notes)];
    if (note.length > 0) this.#note(note);
    if (data.length > 0) this.#write(out, data);
    return [...(data.length > 0 ? [out] : []), ...(note.length > 0 ? [errorOut] : [])];
  }

  /** What is no data stands on lines of its own. */
  #note(text: string | Uint8Array): void {
    const { errorOut } = this.#io;
    this.#write(errorOut, this.#isLineOpen && errorOut.isTTY === true ? `\n${String(text)}` : text);
  }

  #write(output: Output, text: string | Uint8Array): void {
    output.write(text);
    if (output.isTTY === true) this.#isLineOpen = !stripVTControlCharacters(String(text)).endsWith("\n");
  }

  /** A terminal edits its lines itself, and tells of Ctrl-D by an end and of Ctrl-C by a signal. */
  #readInput(lineEnd: string): void {
    const { input } = this.#io;
    input.on("data", (bytes: Uint8Array) => {
      if (input.isTTY !== true) return this.#send(bytes);
      this.#isLineOpen = false;
      this.#send(Buffer.from(String(bytes).replaceAll("\n", lineEnd)));
    });
    input.on("end", () => this.#endInput());
    input.on("error", (error) => {
      this.over.reject(error);
      this.#connection.cancel();
    });
  }

  #send(bytes: Uint8Array): void {
    this.#connection.write(bytes);
    if (this.#connection.unsentBytes >= unsentBytesMax) this.#io.input.pause();
  }

  #endInput(): void {
    this.#isInputOver = true;
    if (this.#plan.typed?.keepOpen !== true || this.#plan.record.at.fin !== undefined) this.#connection.end();
  }
}
