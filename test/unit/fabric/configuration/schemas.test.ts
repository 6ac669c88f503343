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

test.each(CONFIGURATION_SCHEMAS)("cue/$name.cue is as it is written", async (entry) => {
  const { name, definition, title, schema } = entry;
  const file = join(ROOT, `cue/${name}.cue`);
  await expect(cueSchema(definition, title, schema)).toMatchFileSnapshot(file);
});

test.each(CONFIGURATION_SCHEMAS)("$name.schema.json is as it is written", async (entry) => {
  const { name, title, schema } = entry;
  const file = join(ROOT, `host/shared/fabric/api/${name}.schema.json`);
  const text = `${layOut(jsonSchema(name, title, schema))}\n`;
  await expect(text).toMatchFileSnapshot(file);
});
