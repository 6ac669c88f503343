import { defineConfig } from "vitest/config";

export default defineConfig({
  test: {
    include: ["test/**/*.test.ts"],
    exclude: ["test/**/node_modules/**"],
    globalSetup: ["test/support/global-setup.ts"],
    setupFiles: ["test/support/property-seed.ts"],
    // A machine that does other work is slow, not wrong: only what hangs shall fail by time.
    testTimeout: 120_000,
    hookTimeout: 240_000,
    maxWorkers: 2,
    // What is waited for comes late on a loaded machine, and at once on others.
    expect: { poll: { timeout: 10_000 } },
    // A quick look at one process: `vitest run --coverage test/unit/trust`. What counts is `npm run coverage`, which
    // also sees the processes that tests start.
    coverage: {
      provider: "v8",
      include: ["host/**/*.ts"],
      reporter: ["text-summary", "json-summary"],
    },
  },
});
