/**
 * Goal: a command line that cannot be understood ends with 2, and with one line of JSON where it asks for that.
 * Method: the command line as a function, on lines that are wrong in each way.
 */
import { join } from "node:path";
import { expect, test } from "vitest";
import { runCli } from "../../../host/node/cli.ts";
import { temporaryFolder } from "../../support/ports.ts";

async function rtt(...words: readonly string[]) {
  let [out, err] = ["", ""];
  const code = await runCli(words, {
    environment: { RTT_HOME: join(temporaryFolder(), "home") },
    writeOut: (text) => (out += text),
    writeError: (text) => (err += text),
  });
  return { code, out, err };
}

test.for([
  [["nonsense"], "unknown command 'nonsense'"],
  [["plan", "--nope"], "unknown option '--nope'"],
  [["view", "adopt"], "missing required argument 'path'"],
  [["view"], "No verb is named"],
  [[], "No verb is named"],
] as const)("rtt %j", async ([words, problem]) => {
  const { code, out, err } = await rtt(...words, "--json");
  expect([code, out, err.trimEnd().includes("\n")]).toEqual([2, "", false]);
  expect(JSON.parse(err)).toMatchObject({
    error: { code: "argument-invalid", message: `argument-invalid: ${problem}` },
  });
  const plain = await rtt(...words);
  expect([plain.code, plain.out]).toEqual([2, ""]);
  expect(plain.err).toMatch(/Add --help|Usage: /);
});

test("help and version are answers", async () => {
  expect(await rtt("plan", "--help")).toMatchObject({ code: 0, err: "" });
  expect(await rtt("--version", "--json")).toMatchObject({ code: 0, err: "" });
});
