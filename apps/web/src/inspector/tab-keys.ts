/** j and k, as in many programs that show lists: one further, one back. With `arrows`, the arrow keys do the same. */
export function stepOf(event: KeyboardEvent, arrows = false): -1 | 0 | 1 {
  if (event.ctrlKey || event.metaKey || event.altKey || isTyping(event.target)) return 0;
  if (event.key === "j" || (arrows && event.key === "ArrowDown")) return 1;
  if (event.key === "k" || (arrows && event.key === "ArrowUp")) return -1;
  return 0;
}

function isTyping(target: EventTarget | null): boolean {
  return target instanceof HTMLElement && target.matches("input, select, textarea");
}
