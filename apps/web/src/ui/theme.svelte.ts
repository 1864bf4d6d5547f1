import { Persisted } from "./persisted.ts";

export const themes = ["light", "dark", "system"] as const;
export type ThemeName = (typeof themes)[number];

/** Light, dark, or what the system says; the choice is kept in this browser. */
export class Theme {
  readonly #persisted = new Persisted("theme");
  #name = $state<ThemeName>("system");

  constructor() {
    const kept = this.#persisted.read();
    this.name = themes.find((each) => each === kept) ?? "system";
  }

  get name(): ThemeName {
    return this.#name;
  }

  set name(name: ThemeName) {
    this.#name = name;
    this.#persisted.write(name);
    if (name === "system") delete document.documentElement.dataset.theme;
    else document.documentElement.dataset.theme = name;
  }
}
