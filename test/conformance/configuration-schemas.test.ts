/**
 * Goal: what an editor, CUE and the program say of a configuration file is the same, but for what only the program can
 * know; so a file that an editor or a pipeline has passed is refused only with a reason that they cannot have.
 * Method: one corpus of good and bad files, judged by ajv with the JSON Schemas, by CUE's own Go packages with cue/, and
 * by the program.
 */
import { spawnSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { Ajv2020 } from "ajv/dist/2020.js";
import { expect, test } from "vitest";
import { parse as parseYaml } from "yaml";
import { CONFIGURATION_SCHEMAS } from "../../host/shared/fabric/configuration/schemas.ts";
import type { Case } from "../unit/fabric/configuration/corpus-case.ts";
import { CORPUS } from "../unit/fabric/configuration/corpus.ts";

const ROOT = join(import.meta.dirname, "../..");
const GO_JUDGE = join(import.meta.dirname, "go/cue");

const schemaOf = (name: string) => {
  const found = CONFIGURATION_SCHEMAS.find((schema) => schema.name === name);
  if (found === undefined) throw new Error(`there is no schema of ${name}`);
  return found;
};

/** What a judge of the form alone must say. Of texts that two readers take differently nothing is expected. */
const JUDGED = CORPUS.filter(({ fault }) => fault !== "text");
const expected = ({ fault }: Case): "ok" | "bad" => (fault === "form" ? "bad" : "ok");
const shown = ({ name, about, text }: Case): string => `${name}: ${about}: ${text.slice(0, 80)}`;

test("ajv judges by the JSON Schemas as the program does", () => {
  const ajv = new Ajv2020({ strict: true, allErrors: false });
  const validators = new Map(
    CONFIGURATION_SCHEMAS.map(({ name }) => {
      const path = join(ROOT, `host/shared/fabric/api/${name}.schema.json`);
      return [name, ajv.compile(JSON.parse(readFileSync(path, "utf8")) as object)];
    }),
  );
  const judge = ({ name, text }: Case): "ok" | "bad" => {
    try {
      const value: unknown =
        schemaOf(name).syntax === "yaml" ? (parseYaml(text) ?? {}) : JSON.parse(text);
      return validators.get(name)?.(value) === true ? "ok" : "bad";
    } catch {
      return "bad";
    }
  };
  expect(JUDGED.map((one) => `${judge(one)} ${shown(one)}`)).toEqual(
    JUDGED.map((one) => `${expected(one)} ${shown(one)}`),
  );
});

/** Runs Go without the network; null when it or CUE is not installed. */
function cue(input: string): { status: number | null; stdout: string; stderr: string } | null {
  const environment = { ...process.env, GOPROXY: "off", GOFLAGS: "-mod=readonly" };
  const run = (words: readonly string[], text: string) =>
    spawnSync("go", words, { cwd: GO_JUDGE, env: environment, encoding: "utf8", input: text });
  if (run(["list", "cuelang.org/go/cue"], "").status !== 0) return null;
  const { status, stdout, stderr } = run(["run", ".", join(ROOT, "cue")], input);
  return { status, stdout, stderr };
}

test("CUE judges by the schemas in cue/ as the program does", (context) => {
  const jobs = JUDGED.map(({ name, text }) => {
    const { definition, syntax } = schemaOf(name);
    return JSON.stringify({ definition, syntax, text });
  });
  const judged = cue(`${jobs.join("\n")}\n`);
  if (judged === null) {
    context.skip("needs Go and CUE: (cd test/conformance/go/cue && go mod download)");
    return;
  }
  expect(judged.stderr).toBe("");
  expect(judged.status).toBe(0);
  const verdicts = judged.stdout.trim().split("\n");
  expect(verdicts.map((verdict, at) => `${verdict} ${shown(JUDGED[at] as Case)}`)).toEqual(
    JUDGED.map((one) => `${expected(one)} ${shown(one)}`),
  );
}, 300_000);
