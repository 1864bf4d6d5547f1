/**
 * For `{@attach}`: many things in a row are one stop of the tab key, and arrow keys move among them (ARIA APG, roving focus).
 *
 * The box has the stop while the focus is outside and hands it to the element that had it last, so elements may come
 * and go. Each of them has `data-stop` and `tabindex="-1"`.
 */
export function roving(box: HTMLElement | SVGElement): () => void {
  let last: Element | undefined;
  let isPressed = false;
  const stops = () => [...box.querySelectorAll<HTMLElement>("[data-stop]")];

  function focus(event: Event) {
    if (event.target === box) {
      // A press beside the elements is not for the first of them.
      if (isPressed) return;
      const all = stops();
      (all.find((each) => each === last) ?? all[0])?.focus();
    } else last = event.target as Element;
  }

  function move(event: KeyboardEvent) {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    const all = stops();
    const at = all.indexOf(document.activeElement as HTMLElement);
    const step = stepOf(event.key);
    const next = event.key === "Home" ? all[0] : event.key === "End" ? all.at(-1) : all[at + step];
    if (at < 0 || next === undefined || next === all[at]) return;
    event.preventDefault();
    event.stopPropagation();
    next.focus();
  }

  // Shift+Tab from an element must not come back by way of the box.
  const enter = () => box.setAttribute("tabindex", "-1");
  const leave = () => box.setAttribute("tabindex", "0");

  const press = () => (isPressed = true);
  const release = () => (isPressed = false);

  const listeners: readonly (readonly [string, (event: never) => void])[] = [
    ["focusin", focus],
    ["focusin", enter],
    ["focusout", leave],
    ["keydown", move],
    ["pointerdown", press],
    ["pointerup", release],
    ["pointerleave", release],
  ];
  leave();
  for (const [name, listener] of listeners) box.addEventListener(name, listener as EventListener);
  return () => {
    for (const [name, listener] of listeners) box.removeEventListener(name, listener as EventListener);
  };
}

/** j and k, as in many programs that show lists, and the arrow keys: one further, one back. */
export function stepOf(key: string): -1 | 0 | 1 {
  if (["j", "ArrowDown", "ArrowRight"].includes(key)) return 1;
  return ["k", "ArrowUp", "ArrowLeft"].includes(key) ? -1 : 0;
}
