import { authenticationError, decodeText, errorPrefix, joinBytes } from "@wirebook/protocol";
import type { Answer } from "./intent.ts";

/** Bytes of the response that are looked at to know an error by its prefix, and to repeat its sentence. */
const answerBytesMax = 1024;

/** How a response begins: its first line says whether the server did what was asked. */
export class AnswerStart {
  #bytes: Uint8Array = new Uint8Array(0);

  /** The next bytes of the response. */
  push(response: Uint8Array): void {
    const missing = answerBytesMax - this.#bytes.length;
    if (missing > 0) this.#bytes = joinBytes(this.#bytes, response.slice(0, missing));
  }

  /** The first line, as far as it has come. */
  get sentence(): string {
    return decodeText(this.#bytes).split("\n", 1)[0] ?? "";
  }

  /** @param hasReplyHeader whether link and operations came before: a stranger is not told them */
  meaning(hasReplyHeader: boolean): Answer {
    const { sentence } = this;
    if (sentence.startsWith(errorPrefix)) return "refused";
    return sentence === authenticationError && !hasReplyHeader ? "stranger" : "accepted";
  }
}
