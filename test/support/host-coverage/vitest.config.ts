/**
 * Tests of the hosts under V8's own coverage. Node.js imports the sources itself, as it does in the processes that
 * tests start, so that what all of them record can be added up.
 */
import { defineConfig } from "vitest/config";

export default defineConfig({
  test: {
    root: new URL("../../..", import.meta.url).pathname,
    include: ["test/**/*.test.ts"],
    exclude: ["test/hosts/node_modules/**"],
    globalSetup: ["test/support/global-setup.ts"],
    setupFiles: ["test/support/property-seed.ts", "test/support/host-coverage/vitest-setup.ts"],
    // Counting and the other processes of a test take time.
    testTimeout: 120_000,
    hookTimeout: 120_000,
    expect: { poll: { timeout: 20_000 } },
    maxWorkers: 2,
    pool: "forks",
    experimental: { viteModuleRunner: false },
  },
});
