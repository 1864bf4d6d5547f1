import { on } from "svelte/events";

/** One further or one back, by arrow keys, or by j and k as in many programs that show lists. */
const forth = new Set(["j", "ArrowDown", "ArrowRight"]);
const back = new Set(["k", "ArrowUp", "ArrowLeft"]);

/**
 * For `{@attach}`: things with `data-stop` and `tabindex="-1"` are one stop of the tab key, and arrow keys move among them
 * (ARIA APG, roving focus). The box has the stop while the focus is outside, so that elements may come and go.
 */
export function roving(box: HTMLElement | SVGElement): () => void {
  let last: Element | undefined;
  const stops = () => [...box.querySelectorAll<HTMLElement>("[data-stop]")];

  function enter({ target }: Event) {
    // Shift+Tab from an element must not come back by way of the box.
    box.tabIndex = -1;
    if (target !== box) last = target as Element;
    // A press beside the elements is not for the first of them.
    if (target !== box || !box.matches(":focus-visible")) return;
    const all = stops();
    (all.find((each) => each === last) ?? all.find((each) => each.ariaSelected === "true") ?? all[0])?.focus();
  }

  function move(event: KeyboardEvent) {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    const all = stops();
    const at = all.indexOf(document.activeElement as HTMLElement);
    const step = Number(forth.has(event.key)) - Number(back.has(event.key));
    const next = { Home: all[0], End: all.at(-1) }[event.key] ?? all[at + step];
    if (at < 0 || next === undefined || next === all[at]) return;
    event.preventDefault();
    event.stopPropagation();
    next.focus();
  }

  const leave = () => (box.tabIndex = 0);
  leave();
  const offs = [on(box, "focusin", enter), on(box, "focusout", leave), on(box as HTMLElement, "keydown", move)];
  return () => offs.forEach((off) => off());
}
