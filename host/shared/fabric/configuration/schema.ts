/**
 * What a configuration file may hold, as data: check.ts judges files by it, and the JSON Schemas for editors and the
 * schemas in `cue/` are written from it, so that the three never disagree.
 *
 * Patterns are of the kind that ECMAScript and RE2 read alike: classes, groups and counts, nothing that looks around.
 */
export type Schema =
  | ObjectSchema
  | RecordSchema
  | ListSchema
  | TextSchema
  | NumberSchema
  | FlagSchema
  | ChoiceSchema
  | EitherSchema;

export interface ObjectSchema {
  readonly kind: "object";
  readonly members: Readonly<Record<string, Member>>;
  /** Other members may be there, and say what is nobody's business here. */
  readonly isOpen: boolean;
}

export interface Member {
  readonly schema: Schema;
  readonly isOptional: boolean;
  /** For the person who edits the file. */
  readonly about: string;
}

/** An object whose names are not known beforehand. */
export interface RecordSchema {
  readonly kind: "record";
  readonly name: TextSchema;
  readonly value: Schema;
  readonly most: number;
}

export interface ListSchema {
  readonly kind: "list";
  readonly item: Schema;
  readonly least: number;
  readonly most: number;
}

export interface TextSchema {
  readonly kind: "text";
  /** Without ^ and $: the whole text is meant. */
  readonly pattern: string;
  readonly most: number;
  /** "a …", for messages. */
  readonly expected: string;
}

export interface NumberSchema {
  readonly kind: "number";
  readonly isWhole: boolean;
  readonly least: number;
  readonly most: number;
}

export interface FlagSchema {
  readonly kind: "flag";
}

export interface ChoiceSchema {
  readonly kind: "choice";
  readonly of: readonly string[];
}

/** One of two, told apart by whether the value is a list. */
export interface EitherSchema {
  readonly kind: "either";
  readonly list: ListSchema;
  readonly record: RecordSchema;
}

export function object(members: Readonly<Record<string, Member>>): ObjectSchema {
  return { kind: "object", members, isOpen: false };
}

export function openObject(members: Readonly<Record<string, Member>>): ObjectSchema {
  return { kind: "object", members, isOpen: true };
}

export function needed(schema: Schema, about: string): Member {
  return { schema, isOptional: false, about };
}

export function optional(schema: Schema, about: string): Member {
  return { schema, isOptional: true, about };
}

export function record(name: TextSchema, value: Schema, most: number): RecordSchema {
  return { kind: "record", name, value, most };
}

export function list(item: Schema, most: number, least = 0): ListSchema {
  return { kind: "list", item, least, most };
}

export function text(pattern: string, most: number, expected: string): TextSchema {
  return { kind: "text", pattern, most, expected };
}

export function number(least: number, most: number): NumberSchema {
  return { kind: "number", isWhole: false, least, most };
}

export function whole(least: number, most: number): NumberSchema {
  return { kind: "number", isWhole: true, least, most };
}

export const FLAG: FlagSchema = { kind: "flag" };

export function choice(...of: readonly string[]): ChoiceSchema {
  return { kind: "choice", of };
}

export function either(listed: ListSchema, recorded: RecordSchema): EitherSchema {
  return { kind: "either", list: listed, record: recorded };
}
