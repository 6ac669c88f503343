/** Schemas in the languages that other programs read: JSON Schema for editors, CUE for whoever checks files by it. */
import type { Json, JsonObject } from "../../trust/canonical-json.ts";
import { anchored } from "./document.ts";
import type { ObjectSchema, RecordSchema, Schema, TextSchema } from "./schema.ts";

const DIALECT = "https://json-schema.org/draft/2020-12/schema";

/** A JSON Schema (2020-12) of a file. */
export function jsonSchema(name: string, title: string, schema: ObjectSchema): JsonObject {
  return { $schema: DIALECT, $id: `urn:mxp:schema:${name}:v1`, title, ...jsonOf(schema) };
}

function jsonOf(schema: Schema): JsonObject {
  switch (schema.kind) {
    case "object": {
      const members = Object.entries(schema.members);
      const needed = members.filter(([, { isOptional }]) => !isOptional).map(([name]) => name);
      return {
        type: "object",
        properties: Object.fromEntries(
          members.map(([name, member]): [string, Json] => [
            name,
            { description: member.about, ...jsonOf(member.schema) },
          ]),
        ),
        ...(needed.length === 0 ? {} : { required: needed }),
        ...(schema.isOpen ? {} : { additionalProperties: false }),
      };
    }
    case "record":
      return {
        type: "object",
        propertyNames: { pattern: anchored(schema.name.pattern), maxLength: schema.name.most },
        additionalProperties: jsonOf(schema.value),
        maxProperties: schema.most,
      };
    case "list":
      return {
        type: "array",
        items: jsonOf(schema.item),
        ...(schema.least === 0 ? {} : { minItems: schema.least }),
        maxItems: schema.most,
      };
    case "either":
      return { oneOf: [jsonOf(schema.list), jsonOf(schema.record)] };
    case "text":
      return { type: "string", pattern: anchored(schema.pattern), maxLength: schema.most };
    case "number": {
      const type = schema.isWhole ? "integer" : "number";
      return { type, minimum: schema.least, maximum: schema.most };
    }
    case "flag":
      return { type: "boolean" };
    default:
      return { enum: [...schema.of] };
  }
}

/** JSON as people lay it out: two spaces, short lists of plain values on one line. */
export function layOut(value: Json, indent = ""): string {
  const inner = `${indent}  `;
  if (Array.isArray(value)) {
    const items = value as readonly Json[];
    const line = `[${items.map((item) => JSON.stringify(item)).join(", ")}]`;
    const isPlain = items.every((item) => typeof item !== "object");
    if (isPlain && indent.length + line.length <= LINE_CHARACTERS) return line;
    return `[\n${items.map((item) => `${inner}${layOut(item, inner)}`).join(",\n")}\n${indent}]`;
  }
  if (typeof value !== "object" || value === null) return JSON.stringify(value);
  const members = Object.entries(value).map(
    ([name, member]) => `${inner}${JSON.stringify(name)}: ${layOut(member, inner)}`,
  );
  return members.length === 0 ? "{}" : `{\n${members.join(",\n")}\n${indent}}`;
}

/** Leaves room for a name before a list. */
const LINE_CHARACTERS = 80;

// --- CUE ---

/** A CUE file with one definition. */
export function cueSchema(definition: string, title: string, schema: ObjectSchema): string {
  const body = cueOf(schema, "");
  const packages = ["list", "strings", "struct"].filter((name) => body.includes(`${name}.M`));
  return [
    `// ${title}`,
    "//",
    "// Written by host/shared/fabric/configuration/schema-texts.ts; a test keeps it as it writes it.",
    "package rtt",
    "",
    ...importLines(packages),
    `#${definition}: ${body}`,
    "",
  ].join("\n");
}

/** CUE's own layout: one package needs no parentheses. */
function importLines(packages: readonly string[]): readonly string[] {
  const [only, ...more] = packages.map((name) => JSON.stringify(name));
  if (only === undefined) return [];
  if (more.length === 0) return [`import ${only}`, ""];
  return ["import (", ...[only, ...more].map((name) => `\t${name}`), ")", ""];
}

function cueOf(schema: Schema, indent: string): string {
  switch (schema.kind) {
    case "object":
      return cueObject(schema, indent);
    case "record":
      return cueRecord(schema, indent);
    case "list": {
      const least = schema.least === 0 ? "" : ` & list.MinItems(${schema.least})`;
      return `[...${cueOf(schema.item, indent)}]${least} & list.MaxItems(${schema.most})`;
    }
    case "either":
      return `(${cueOf(schema.list, indent)}) | (${cueOf(schema.record, indent)})`;
    case "text":
      return cueText(schema);
    case "number":
      return `${schema.isWhole ? "int" : "number"} & >=${schema.least} & <=${schema.most}`;
    case "flag":
      return "bool";
    default:
      return schema.of.map((text) => JSON.stringify(text)).join(" | ");
  }
}

function cueText({ pattern, most }: TextSchema): string {
  return `string & =~${JSON.stringify(anchored(pattern))} & strings.MaxRunes(${most})`;
}

function cueObject(schema: ObjectSchema, indent: string): string {
  const inner = `${indent}\t`;
  const members = Object.entries(schema.members).flatMap(([name, member]) => {
    const label = /^[A-Za-z_]\w*$/.test(name) ? name : JSON.stringify(name);
    return [
      `${inner}// ${member.about}`,
      `${inner}${label}${member.isOptional ? "?" : "!"}: ${cueOf(member.schema, inner)}`,
    ];
  });
  if (schema.isOpen) members.push(`${inner}...`);
  return `{\n${members.join("\n")}\n${indent}}`;
}

function cueRecord({ name, value, most }: RecordSchema, indent: string): string {
  const inner = `${indent}\t`;
  const member = `${inner}[${cueText(name)}]: ${cueOf(value, inner)}`;
  return `{\n${member}\n${indent}} & struct.MaxFields(${most})`;
}
