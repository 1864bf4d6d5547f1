import type { Writable } from "node:stream";
import { authenticationError, decodeText, errorPrefix } from "@wirebook/protocol";
import type { Outgoing } from "../message.ts";
import type { ReplyNews } from "../reply-parser.ts";
import type { Presenter } from "../session.ts";
import type { Outcome } from "../result.ts";
import { TextStream, visibleText } from "./terminal-text.ts";
import type { Paint } from "./terminal-text.ts";

/**
 * For people: what was sent and the whole reply, as the original client prints them.
 *
 * The server may be anybody's, so nothing that it sends reaches the terminal but visible text, tabs and line feeds.
 */
export class TerminalPresenter implements Presenter {
  readonly #out: Writable;
  readonly #paint: Paint;
  #text = new TextStream();
  #hasReceived = false;
  #isInResponse = false;
  #isLineOpen = false;

  constructor(out: Writable, paint: Paint) {
    this.#out = out;
    this.#paint = paint;
  }

  begin({ shown }: Outgoing): void {
    this.#text = new TextStream();
    this.#hasReceived = false;
    this.#isInResponse = false;
    this.#out.write(`${this.#paint.strong("Sent:")}     ${visibleText(shown)}\n`);
  }

  take({ header, response }: ReplyNews): void {
    if (header !== undefined) this.#write(decodeText(header.bytes), this.#paint.faint);
    if (response.length > 0) this.#respond(this.#text.push(response));
  }

  end({ kind }: Outcome): void {
    this.#respond(this.#text.finish());
    // After Ctrl-C the terminal's own ^C stands on the line.
    if (this.#isLineOpen || kind === "interrupted") this.#out.write("\n");
    this.#isLineOpen = false;
  }

  #respond(text: string): void {
    const isWrong = !this.#isInResponse && (text.startsWith(errorPrefix) || text === authenticationError);
    if (text !== "") this.#isInResponse = true;
    this.#write(text, isWrong ? this.#paint.wrong : (plain) => plain);
  }

  #write(text: string, paint: (text: string) => string): void {
    if (text === "") return;
    if (!this.#hasReceived) this.#out.write(`${this.#paint.strong("Received:")} `);
    this.#hasReceived = true;
    this.#isLineOpen = !text.endsWith("\n");
    this.#out.write(paint(visibleText(text)));
  }
}
