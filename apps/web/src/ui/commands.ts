/** What the palette lists and the single keys do. Each part of the page has commands of its own; the app joins them. */

/** Something that can be done from the palette, and perhaps by one key. */
export interface Command {
  readonly id: string;
  /** Imperative: `Go to the history`. */
  readonly label: string;
  /** What people may type for it that the label does not say. */
  readonly words?: string;
  /** As in `KeyboardEvent.key`; works only while no field has the focus. */
  readonly key?: string;
  run(): void;
}

/** All commands of the page, as they are at the moment. */
export interface CommandSource {
  all(): readonly Command[];
  /** What can be done with the very text that is typed: a message sent, a line shown. */
  direct(typed: string): readonly Command[];
}

/** Those of a list that can be carried out now. */
export function possible(commands: readonly (Command | false | undefined)[]): readonly Command[] {
  return commands.filter((command) => command !== undefined && command !== false);
}

/** The commands that have every typed word, in their label or besides it. What the labels say comes first. */
export function matching(commands: readonly Command[], typed: string): readonly Command[] {
  const words = typed.toLowerCase().trim().split(/\s+/u);
  const hasAll = (text: string) => words.every((word) => text.toLowerCase().includes(word));
  const byLabel = commands.filter(({ label }) => hasAll(label));
  return [
    ...byLabel,
    ...commands.filter((each) => !byLabel.includes(each) && hasAll(`${each.label} ${each.words ?? ""}`)),
  ];
}

export type Press = Pick<KeyboardEvent, "key" | "ctrlKey" | "metaKey" | "altKey" | "isComposing">;

/** True for Ctrl+K, and ⌘K on a Mac. */
export function opensPalette({ key, ctrlKey, metaKey, altKey }: Press): boolean {
  return key.toLowerCase() === "k" && (ctrlKey || metaKey) && !altKey;
}

/**
 * True for a key that may be a command by itself.
 *
 * @param isTyping true while the key would be text in a field, or a choice in a list
 */
export function isSingleKey({ key, ctrlKey, metaKey, altKey, isComposing }: Press, isTyping: boolean): boolean {
  return !isTyping && !isComposing && !ctrlKey && !metaKey && !altKey && key.length === 1 && key !== " ";
}
