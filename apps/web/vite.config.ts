import { svelte } from "@sveltejs/vite-plugin-svelte";
import { defineConfig } from "vite";

export default defineConfig({
  // Every address is relative, so that a proxy may serve the page under any path.
  base: "./",
  plugins: [svelte({ configFile: false, compilerOptions: { runes: true } })],
  build: {
    target: "es2023",
    // light-dark() is used as it is; a lower target would have it rewritten.
    cssTarget: ["chrome123", "firefox120", "safari17.5"],
    // The polyfill and inlined assets would be the only things that the gateway's Content-Security-Policy refuses.
    modulePreload: { polyfill: false },
    assetsInlineLimit: 0,
    // Vite asks for the style sheet of a lazy part once: a part whose loading is tried again would have no style.
    cssCodeSplit: false,
    // How long a plugin took is of no interest to whoever starts Wirebook for the first time.
    rolldownOptions: { checks: { pluginTimings: false } },
  },
  server: {
    host: "127.0.0.1",
    proxy: { "/ws": { target: "ws://127.0.0.1:8007", ws: true } },
  },
});
