/**
 * Reads a set of Wycheproof vectors, from ../shared/vectors/wycheproof beside the repository.
 *
 * The sets are big and published elsewhere (C2SP/wycheproof, testvectors_v1), so that they are not kept here.
 */
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { hex } from "./wasm.ts";

const FOLDER = join(import.meta.dirname, "../../../shared/vectors/wycheproof");

/** What the note of a skipped test says. */
export const WYCHEPROOF_ABSENT = `no Wycheproof vectors in ${FOLDER}`;

/** One test of a set, with the fields of its own read by name. */
export interface WycheproofCase {
  readonly title: string;
  readonly isValid: boolean;
  /** A field that holds hexadecimal digits. */
  readonly bytes: (field: string) => Uint8Array<ArrayBuffer>;
  /** A number of the test or, where it has none by that name, of its group. */
  readonly number: (field: string) => number;
}

type Fields = Readonly<Record<string, string | number>>;
type Group = Fields & { readonly tests: readonly Fields[] };

/** All tests of a set, or undefined when the folder is absent. */
export function wycheproof(name: string): WycheproofCase[] | undefined {
  const file = join(FOLDER, `${name}_test.json`);
  if (!existsSync(file)) return undefined;
  const groups: Group[] = JSON.parse(readFileSync(file, "utf8")).testGroups;
  return groups.flatMap((group) =>
    group.tests.map((test) => ({
      title: `test ${test["tcId"]}: ${test["comment"]}`,
      isValid: test["result"] === "valid",
      bytes: (field: string) => hex(String(test[field])),
      number: (field: string) => Number(test[field] ?? group[field]),
    })),
  );
}
