import { defineConfig } from "vitest/config";

export default defineConfig({
  test: {
    include: ["test/**/*.test.ts"],
    exclude: ["test/hosts/node_modules/**"],
    globalSetup: ["test/support/global-setup.ts"],
    testTimeout: 30_000,
    maxWorkers: 2,
    coverage: {
      provider: "v8",
      include: ["host/**/*.ts"],
      reporter: ["text-summary", "json-summary"],
    },
  },
});
