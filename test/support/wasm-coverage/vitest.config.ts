/** The tests of the engine against instrumented modules, which coverage.ts has built. */
import { defineConfig } from "vitest/config";

export default defineConfig({
  test: {
    root: new URL("../../..", import.meta.url).pathname,
    include: ["test/**/*.test.ts"],
    setupFiles: ["test/support/wasm-coverage/vitest-setup.ts"],
    testTimeout: 300_000,
    maxWorkers: 2,
  },
});
