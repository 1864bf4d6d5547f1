import { possible } from "./commands.ts";
import type { Command } from "./commands.ts";
import type { Layout } from "./layout.svelte.ts";
import type { FoldablePane } from "./panes.svelte.ts";
import type { Preferences } from "./preferences.svelte.ts";

/** What concerns the whole page: its panes, its settings and its help. */
export function pageCommands(layout: Layout, preferences: Preferences): readonly Command[] {
  const fold = (pane: FoldablePane): Command => {
    const isFolded = layout.panes.isFolded(pane);
    return {
      id: `fold-${pane}`,
      label: `${isFolded ? "Show" : "Fold"} the ${pane}`,
      words: "pane panel hide collapse close unfold layout",
      run: () => (isFolded ? layout.panes.fold(pane, false) : void layout.fold(pane)),
    };
  };
  const theme = (name: Preferences["theme"], label: string): Command => ({
    id: `theme-${name}`,
    label,
    words: "theme mode color appearance settings",
    run: () => (preferences.theme = name),
  });
  const density = (name: Preferences["density"], label: string): Command => ({
    id: `density-${name}`,
    label,
    words: `density ${name} rows spacing size settings`,
    run: () => (preferences.density = name),
  });
  const toOther = preferences.zone === "utc" ? "local" : "utc";
  return possible([
    {
      id: "settings",
      label: "Open settings",
      words: "preferences options theme density time zone shortcuts",
      run: () => (layout.dialog = "settings"),
    },
    {
      id: "help",
      label: "Show help and keyboard shortcuts",
      key: "?",
      words: "keys documentation docs about filter language learn ?",
      run: () => (layout.dialog = "help"),
    },
    {
      id: "zone",
      label: toOther === "utc" ? "Show times in UTC" : "Show local times",
      words: "time zone utc local clock settings",
      run: () => (preferences.zone = toOther),
    },
    theme("light", "Use light colours"),
    theme("dark", "Use dark colours"),
    theme("system", "Use the system's colours"),
    density("compact", "Bring rows closer together"),
    density("normal", "Use the usual distance of rows"),
    density("relaxed", "Bring rows further apart"),
    fold("inspector"),
    fold("history"),
    {
      id: "reset-panes",
      label: "Reset the widths of the panes",
      words: "divider layout size",
      run: () => layout.panes.reset(),
    },
  ]);
}
