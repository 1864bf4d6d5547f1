import { svelte } from "@sveltejs/vite-plugin-svelte";
import { defineConfig } from "vitest/config";

export default defineConfig({
  plugins: [svelte()],
  test: {
    include: ["{apps,libs}/*/test/**/*.test.ts", "{tests,scripts,bench}/**/*.test.ts"],
    globalSetup: "scripts/leftovers.mjs",
    // A lone two-core machine, busy with other work, runs real servers and child processes here. These bound a hang: with ten
    // programs for each core the longest test took 109 s.
    testTimeout: 300_000,
    hookTimeout: 300_000,
    expect: { poll: { timeout: 60_000 } },
    // Most of the time they wait for disks, clocks and each other.
    maxWorkers: 4,
  },
});
