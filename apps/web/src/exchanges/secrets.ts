/** The key behind the name in a message's first word, if there is one. It is shown nowhere but where it is typed. */
export function keyOf(message: string): string | undefined {
  return /^\s*[^\s~]*~(\S+)/u.exec(message)?.[1];
}

/** The text with the key as asterisks, as many as it has characters, so that offsets stay true. */
export function hideKey(text: string, key: string | undefined): string {
  return key === undefined ? text : text.replaceAll(`~${key}`, `~${"*".repeat(key.length)}`);
}
