/**
 * Goal: every command that the documents show can be typed. Method: each `rtt` line of their code blocks and each
 * `rtt` between backticks is held against the help of its verb: the verb exists, and so does every option.
 */
import { execFile } from "node:child_process";
import { join } from "node:path";
import { promisify } from "node:util";
import { expect, test } from "vitest";
import { projectFiles, ROOT, textOf } from "../support/tree.ts";

const MAIN = join(ROOT, "host/node/main.ts");
const run = promisify(execFile);

/** Verbs that have verbs of their own. */
const GROUPS: ReadonlySet<string> = new Set([
  "id",
  "policy",
  "receipt",
  "peers",
  "registry",
  "log",
  "tools",
  "view",
]);

interface Shown {
  readonly where: string;
  readonly verb: readonly string[];
  readonly options: readonly string[];
}

/** The commands of a document, each with the line on which it stands. */
function commandsIn(path: string): readonly Shown[] {
  return textOf(path)
    .split("\n")
    .flatMap((line, index) => {
      const inline = [...line.matchAll(/`(rtt [^`]+)`/g)].map((match) => match[1] ?? "");
      // Two commands may stand side by side, one for each machine.
      const block = line.startsWith("rtt ") ? line.split(/ {2,}(?=rtt )/) : [];
      return [...inline, ...block].map((text) => shown(`${path}:${index + 1}`, text));
    });
}

function shown(where: string, text: string): Shown {
  const words = text.split(" ").slice(1);
  const [first = "", second = ""] = words;
  const verb = GROUPS.has(first) && /^[a-z]+$/.test(second) ? [first, second] : [first];
  return { where, verb, options: words.filter((word) => word.startsWith("--")) };
}

test("every command in the documents has its verb and its options", async () => {
  const documents = projectFiles().filter((path) => path.endsWith(".md"));
  const commands = documents.flatMap(commandsIn).filter(({ verb }) => /^[a-z]/.test(verb[0] ?? ""));
  expect(commands.length).toBeGreaterThan(40);
  const helps = new Map<string, string>();
  for (const verb of new Set(commands.map((command) => command.verb.join(" ")))) {
    const { stdout } = await run(process.execPath, [MAIN, ...verb.split(" "), "--help"]);
    helps.set(verb, stdout);
  }
  const wrong = commands.flatMap(({ where, verb, options }) => {
    const help = helps.get(verb.join(" ")) ?? "";
    const isThere = help.startsWith(`Usage: rtt ${verb.join(" ")} `);
    const unknown = options.filter((option) => !help.includes(`${option} `));
    return isThere && unknown.length === 0
      ? []
      : [`${where}: rtt ${verb.join(" ")} ${unknown.join(" ")}`];
  });
  expect(wrong).toEqual([]);
}, 120_000);
