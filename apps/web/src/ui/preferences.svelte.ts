import { Persisted } from "./browser.ts";

export const themes = ["light", "dark", "system"] as const;
export type Theme = (typeof themes)[number];

/** Settings that this browser keeps: the theme, and whether single keys are shortcuts. */
export class Preferences {
  readonly #keptTheme = new Persisted("theme");
  readonly #keptKeys = new Persisted("keys");
  #theme = $state<Theme>("system");
  #hasSingleKeys = $state(true);

  constructor() {
    const kept = this.#keptTheme.read();
    this.theme = themes.find((each) => each === kept) ?? "system";
    this.#hasSingleKeys = this.#keptKeys.read() !== "off";
  }

  get theme(): Theme {
    return this.#theme;
  }

  set theme(theme: Theme) {
    this.#theme = theme;
    this.#keptTheme.write(theme);
    if (theme === "system") delete document.documentElement.dataset.theme;
    else document.documentElement.dataset.theme = theme;
  }

  /** Speech input and a careless elbow type letters, so the single keys can be switched off. */
  get hasSingleKeys(): boolean {
    return this.#hasSingleKeys;
  }

  set hasSingleKeys(hasSingleKeys: boolean) {
    this.#hasSingleKeys = hasSingleKeys;
    this.#keptKeys.write(hasSingleKeys ? "on" : "off");
  }
}
