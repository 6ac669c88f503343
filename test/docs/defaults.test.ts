/** Goal: docs/defaults.md tells the truth. Method: its tables are compared with the values in the code. */
import { expect, test } from "vitest";
import { SETTINGS } from "../../host/shared/config/settings.ts";
import { DEFAULT_PARAMETERS } from "../../host/shared/transport/endpoint.ts";
import { textOf } from "../support/tree.ts";

const DOCUMENT = textOf("docs/defaults.md");

test("every setting is documented with its environment variable and its default", () => {
  const rows = [...DOCUMENT.matchAll(/^\| `([^`]+)` \| `(RTT_\w+)` \| `([^`]+)` \|/gm)];
  const settings = Object.entries(SETTINGS).map(([name, { environment, initial }]) => [
    name,
    environment,
    JSON.stringify(initial),
  ]);
  expect(rows.map((row) => row.slice(1))).toEqual(settings);
});

test("every transport parameter is documented with its default", () => {
  const rows = [...DOCUMENT.matchAll(/^\| `(max\w+|idle\w+)` \| `(\d+)` \|/gm)];
  const documented = Object.fromEntries(rows.map((row) => [row[1], Number(row[2])]));
  expect(documented).toEqual(DEFAULT_PARAMETERS);
});
