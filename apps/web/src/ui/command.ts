/** Something that can be done from the palette, and perhaps by one key. */
export interface Command {
  /** Told apart by this. */
  readonly id: string;
  /** What it does, as an order: `Go to the history`. */
  readonly label: string;
  /** As in `KeyboardEvent.key`; works only while no field has the focus. */
  readonly key?: string;
  run(): void;
}

/** Those whose label has every word that was typed, wherever it stands. */
export function matching(commands: readonly Command[], typed: string): readonly Command[] {
  const words = typed.toLowerCase().split(/\s+/u);
  return commands.filter(({ label }) => {
    const text = label.toLowerCase();
    return words.every((word) => text.includes(word));
  });
}

/** What of a key press matters here. */
export type Press = Pick<KeyboardEvent, "key" | "ctrlKey" | "metaKey" | "altKey" | "isComposing">;

/** True for Ctrl+K, and ⌘K on a Mac. */
export function opensPalette({ key, ctrlKey, metaKey, altKey }: Press): boolean {
  return key.toLowerCase() === "k" && (ctrlKey || metaKey) && !altKey;
}

/**
 * The command of a key that was pressed by itself.
 *
 * @param isTyping true while the key would be text in a field, or a choice in a list
 */
export function commandFor(commands: readonly Command[], press: Press, isTyping: boolean): Command | undefined {
  const { key, ctrlKey, metaKey, altKey, isComposing } = press;
  if (isTyping || isComposing || ctrlKey || metaKey || altKey) return undefined;
  return commands.find((command) => command.key === key);
}
