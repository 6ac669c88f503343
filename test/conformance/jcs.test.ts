/**
 * Goal: our canonical form is RFC 8785's, byte for byte.
 * Method: the published test data of cyberphone/json-canonicalization, read from beside the repository, and the
 * number samples of RFC 8785 appendix B.
 */
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import {
  canonicalBytes,
  canonicalText,
  parseJson,
} from "../../host/shared/trust/canonical-json.ts";

const VECTORS = join(import.meta.dirname, "../../../shared/vectors/jcs");
const names = existsSync(VECTORS) ? readdirSync(join(VECTORS, "input")) : [];

test.skipIf(names.length === 0)("the published documents, read from ../shared/vectors/jcs", () => {
  expect(names.length).toBeGreaterThanOrEqual(6);
  for (const name of names) {
    const value = parseJson(new Uint8Array(readFileSync(join(VECTORS, "input", name))));
    const expected = readFileSync(join(VECTORS, "output", name));
    expect(Buffer.from(canonicalBytes(value)).toString(), name).toBe(expected.toString());
  }
});

// RFC 8785 appendix B: IEEE 754 bits and the text.
test.each([
  ["0000000000000000", "0"],
  ["8000000000000000", "0"],
  ["0000000000000001", "5e-324"],
  ["8000000000000001", "-5e-324"],
  ["7fefffffffffffff", "1.7976931348623157e+308"],
  ["ffefffffffffffff", "-1.7976931348623157e+308"],
  ["4340000000000000", "9007199254740992"],
  ["c340000000000000", "-9007199254740992"],
  ["4430000000000000", "295147905179352830000"],
  ["44b52d02c7e14af5", "9.999999999999997e+22"],
  ["44b52d02c7e14af6", "1e+23"],
  ["44b52d02c7e14af7", "1.0000000000000001e+23"],
  ["444b1ae4d6e2ef4e", "999999999999999700000"],
  ["444b1ae4d6e2ef4f", "999999999999999900000"],
  ["444b1ae4d6e2ef50", "1e+21"],
  ["3eb0c6f7a0b5ed8c", "9.999999999999997e-7"],
  ["3eb0c6f7a0b5ed8d", "0.000001"],
  ["41b3de4355555553", "333333333.3333332"],
  ["41b3de4355555554", "333333333.33333325"],
  ["41b3de4355555555", "333333333.3333333"],
  ["41b3de4355555556", "333333333.3333334"],
  ["41b3de4355555557", "333333333.33333343"],
  ["becbf647612f3696", "-0.0000033333333333333333"],
  ["43143ff3c1cb0959", "1424953923781206.2"],
])("the double %s is %s", (bits, text) => {
  const value = Buffer.from(bits, "hex").readDoubleBE();
  expect(canonicalText(value)).toBe(text);
});
