/**
 * Goal: the host reads and writes exactly where the engine does. Method: compare the constants of both halves as
 * modules, and the exports of the built engine with the declared ones.
 */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import * as engine from "../../../assembly/abi/layout.ts";
import * as host from "../../../host/shared/engine/layout.ts";

const ROOT = join(import.meta.dirname, "../../..");

test("both layouts declare the same constants with the same values", () => {
  expect({ ...host }).toEqual({ ...engine });
  expect(Object.keys(host).length).toBeGreaterThan(60);
});

test("engine.wasm exports the declared functions and imports only its memory", () => {
  const module = new WebAssembly.Module(readFileSync(join(ROOT, "build/engine.wasm")));
  const declared = readFileSync(join(ROOT, "host/shared/engine/exports.ts"), "utf8");
  const names = [...declared.matchAll(/^ {2}(\w+)\(/gm)].map(([, name]) => name);
  const exported = WebAssembly.Module.exports(module).map(({ name }) => name);
  expect(exported.toSorted()).toEqual(names.toSorted());
  expect(WebAssembly.Module.imports(module)).toEqual([
    { module: "env", name: "memory", kind: "memory" },
  ]);
});
