import * as z from "zod/mini";
import { Persisted } from "./browser.ts";

const schema = z.object({
  theme: z.enum(["system", "light", "dark"]),
  density: z.enum(["normal", "compact", "relaxed"]),
  zone: z.enum(["local", "utc"]),
  hasSingleKeys: z.boolean(),
});
type Settings = z.infer<typeof schema>;

const usual: Settings = { theme: "system", density: "normal", zone: "local", hasSingleKeys: true };

/** The height in pixels of a row in a list, by density: `--row` of tokens.css, for lists that draw what is seen only. */
export const rowHeights: Readonly<Record<Settings["density"], number>> = { compact: 22, normal: 26, relaxed: 32 };

/** Settings that this browser keeps: colours, density, the zone of times, and whether single keys are shortcuts. */
export class Preferences {
  readonly #persisted = new Persisted("preferences");
  readonly #kept = this.#persisted.readAs(schema) ?? usual;
  theme = $state(this.#kept.theme);
  density = $state(this.#kept.density);
  zone = $state(this.#kept.zone);
  /** Speech input and a careless elbow type letters, so the single keys can be switched off. */
  hasSingleKeys = $state(this.#kept.hasSingleKeys);

  constructor() {
    $effect.root(() => {
      $effect.pre(() => {
        const { theme, density, zone, hasSingleKeys } = this;
        this.#persisted.write(JSON.stringify({ theme, density, zone, hasSingleKeys }));
        // Style sheets choose by the root element's attributes.
        Object.assign(document.documentElement.dataset, { theme, density });
      });
    });
  }

  get rowHeight(): number {
    return rowHeights[this.density];
  }
}
