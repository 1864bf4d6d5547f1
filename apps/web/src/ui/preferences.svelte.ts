import * as z from "zod/mini";
import { Persisted } from "./browser.ts";

const schema = z.object({
  theme: z.enum(["system", "light", "dark"]),
  density: z.enum(["normal", "compact", "relaxed"]),
  zone: z.enum(["local", "utc"]),
  hasSingleKeys: z.boolean(),
});
export type Preferences = z.infer<typeof schema>;

const usual: Preferences = { theme: "system", density: "normal", zone: "local", hasSingleKeys: true };

/** The height in pixels of a row in a list, by density; `--row` in style sheets. */
export const rowHeights: Readonly<Record<Preferences["density"], number>> = { compact: 22, normal: 26, relaxed: 32 };

/** Settings that this browser keeps. Speech input and a careless elbow type letters, so single keys can be switched off. */
export function openPreferences(): Preferences {
  const persisted = new Persisted("preferences");
  const kept = $state(persisted.readAs(schema) ?? { ...usual });
  $effect.root(() => {
    $effect.pre(() => {
      persisted.write(JSON.stringify(kept));
      const { style } = document.documentElement;
      style.colorScheme = kept.theme === "system" ? "" : kept.theme;
      style.setProperty("--row", `${rowHeights[kept.density]}px`);
    });
  });
  return kept;
}
