import type { Writable } from "node:stream";
import type { Capture } from "@wirebook/capture";
import type { Config } from "./config.ts";
import type { Outgoing } from "./message.ts";
import { visibleText } from "./output/terminal-text.ts";
import type { Paint } from "./output/terminal-text.ts";
import { reportTrace } from "./output/trace-table.ts";
import { request } from "./request.ts";
import type { Presenter } from "./request.ts";
import type { Outcome } from "./result.ts";

/** Calls back at each Ctrl-C until the function that it returns is called. */
type ListenForInterrupt = (listener: () => void) => () => void;

/** What all exchanges of one run have in common. */
interface SessionDependencies {
  readonly presenter: Presenter;
  readonly out: Writable;
  /** For all that is no data. */
  readonly errorOut: Writable;
  readonly errorPaint: Paint;
  readonly listenForInterrupt: ListenForInterrupt;
  /** Ends the program when nobody reads its output any more, until the function that it returns is called. */
  readonly watchReader: () => () => void;
  readonly capture: Capture | undefined;
}

/** A run of the client: exchanges with one server, one after the other. */
export class Session {
  readonly #config: Config;
  readonly #surroundings: SessionDependencies;

  constructor(config: Config, surroundings: SessionDependencies) {
    this.#config = config;
    this.#surroundings = surroundings;
  }

  /** Sends a message, shows what comes back, and says on standard error what went wrong. Ctrl-C cancels it. */
  async send(outgoing: Outgoing): Promise<Outcome> {
    const { target, timeoutMs, isTraced } = this.#config;
    const { presenter, out, errorOut, errorPaint, listenForInterrupt, watchReader, capture } = this.#surroundings;
    const controller = new AbortController();
    const stopListening = listenForInterrupt(() => controller.abort());
    // Any other message is to be sent although nobody wants to see the reply: `wirebook brick 3 | true`.
    const stopWatching = outgoing.isFollow ? watchReader() : undefined;
    try {
      const { outcome, trace } = await request(outgoing, {
        target,
        timeoutMs,
        presenter,
        out,
        capture,
        signal: controller.signal,
      });
      if (isTraced) errorOut.write(`\n${reportTrace(trace, target, outcome, errorPaint)}`);
      if (outcome.kind === "failed") this.printError(outcome.sentence);
      if (outgoing.isFollow && outcome.kind === "answered" && !outcome.isError) {
        this.printError("the server ended the follow; send the message again to go on");
      }
      return outcome;
    } finally {
      stopListening();
      stopWatching?.();
    }
  }

  /** Says a sentence on standard error. */
  printError(sentence: string): void {
    const { errorOut, errorPaint } = this.#surroundings;
    errorOut.write(`${errorPaint.wrong("wirebook:")} ${visibleText(sentence)}\n`);
  }
}
