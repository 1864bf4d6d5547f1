/** Where a key leads in a list: to a row beside the current one, a screen away, or to an end. */

/**
 * The row to which a key moves the cursor, which may lie beyond the ends; `undefined` for a key that moves nothing.
 *
 * @param seen rows that are seen at once; a screen's move leaves one of them in view
 */
export function rowAfterKey(
  key: string,
  current: number,
  { count, seen }: { readonly count: number; readonly seen: number },
): number | undefined {
  const screen = Math.max(1, seen - 1);
  switch (key) {
    case "ArrowDown":
    case "j":
      return current + 1;
    case "ArrowUp":
    case "k":
      return current - 1;
    case "PageDown":
      return current + screen;
    case "PageUp":
      return current - screen;
    case "Home":
      return 0;
    case "End":
      return count - 1;
    default:
      return undefined;
  }
}
