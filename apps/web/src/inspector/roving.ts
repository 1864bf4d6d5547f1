import { on } from "svelte/events";

/**
 * For `{@attach}`: many things in a row are one stop of the tab key, and arrow keys move among them (ARIA APG, roving focus).
 *
 * The box has the stop while the focus is outside and hands it to the element that had it last, so elements may come
 * and go. Each of them has `data-stop` and `tabindex="-1"`.
 */
export function roving(box: HTMLElement | SVGElement): () => void {
  let last: Element | undefined;
  const stops = () => [...box.querySelectorAll<HTMLElement>("[data-stop]")];

  function enter({ target }: Event) {
    // Shift+Tab from an element must not come back by way of the box.
    box.tabIndex = -1;
    if (target !== box) last = target as Element;
    // A press beside the elements is not for the first of them.
    else if (box.matches(":focus-visible")) (stops().find((each) => each === last) ?? stops()[0])?.focus();
  }

  function move(event: Event) {
    const { key, ctrlKey, metaKey, altKey } = event as KeyboardEvent;
    if (ctrlKey || metaKey || altKey) return;
    const all = stops();
    const at = all.indexOf(document.activeElement as HTMLElement);
    const next = key === "Home" ? all[0] : key === "End" ? all.at(-1) : all[at + stepOf(key)];
    if (at < 0 || next === undefined || next === all[at]) return;
    event.preventDefault();
    event.stopPropagation();
    next.focus();
  }

  const leave = () => (box.tabIndex = 0);
  leave();
  const listeners = { focusin: enter, focusout: leave, keydown: move };
  const offs = Object.entries(listeners).map(([name, listener]) => on(box, name, listener));
  return () => offs.forEach((off) => off());
}

/** j and k, as in many programs that show lists, and the arrow keys: one further, one back. */
function stepOf(key: string): -1 | 0 | 1 {
  if (["j", "ArrowDown", "ArrowRight"].includes(key)) return 1;
  return ["k", "ArrowUp", "ArrowLeft"].includes(key) ? -1 : 0;
}
