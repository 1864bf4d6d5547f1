import { Persisted } from "./browser.ts";

/** The values of each setting, the usual one first. */
const values = {
  theme: ["system", "light", "dark"],
  density: ["normal", "compact", "relaxed"],
  zone: ["local", "utc"],
  keys: ["on", "off"],
} as const;

type Name = keyof typeof values;
type Value<Of extends Name> = (typeof values)[Of][number];

/** The height in pixels of a row in a list, by density: `--row` of tokens.css, for lists that draw what is seen only. */
export const rowHeights: Readonly<Record<Value<"density">, number>> = { compact: 22, normal: 26, relaxed: 32 };

/** Settings that this browser keeps: colours, density, the zone of times, and whether single keys are shortcuts. */
export class Preferences {
  theme = $state(kept("theme"));
  density = $state(kept("density"));
  /** The zone of the times that the page shows to people; bytes of a reply stay as they are. */
  zone = $state(kept("zone"));
  /** Speech input and a careless elbow type letters, so the single keys can be switched off. */
  hasSingleKeys = $state(kept("keys") === "on");

  constructor() {
    $effect.root(() => {
      $effect.pre(() => {
        keep("zone", this.zone);
        keep("keys", this.hasSingleKeys ? "on" : "off");
        keep("theme", this.theme);
        keep("density", this.density);
        // Style sheets choose by the root element's attributes.
        Object.assign(document.documentElement.dataset, { theme: this.theme, density: this.density });
      });
    });
  }

  /** In pixels. */
  get rowHeight(): number {
    return rowHeights[this.density];
  }
}

function kept<Of extends Name>(name: Of): Value<Of> {
  const text = new Persisted(name).read();
  return values[name].find((each) => each === text) ?? values[name][0];
}

function keep<Of extends Name>(name: Of, value: Value<Of>): void {
  new Persisted(name).write(value);
}
