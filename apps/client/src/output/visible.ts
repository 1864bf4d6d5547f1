import { plainText } from "@wirebook/protocol";

/** The text with nothing in it that acts on a terminal, but with its lines and tabs. */
export function visibleText(text: string): string {
  return text.replace(/[^\n\t]+/g, (part) => plainText(part));
}
