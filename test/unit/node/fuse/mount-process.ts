/**
 * A mount in a process of its own, which may belong to another user: `serve` waits for a signal, at SIGUSR2 it ends
 * without having closed anything, `throw` has a fault, `check` looks at the mount from the same namespace and prints
 * what it saw.
 */
import { readdirSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { Failure } from "../../../../host/shared/ports/failure.ts";
import { ViewProject } from "./project.ts";

const [action, root = "", folder = ""] = process.argv.slice(2);

function errorOf(task: () => unknown): string {
  try {
    task();
    return "none";
  } catch (error) {
    return String((error as { readonly code?: unknown }).code);
  }
}

function throwFault(): never {
  throw new Error("a fault of the program");
}

try {
  const project = await ViewProject.make(root);
  const mount = await project.mount(folder);
  for (const signal of ["SIGINT", "SIGTERM"]) process.on(signal, () => void mount.close());
  if (action === "check") {
    const names = readdirSync(mount.folder, { recursive: true }).map(String).sort();
    const files = names.filter((name) => statSync(join(mount.folder, name)).isFile());
    const contents = files.map((name) => readFileSync(join(mount.folder, name), "utf8"));
    const write = errorOf(() => writeFileSync(join(mount.folder, "new"), "x"));
    console.log(JSON.stringify({ uid: process.getuid?.(), names, contents, write }));
    await mount.close();
  } else {
    process.on("SIGUSR2", () => process.exit(3));
    console.log(JSON.stringify({ ready: true }));
    // Not caught below, since it comes from another turn of the event loop.
    if (action === "throw") setImmediate(() => throwFault());
  }
  const failure = await mount.ended;
  if (failure !== null) throw failure;
} catch (thrown) {
  console.log(JSON.stringify({ failure: Failure.from(thrown) }));
  process.exitCode = 1;
}
