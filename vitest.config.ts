import { svelte } from "@sveltejs/vite-plugin-svelte";
import { defineConfig } from "vitest/config";

export default defineConfig({
  plugins: [svelte()],
  test: {
    include: ["{apps,libs}/*/test/**/*.test.ts", "interop/**/*.test.ts", "{scripts,bench}/**/*.test.ts"],
    // A lone two-core machine runs real servers and child processes here; these bound a hang, not a speed.
    testTimeout: 30_000,
    hookTimeout: 30_000,
    maxWorkers: 2,
  },
});
