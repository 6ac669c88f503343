/**
 * Goal: the rules of the house hold for every file. Method: read the tree as text and name each offence with its
 * file, line and remedy.
 */
import { dirname, join, normalize } from "node:path";
import { existsSync } from "node:fs";
import { expect, test } from "vitest";
import { importsOf, projectFiles, ROOT, textOf, withoutComments } from "./support/tree.ts";

const LINES_MAX = 500;
const FILES = projectFiles();
/** What the two modules export: entries, and nothing else. */
const ENTRIES = ["assembly/index.ts", "assembly/component.ts"];
const isGenerated = (path: string): boolean => /(^|\/)gen\//.test(path);
const CODE = FILES.filter((path) => /\.(ts|wit)$/.test(path) && !isGenerated(path));
/** Generators of unrolled kernels stand beside the engine, but run on Node.js and are no part of it. */
const ENGINE = CODE.filter((path) => path.startsWith("assembly/") && !path.includes("/generate/"));
const HOST = CODE.filter((path) => path.startsWith("host/") && !path.endsWith(".d.ts"));
const PORTABLE = HOST.filter((path) => path.startsWith("host/shared/"));

/** Layers of the engine, lowest first; a file imports only from lower layers, or from its own folder. */
const LAYERS: readonly (readonly string[])[] = [
  ["base"],
  ["crypto", "wire"],
  ["noise", "certificate", "recovery", "stream", "store"],
  ["connection"],
  ["endpoint"],
  ["abi"],
];

/** Which parts of host/shared each part may import, apart from itself. */
const PARTS: Readonly<Record<string, readonly string[]>> = {
  ports: [],
  engine: ["ports"],
  trust: ["ports", "engine"],
  config: ["ports"],
  telemetry: ["ports"],
  transport: ["ports", "engine", "trust", "telemetry"],
  fabric: ["ports", "engine", "trust", "telemetry", "config"],
  gateway: ["ports", "engine", "trust", "telemetry", "config", "fabric"],
  mesh: ["ports", "engine", "trust", "telemetry", "config"],
};

/** Portable code and the engine know no clock, no entropy and no timer of their own. */
const BANS: readonly { readonly pattern: RegExp; readonly instead: string }[] = [
  { pattern: /\bnew Date\b|\bDate\.now\b/, instead: "ports/clock.ts" },
  { pattern: /\bperformance\.now\b/, instead: "ports/clock.ts" },
  { pattern: /\bMath\.random\b/, instead: "ports/random.ts" },
  { pattern: /\bgetRandomValues\b|\brandomUUID\b/, instead: "ports/random.ts" },
  { pattern: /\bset(Timeout|Interval|Immediate)\b/, instead: "ports/clock.ts" },
  { pattern: /\bprocess\./, instead: "a port" },
];

function offences(
  files: readonly string[],
  check: (path: string, text: string) => string[],
): string[] {
  return files.flatMap((path) => check(path, textOf(path)));
}

/** One offence for every line that matches. */
function linesMatching(path: string, text: string, pattern: RegExp, rule: string): string[] {
  return text
    .split("\n")
    .flatMap((line, index) => (pattern.test(line) ? [`${path}:${index + 1}: ${rule}`] : []));
}

const partOf = (path: string): string => path.split("/")[2] ?? "";
const layerOf = (folder: string): number => LAYERS.findIndex((layer) => layer.includes(folder));
const resolveImport = (path: string, source: string): string =>
  normalize(join(dirname(path), source));

test(`no file has more than ${LINES_MAX} lines`, () => {
  const found = offences(CODE, (path, text) => {
    const count = text.split("\n").length - 1;
    return count > LINES_MAX ? [`${path}: ${count} lines; cut it where its concepts part`] : [];
  });
  expect(found).toEqual([]);
});

test("every source file begins with a comment that says what it is", () => {
  const files = [...ENGINE, ...HOST].filter((path) => path.endsWith(".ts"));
  const found = offences(files, (path, text) =>
    /^(#![^\n]*\n)?\/\*\*/.test(text) ? [] : [`${path}:1: begin with /** … */`],
  );
  expect(found).toEqual([]);
});

test("every engine file names its layer, and the name is that of its folder", () => {
  const files = ENGINE.filter((path) => !ENTRIES.includes(path));
  const found = offences(files, (path, text) => {
    const folder = path.split("/")[1] ?? "";
    const level = layerOf(folder);
    const header = text.slice(0, text.indexOf("*/"));
    const isRight = new RegExp(`Layer\\s+${folder} \\(L${level}\\)`).test(header);
    return isRight ? [] : [`${path}:1: the header lacks the line "Layer  ${folder} (L${level})"`];
  });
  expect(found).toEqual([]);
});

test("the engine's layers import only lower ones, and nothing from outside", () => {
  const found = offences(ENGINE, (path, text) =>
    importsOf(text).flatMap(({ line, source }) => {
      const target = resolveImport(path, source);
      const [root, from = ""] = [path.split("/")[0], path.split("/")[1]];
      const to = target.split("/")[1] ?? "";
      const isInside = source.startsWith(".") && target.startsWith(`${root}/`);
      const isLower = ENTRIES.includes(path) ? to === "abi" : layerOf(to) < layerOf(from);
      if (isInside && (to === from || isLower)) return [];
      return [`${path}:${line}: ${from} may not import ${target}`];
    }),
  );
  expect(found).toEqual([]);
});

test("the parts of host/shared import only what the design allows", () => {
  const found = offences(PORTABLE, (path, text) =>
    importsOf(text).flatMap(({ line, source }) => {
      if (!source.startsWith(".")) return [];
      const target = resolveImport(path, source);
      const allowed = PARTS[partOf(path)] ?? [];
      const isInside = target.startsWith("host/shared/");
      if (isInside && (partOf(target) === partOf(path) || allowed.includes(partOf(target))))
        return [];
      return [`${path}:${line}: ${partOf(path)} may not import ${target}`];
    }),
  );
  expect(found).toEqual([]);
});

test("a host imports no other host, and nobody but tests and benchmarks imports a host", () => {
  const found = offences(HOST, (path, text) =>
    importsOf(text).flatMap(({ line, source }) => {
      const target = source.startsWith(".") ? resolveImport(path, source) : "";
      if (!target.startsWith("host/") || target.startsWith("host/shared/")) return [];
      return partOf(`x/${target}`) === partOf(`x/${path}`)
        ? []
        : [`${path}:${line}: may not import ${target}`];
    }),
  );
  expect(found).toEqual([]);
});

test("portable code and the engine have no clock, entropy, timer or process of their own", () => {
  const found = offences([...ENGINE, ...PORTABLE], (path, text) =>
    BANS.flatMap(({ pattern, instead }) =>
      linesMatching(path, withoutComments(text), pattern, `use ${instead}`),
    ),
  );
  expect(found).toEqual([]);
});

test("portable code imports no builtin of a runtime", () => {
  const found = offences(PORTABLE, (path, text) =>
    importsOf(text).flatMap(({ line, source }) =>
      source.startsWith("node:") ? [`${path}:${line}: ${source} belongs behind a port`] : [],
    ),
  );
  expect(found).toEqual([]);
});

test("every third-party package is imported where docs/architecture.md says, and only there", () => {
  const table = new Map(
    [...textOf("docs/architecture.md").matchAll(/^\| `([^`]+)` \| `([^`]+)` \|/gm)].map((row) => [
      row[1] ?? "",
      row[2] ?? "",
    ]),
  );
  const found = offences([...HOST, ...PORTABLE], (path, text) =>
    importsOf(text).flatMap(({ line, source }) => {
      if (source.startsWith(".") || source.startsWith("node:")) return [];
      const name = source
        .split("/")
        .slice(0, source.startsWith("@") ? 2 : 1)
        .join("/");
      const home = table.get(name);
      if (home !== undefined && path.startsWith(home)) return [];
      return [
        `${path}:${line}: ${name} has its home in ${home ?? "no row of docs/architecture.md"}`,
      ];
    }),
  );
  expect([...new Set(found)]).toEqual([]);
});

test("no decorator stands outside a class, so that one formatter serves both halves", () => {
  const bare = /^@\w+(?:\([^)]*\))?\s*\n?(?:export )?(?:function|const|let|declare)\b/gm;
  const found = offences(ENGINE, (path, text) =>
    [...text.matchAll(bare)].map((match) => `${path}: ${match[0]}`),
  );
  expect(found).toEqual([]);
});

test("nothing unfinished or switched off is left behind", () => {
  // Spelt apart, so that this file does not find itself.
  const words = /\b(T[O]DO|F[I]XME|X[X]X)\b/;
  const holes = /@ts-(ignore|nocheck|expect-error)|oxlint-disable/;
  const off = /\b(it|test|describe)\.(only|todo)\b/;
  const found = offences(
    CODE.filter((path) => path !== "test/tidy.test.ts"),
    (path, text) => [
      ...linesMatching(path, text, words, "finish it or file it"),
      ...linesMatching(path, withoutComments(text), holes, "mend it, the linter is right"),
      ...linesMatching(path, text, off, "run every test"),
    ],
  );
  expect(found).toEqual([]);
});

test("the contract, the engine and the hosts have the same error codes in the same order", () => {
  const wit = textOf("wit/types.wit");
  const body = wit.slice(wit.indexOf("enum error-code {"));
  const codes = [...body.matchAll(/^ {4}([a-z][a-z0-9-]*),/gm)].map((match) => match[1] ?? "");
  const engine = [
    ...textOf("assembly/base/status.ts").matchAll(/^export const (\w+): i32 = (-?\d+);/gm),
  ];
  const host = [...textOf("host/shared/ports/gen/error-code.ts").matchAll(/^ {2}"([^"]+)",/gm)];
  const constant = (code: string): string => code.toUpperCase().replaceAll("-", "_");
  expect(engine.map((match) => `${match[1]}=${match[2]}`)).toEqual([
    "OK=0",
    ...codes.map((code, index) => `${constant(code)}=${-(index + 1)}`),
  ]);
  expect(host.map((match) => match[1])).toEqual(codes);
});

test("docs/errors.md documents every error code once", () => {
  const host = [...textOf("host/shared/ports/gen/error-code.ts").matchAll(/^ {2}"([^"]+)",/gm)];
  const documented = [...textOf("docs/errors.md").matchAll(/^\| `([a-z0-9-]+)` \|/gm)];
  expect(documented.map((match) => match[1]).sort()).toEqual(host.map((match) => match[1]).sort());
});

test("every path and every path:symbol in the documents exists", () => {
  const documents = FILES.filter((path) => path.endsWith(".md"));
  const found = offences(documents, (path, text) =>
    [...text.matchAll(/`((?:assembly|host|test|bench|wit|docs)\/[\w./-]+)(?::(\w+))?`/g)].flatMap(
      ([, target = "", symbol]) => {
        const where = `${path}: ${target}${symbol === undefined ? "" : `:${symbol}`}`;
        if (!existsSync(join(ROOT, target))) return [`${where} does not exist`];
        if (symbol === undefined || new RegExp(`\\b${symbol}\\b`).test(textOf(target))) return [];
        return [`${where} has no such symbol`];
      },
    ),
  );
  expect(found).toEqual([]);
});

test("every relative link of the documents leads somewhere", () => {
  const documents = FILES.filter((path) => path.endsWith(".md"));
  const found = offences(documents, (path, text) =>
    [...text.matchAll(/\]\((?!https?:|mailto:|#)([^)#\s]+)[^)]*\)/g)].flatMap(([, target = ""]) =>
      existsSync(join(ROOT, dirname(path), target)) ? [] : [`${path}: ${target} does not exist`],
    ),
  );
  expect(found).toEqual([]);
});
