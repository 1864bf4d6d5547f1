import { encodeText } from "@wirebook/protocol";

/** Names whose keys this browser keeps. */
export const keysKept = 50;

/** The key after the name in a message's first word, if there is one. It is shown only where it is typed. */
export function keyOf(message: string): string | undefined {
  return /^\s*[^\s~]*~(\S+)/u.exec(message)?.[1];
}

/** The text with the key as asterisks, as many as it has bytes, so that offsets stay true. */
export function hideKey(text: string, key: string | undefined): string {
  return key === undefined ? text : text.replaceAll(`~${key}`, `~${"*".repeat(encodeText(key).length)}`);
}

/** The text of a frame with asterisks for all that may be a key: what follows a `~`, up to white space or a quote. */
export function hideKeys(text: string): string {
  return text.replaceAll(/(?<=~)[^\s"\\]+/gu, (key) => "*".repeat(encodeText(key).length));
}
