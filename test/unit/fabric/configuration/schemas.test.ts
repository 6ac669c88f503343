/**
 * Goal: the schemas in cue/ and the JSON Schemas for editors are those that the program judges by.
 * Method: both are written anew and compared with the files; `vitest run <this file> --update` writes them.
 */
import { join } from "node:path";
import { expect, test } from "vitest";
import {
  cueSchema,
  jsonSchema,
  layOut,
} from "../../../../host/shared/fabric/configuration/schema-texts.ts";
import { CONFIGURATION_SCHEMAS } from "../../../../host/shared/fabric/configuration/schemas.ts";

const ROOT = join(import.meta.dirname, "../../../..");

const NAMED = CONFIGURATION_SCHEMAS.map((entry) => [entry.name, entry] as const);

test.each(NAMED)("the schema of %s in CUE is as it is written", async (_, entry) => {
  const { name, definition, title, schema } = entry;
  const file = join(ROOT, `cue/${name}.cue`);
  await expect(cueSchema(definition, title, schema)).toMatchFileSnapshot(file);
});

test.each(NAMED)("the JSON Schema of %s is as it is written", async (_, entry) => {
  const { name, title, schema } = entry;
  const file = join(ROOT, `host/shared/fabric/api/${name}.schema.json`);
  const text = `${layOut(jsonSchema(name, title, schema))}\n`;
  await expect(text).toMatchFileSnapshot(file);
});
