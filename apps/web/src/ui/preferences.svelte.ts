import { Persisted } from "./browser.ts";
import type { Zone } from "./format.ts";

export type Theme = "light" | "dark" | "system";

/** The height in pixels of a row in a list, by density: `--row` of tokens.css, for lists that draw what is seen only. */
export const rowHeights = { compact: 22, normal: 26, relaxed: 32 } as const;
export type Density = keyof typeof rowHeights;

/** One of a few values, kept in this browser; the first one until another is chosen. */
class KeptChoice<Value extends string> {
  readonly #kept: Persisted;
  readonly #onChange: (value: Value) => void;
  #value: Value;

  constructor(name: string, values: readonly [Value, ...Value[]], onChange: (value: Value) => void = () => {}) {
    this.#kept = new Persisted(name);
    const kept = this.#kept.read();
    this.#value = $state(values.find((each) => each === kept) ?? values[0]);
    this.#onChange = onChange;
    onChange(this.#value);
  }

  get value(): Value {
    return this.#value;
  }

  set value(value: Value) {
    this.#value = value;
    this.#kept.write(value);
    this.#onChange(value);
  }
}

/** Settings that this browser keeps: colours, density, the zone of times, and whether single keys are shortcuts. */
export class Preferences {
  readonly #theme = new KeptChoice<Theme>("theme", ["system", "light", "dark"], (theme) =>
    markRoot("theme", theme === "system" ? undefined : theme),
  );
  readonly #density = new KeptChoice<Density>("density", ["normal", "compact", "relaxed"], (density) =>
    markRoot("density", density),
  );
  readonly #zone = new KeptChoice<Zone>("zone", ["local", "utc"]);
  readonly #keys = new KeptChoice("keys", ["on", "off"]);

  get theme(): Theme {
    return this.#theme.value;
  }

  set theme(theme: Theme) {
    this.#theme.value = theme;
  }

  get density(): Density {
    return this.#density.value;
  }

  set density(density: Density) {
    this.#density.value = density;
  }

  /** The zone of the times that the page shows to people; bytes of a reply stay as they are. */
  get zone(): Zone {
    return this.#zone.value;
  }

  set zone(zone: Zone) {
    this.#zone.value = zone;
  }

  /** In pixels. */
  get rowHeight(): number {
    return rowHeights[this.density];
  }

  /** Speech input and a careless elbow type letters, so the single keys can be switched off. */
  get hasSingleKeys(): boolean {
    return this.#keys.value === "on";
  }

  set hasSingleKeys(hasSingleKeys: boolean) {
    this.#keys.value = hasSingleKeys ? "on" : "off";
  }
}

/** Style sheets choose by the root element's attribute. */
function markRoot(name: string, value: string | undefined): void {
  const { dataset } = document.documentElement;
  if (value === undefined) delete dataset[name];
  else dataset[name] = value;
}
