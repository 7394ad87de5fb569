import { defineConfig } from "vitest/config";

/** Chromium, `tinyalm export --to web` and `tinyalm serve`, as they are used. */
export default defineConfig({
  test: {
    include: ["e2e/**/*.test.ts"],
    testTimeout: 120_000,
    hookTimeout: 120_000,
    pool: "forks",
    fileParallelism: false,
    bail: 1, // what comes later stands on what came before
  },
});
