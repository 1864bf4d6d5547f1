import type { Writable } from "node:stream";
import { StreamCapture } from "@wirebook/capture";
import type { Capture } from "@wirebook/capture";
import { Connection, describeHostPort, replyTimeoutMsDefault, tcpTarget } from "@wirebook/net";
import type { ConnectionListener, ConnectionOptions, ConnectionOutcome, Target } from "@wirebook/net";
import { StreamRecord } from "@wirebook/protocol";
import type { Config } from "./config.ts";
import type { Outgoing } from "./message.ts";
import { visibleText } from "./output/terminal-text.ts";
import type { Paint } from "./output/terminal-text.ts";
import { recordBounds } from "./output/trace-json.ts";
import { reportTrace } from "./output/trace.ts";
import { ReplyParser } from "./reply-parser.ts";
import type { ReplyNews } from "./reply-parser.ts";
import { toOutcome } from "./result.ts";
import type { Outcome } from "./result.ts";

/** Shows exchanges, one after the other. It writes at once what it is given and holds none of it. */
export interface Presenter {
  begin(outgoing: Outgoing): void;
  take(news: ReplyNews): void;
  end(outcome: Outcome, record: StreamRecord): void;
}

/** What an exchange and a conversation need alike. */
export interface StreamDependencies {
  /** For data: while it is full, the target is not read. */
  readonly out: Writable & { readonly isTTY?: boolean };
  /** For all that is no data. */
  readonly errorOut: Writable & { readonly isTTY?: boolean };
  readonly errorPaint: Paint;
  /** Calls back at each Ctrl-C until the function that it returns is called. */
  readonly listenForInterrupt: (listener: () => void) => () => void;
  /** Gets the packets. */
  readonly capture: Capture | undefined;
}

/** What all exchanges of one run have in common. */
interface SessionDependencies extends StreamDependencies {
  readonly presenter: Presenter;
}

/** A run of the client: exchanges with one server, one after the other. */
export class Session {
  readonly #config: Config;
  readonly #target: Target;
  readonly #dependencies: SessionDependencies;

  constructor(config: Config, dependencies: SessionDependencies) {
    this.#config = config;
    this.#target = tcpTarget("wirebook", config.target);
    this.#dependencies = dependencies;
  }

  /** Sends a message, shows what comes back, and says on standard error what went wrong. Ctrl-C cancels it. */
  async send(outgoing: Outgoing): Promise<Outcome> {
    const { errorOut, errorPaint, listenForInterrupt } = this.#dependencies;
    const record = new StreamRecord(recordBounds);
    const { promise, resolve } = Promise.withResolvers<Outcome>();
    const options = { message: outgoing.bytes, record, ...timeouts(outgoing, this.#config.timeoutMs) };
    this.#dependencies.presenter.begin(outgoing);
    const connection = new Connection(this.#target, options, this.#listener(record, resolve));
    const stopListening = listenForInterrupt(() => connection.cancel());
    const outcome = await promise;
    stopListening();
    if (this.#config.isTraced) errorOut.write(`\n${reportTrace(record, this.#target, outcome, errorPaint)}`);
    if (outcome.kind === "failed") this.printError(outcome.sentence);
    if (outgoing.isFollow && outcome.kind === "answered" && !outcome.isError) {
      this.printError("the server ended the follow; send the message again to go on");
    }
    return outcome;
  }

  /** Says a sentence on standard error. */
  printError(sentence: string): void {
    const { errorOut, errorPaint } = this.#dependencies;
    errorOut.write(`${errorPaint.wrong("wirebook:")} ${visibleText(sentence)}\n`);
  }

  /** Presents a reply while it comes. */
  #listener(record: StreamRecord, onOutcome: (outcome: Outcome) => void): ConnectionListener {
    const { presenter, out, capture } = this.#dependencies;
    const watch = new ReplyParser();
    const captured =
      capture && new StreamCapture(capture, { originMs: performance.timeOrigin, transport: "tcp", hasKeys: true });
    return {
      onOpen: () => captured?.open(record),
      onWritten: () => captured?.note(record),
      onRead: (bytes, _atMs, connection) => {
        captured?.note(record);
        presenter.take(watch.push(bytes));
        if (out.writableNeedDrain) holdBack(connection, out);
      },
      onOver: (how) => {
        captured?.over(how, record);
        presenter.take(watch.finish());
        const outcome = this.#judge(how, watch, record);
        presenter.end(outcome, record);
        onOutcome(outcome);
      },
    };
  }

  #judge(how: ConnectionOutcome, watch: ReplyParser, { receivedBytes }: StreamRecord): Outcome {
    const outcome = toOutcome(how);
    if (outcome.kind !== "answered") return outcome;
    if (receivedBytes > 0) return { kind: "answered", isError: watch.isError };
    const where = describeHostPort(this.#config.target);
    const sentence = `${where} closed the connection without an answer; it may not understand this message, or be no Wirebook server`;
    return { kind: "failed", code: "empty-reply", sentence };
  }
}

/** Stops the reading until what was read is written. */
function holdBack(connection: Connection, out: Writable): void {
  connection.pause();
  out.once("drain", () => connection.resume());
}

function timeouts(
  { isFollow }: Outgoing,
  timeoutMs: number | undefined,
): Pick<ConnectionOptions, "connectTimeoutMs" | "replyTimeoutMs"> {
  const replyTimeoutMs = isFollow ? Infinity : (timeoutMs ?? replyTimeoutMsDefault);
  return timeoutMs === undefined ? { replyTimeoutMs } : { connectTimeoutMs: timeoutMs, replyTimeoutMs };
}
