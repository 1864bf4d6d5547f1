/** The user's mistake on the command line, in the environment or in a file; the message says what to type instead. */
export class SettingsError extends Error {
  override readonly name = "SettingsError";
}

/** Characters of a value that an error repeats. */
const shownCharactersMax = 40;

export function cut(text: string): string {
  return text.length <= shownCharactersMax ? text : `${text.slice(0, shownCharactersMax)}…`;
}
