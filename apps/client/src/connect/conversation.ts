/**
 * `wirebook connect`: one conversation with a target, between standard input and standard output.
 *
 * In a pipe it lasts until both ends have sent FIN, since a target may have said everything and still read. On a terminal
 * the target's FIN ends it. Back-pressure is passed on: who does not read is not sent to, and so stops who sends.
 */

import type { Readable } from "node:stream";
import { StreamCapture } from "@wirebook/capture";
import { Connection, connectTimeoutMsDefault } from "@wirebook/net";
import type { ConnectionListener, ConnectionOutcome } from "@wirebook/net";
import type { StreamRecord } from "@wirebook/protocol";
import { Trace } from "../output/trace.ts";
import { visibleText } from "../output/terminal-text.ts";
import type { Paint } from "../output/terminal-text.ts";
import { toOutcome } from "../result.ts";
import type { Outcome } from "../result.ts";
import type { StreamDependencies } from "../session.ts";
import { lineEnds } from "./connect-config.ts";
import type { ConnectConfig } from "./connect-config.ts";
import { Screen } from "./screen.ts";
import type { Output } from "./screen.ts";
import { bytesView, greeting, hexView, jsonView, TextView } from "./views.ts";
import type { View } from "./views.ts";

interface ConversationDependencies extends StreamDependencies {
  readonly input: Readable & { readonly isTTY?: boolean };
  readonly outPaint: Paint;
  /** Is filled while it lasts. */
  readonly record: StreamRecord;
}

/** Holds a conversation; resolves with how it ended, and rejects when the input cannot be read. */
export function converse(config: ConnectConfig, dependencies: ConversationDependencies): Promise<Outcome> {
  return new Conversation(config, dependencies).over;
}

/** What bytes come from: the target, or standard input. */
interface Source {
  pause(): unknown;
  resume(): unknown;
}

class Conversation implements ConnectionListener {
  readonly over: Promise<Outcome>;
  readonly #resolve: (outcome: Outcome) => void;
  readonly #reject: (error: Error) => void;
  readonly #config: ConnectConfig;
  readonly #dependencies: ConversationDependencies;
  readonly #record: StreamRecord;
  readonly #screen: Screen;
  /** What goes to standard output, and what to standard error. */
  readonly #view: View;
  readonly #notes: View;
  readonly #captured: StreamCapture | undefined;
  readonly #connection: Connection;
  readonly #stopListening: () => void;
  readonly #heldBack = new Set<Source>();
  /** True when the target's FIN is the end, because nothing more is to be sent. */
  #isInputOver: boolean;

  constructor(config: ConnectConfig, dependencies: ConversationDependencies) {
    const { target, timeout: connectTimeoutMs = connectTimeoutMsDefault } = config;
    const { input, out, errorOut, capture, listenForInterrupt } = dependencies;
    ({ promise: this.over, resolve: this.#resolve, reject: this.#reject } = Promise.withResolvers<Outcome>());
    this.#config = config;
    this.#dependencies = dependencies;
    this.#record = dependencies.record;
    this.#screen = new Screen(out, errorOut);
    this.#view = createView(config, dependencies);
    this.#notes = createNotes(config, dependencies);
    const { transport } = target.address;
    const originMs = performance.timeOrigin;
    this.#captured = capture && new StreamCapture(capture, { originMs, transport, hasKeys: false });
    this.#isInputOver = input.isTTY === true;
    this.#stopListening = listenForInterrupt(() => this.#connection.cancel());
    const options = { message: new Uint8Array(0), connectTimeoutMs, halfOpenMs: Infinity, record: this.#record };
    this.#connection = new Connection(target, options, this);
  }

  onOpen(): void {
    this.#captured?.open(this.#record);
    if (this.#dependencies.input.isTTY === true) this.#beginTyping();
    else this.#beginPiping();
    this.#show((view) => view.open?.(this.#record));
  }

  onWritten(): void {
    this.#note(this.#dependencies.input);
  }

  onRead(): void {
    this.#note(this.#connection);
  }

  onDrain(): void {
    const { input } = this.#dependencies;
    if (!this.#heldBack.has(input)) input.resume();
  }

  onFin(isFromTarget: boolean): void {
    this.#note();
    if (isFromTarget && this.#isInputOver) this.#connection.end();
  }

  onOver(how: ConnectionOutcome): void {
    const { input, errorPaint } = this.#dependencies;
    const outcome = toOutcome(how);
    this.#stopListening();
    this.#captured?.over(how, this.#record);
    // The FIN that ends it.
    if (outcome.kind === "answered") this.#note();
    this.#show((view) => view.end?.(this.#record, outcome));
    if (outcome.kind === "failed") {
      this.#screen.note(`${errorPaint.wrong("wirebook:")} ${visibleText(outcome.sentence)}\n`);
    }
    this.#screen.close();
    // A pipe that still waits for input would keep the program alive.
    input.destroy();
    this.#resolve(outcome);
  }

  /** The newest read, write or FIN; its source waits where an output is full of what is shown of it. */
  #note(source?: Source): void {
    this.#captured?.note(this.#record);
    const { latest } = this.#record;
    if (latest === undefined) return;
    const outputs = this.#show((view) => view.show?.(latest, this.#record));
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
    const { out, errorOut } = this.#dependencies;
    const [data, note] = [ask(this.#view), ask(this.#notes)];
    if (note !== undefined) this.#screen.note(note);
    if (data !== undefined) this.#screen.write(data);
    return [...(data === undefined ? [] : [out]), ...(note === undefined ? [] : [errorOut])];
  }

  #beginTyping(): void {
    this.#screen.readLines(this.#dependencies.input, {
      onLine: (line) => this.#send(Buffer.from(line + lineEnds[this.#config.eol])),
      onEnd: () => this.#endInput(),
      onInterrupt: () => this.#connection.cancel(),
    });
  }

  #beginPiping(): void {
    const { input } = this.#dependencies;
    input.on("data", (bytes: Uint8Array) => this.#send(bytes));
    input.on("end", () => this.#endInput());
    input.on("error", (error) => {
      this.#reject(error);
      this.#connection.cancel();
    });
  }

  #send(bytes: Uint8Array): void {
    if (!this.#connection.write(bytes)) this.#dependencies.input.pause();
  }

  #endInput(): void {
    this.#isInputOver = true;
    if (!this.#config.keepOpen || this.#record.at.fin !== undefined) this.#connection.end();
  }
}

function createView({ json, hex }: ConnectConfig, { out, outPaint }: ConversationDependencies): View {
  if (json) return jsonView;
  if (hex) return hexView(outPaint);
  return out.isTTY === true ? new TextView() : bytesView;
}

function createNotes({ trace, target }: ConnectConfig, { input, errorPaint }: ConversationDependencies): View {
  if (trace) return new Trace(target, errorPaint);
  return input.isTTY === true ? greeting(target, errorPaint) : {};
}
