/** Compiles the test entries of the engine once, before any test file runs. Unchanged entries are skipped. */
import { spawnSync } from "node:child_process";
import { join } from "node:path";

export default function setup(): void {
  // One area's entries can be named, so that work on it does not wait for the others.
  const only = process.env["MXP_ENTRIES"]?.split(",").map((name) => `entries:${name}`) ?? [
    "entries",
  ];
  const build = spawnSync(
    process.execPath,
    [join(import.meta.dirname, "../../build.ts"), ...only, "--quiet"],
    {
      stdio: "inherit",
    },
  );
  if (build.status !== 0) throw new Error("the test entries of the engine do not compile");
}
