/**
 * Goal: the bills of materials are CycloneDX 1.6, complete, and the same whenever their inputs are.
 * Method: the schema that the standard publishes, this package's own lock file, made-up ones, and projects.
 */
import { readFileSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import Ajv from "ajv";
import { beforeAll, expect, test } from "vitest";
import { runCli } from "../../../../host/node/cli.ts";
import {
  packageList,
  packageRoot,
  packageSbom,
} from "../../../../host/node/release/package-files.ts";
import { type LockFile, packagesOfLock } from "../../../../host/node/release/package-list.ts";
import { packagesOfSbom, sbomText } from "../../../../host/node/release/sbom.ts";
import { temporaryFolder } from "../../../support/ports.ts";
import { SECRET, toolFolder } from "../../../support/tool-folders.ts";

interface Bill {
  readonly serialNumber: string;
  readonly metadata: { readonly component: Component; readonly timestamp?: string };
  readonly components: readonly Component[];
  readonly dependencies: readonly {
    readonly ref: string;
    readonly dependsOn?: readonly string[];
  }[];
}

interface Component {
  readonly "bom-ref": string;
  readonly name: string;
  readonly version?: string;
  readonly scope?: string;
  readonly purl?: string;
  readonly hashes?: readonly { readonly alg: string; readonly content: string }[];
  readonly licenses?: readonly object[];
  readonly properties?: readonly { readonly name: string; readonly value: string }[];
}

const schemaFolder = join(
  dirname(createRequire(import.meta.url).resolve("@cyclonedx/cyclonedx-library/package.json")),
  "res/schema",
);
const schema = (name: string): object =>
  JSON.parse(readFileSync(join(schemaFolder, `${name}.SNAPSHOT.schema.json`), "utf8")) as object;

let validate: (bill: unknown) => readonly string[];

beforeAll(() => {
  const ajv = new Ajv.default({ strict: false, validateFormats: false, allErrors: true });
  // The library's copies name each other by their files.
  for (const name of ["spdx", "jsf-0.82"]) {
    const { $id: _, ...rest } = schema(name) as { readonly $id: string };
    ajv.addSchema(rest, `http://cyclonedx.org/schema/${name}.SNAPSHOT.schema.json`);
  }
  const check = ajv.compile(schema("bom-1.6"));
  validate = (bill) =>
    check(bill)
      ? []
      : (check.errors ?? []).map((error) => `${error.instancePath} ${error.message}`);
});

/** A bill that is valid, and every reference of which leads somewhere. */
function billOf(text: string): Bill {
  const bill = JSON.parse(text) as Bill;
  expect(validate(bill)).toEqual([]);
  const refs = new Set([bill.metadata.component, ...bill.components].map((one) => one["bom-ref"]));
  expect(refs.size).toBe(bill.components.length + 1);
  for (const { ref, dependsOn = [] } of bill.dependencies) {
    expect([ref, ...dependsOn].filter((one) => !refs.has(one))).toEqual([]);
  }
  return bill;
}

test("the schema refuses what is no bill", () => {
  expect(validate({ bomFormat: "CycloneDX" })).not.toEqual([]);
  expect(validate({ bomFormat: "CycloneDX", specVersion: "1.6", components: [{}] })).not.toEqual(
    [],
  );
});

test("this package's own bill has every package that it needs, with digests and licenses", () => {
  const root = packageRoot();
  const text = packageSbom(root);
  const bill = billOf(text);
  expect(packageSbom(root)).toBe(text);
  expect(bill.metadata.timestamp).toBeUndefined();
  const { dependencies, devDependencies } = JSON.parse(
    readFileSync(join(root, "package.json"), "utf8"),
  ) as Record<"dependencies" | "devDependencies", Record<string, string>>;
  const purls = bill.components.map(({ purl }) => purl);
  for (const [name, version] of Object.entries(dependencies)) {
    expect(purls).toContain(`pkg:npm/${name.replace("@", "%40")}@${version}`);
  }
  for (const [name, version] of Object.entries(devDependencies)) {
    expect(purls).not.toContain(`pkg:npm/${name.replace("@", "%40")}@${version}`);
  }
  const packages = bill.components.filter(({ purl }) => purl !== undefined);
  expect(packages.filter(({ hashes, licenses }) => !hashes || !licenses)).toEqual([]);
  // No address of whoever served the packages is in it.
  expect(text.replace(/"\$schema": "[^"]*"/, "")).not.toMatch(/https?:/);
});

test("the bill in the package says the same as the lock file beside it", () => {
  const root = packageRoot();
  const list = packageList(root);
  const { root: program, packages } = packagesOfSbom(packageSbom(root));
  expect(packages).toEqual(list.packages);
  const needs = program.needs.filter((ref) => ref.startsWith("pkg:"));
  expect({ ...program, needs }).toEqual(list.root);
});

const LOCK: LockFile = {
  name: "app",
  version: "1.0.0",
  lockfileVersion: 3,
  packages: {
    "": { version: "1.0.0", license: "MIT", dependencies: { "@s/a": "^1", b: "*" } },
    "node_modules/@s/a": {
      version: "1.1.0",
      license: "(MIT OR Apache-2.0)",
      integrity: `sha512-${Buffer.alloc(64, 7).toString("base64")}`,
      dependencies: { b: "^1" },
      optionalDependencies: { gone: "1" },
    },
    "node_modules/@s/a/node_modules/b": { version: "1.0.0", license: "SEE LICENSE IN LICENSE" },
    "node_modules/b": { version: "2.0.0", optional: true, dependencies: { c: "1", tool: "1" } },
    "node_modules/c": { version: "1.0.0", peerDependencies: { b: "2" } },
    "node_modules/tool": { version: "9.0.0", dev: true },
  },
};

test("each package means the nearest one of a name; what only development needs is left out", () => {
  const { root, packages } = packagesOfLock(LOCK);
  expect(root.needs).toEqual(["pkg:npm/%40s/a@1.1.0", "pkg:npm/b@2.0.0"]);
  expect(packages.map(({ purl, needs }) => [purl, needs])).toEqual([
    ["pkg:npm/%40s/a@1.1.0", ["pkg:npm/b@1.0.0"]],
    ["pkg:npm/b@1.0.0", []],
    ["pkg:npm/b@2.0.0", ["pkg:npm/c@1.0.0"]],
    ["pkg:npm/c@1.0.0", ["pkg:npm/b@2.0.0"]],
  ]);
  const bill = billOf(sbomText({ subject: root, packages, others: [] }));
  expect(bill.components.map(({ licenses }) => licenses)).toEqual([
    [{ expression: "(MIT OR Apache-2.0)" }],
    [{ license: { name: "SEE LICENSE IN LICENSE" } }],
    undefined,
    undefined,
  ]);
  expect(bill.components.map(({ scope }) => scope)).toEqual([
    "required",
    "required",
    "optional",
    "required",
  ]);
  expect(() => packagesOfLock({ ...LOCK, lockfileVersion: 2 })).toThrow("another version");
});

test("any other input is another serial number; the order of the inputs is none", () => {
  const { root, packages } = packagesOfLock(LOCK);
  const serial = (list: typeof packages): string =>
    billOf(sbomText({ subject: root, packages: list, others: [] })).serialNumber;
  expect(serial(packages.toReversed())).toBe(serial(packages));
  expect(serial(packages.slice(1))).not.toBe(serial(packages));
  expect(serial(packages)).toMatch(/^urn:uuid:[0-9a-f]{8}-[0-9a-f]{4}-8[0-9a-f]{3}-[89ab]/);
});

// --- projects ---

class Person {
  readonly project = toolFolder({
    ".mcp.json": JSON.stringify({
      mcpServers: {
        pinned: { command: "npx", args: ["-y", "@scope/server@1.2.3"], env: { API_TOKEN: SECRET } },
        open: { command: "npx", args: ["-y", "server"] },
        image: { command: "docker", args: ["run", "-i", `owner/image@sha256:${"0".repeat(64)}`] },
        remote: { type: "http", url: "https://mcp.example/path?x=1" },
        own: { command: "npx", args: ["-y", "yaml@2.9.1"] },
      },
    }),
    ".claude/agents/reviewer.md": "---\nname: reviewer\ndescription: Reviews\n---\nReview.\n",
    "AGENTS.md": "Be brief.\n",
  });
  readonly home = join(temporaryFolder(), "home");

  async run(...words: readonly string[]) {
    let [out, err] = ["", ""];
    const code = await runCli(words, {
      environment: { RTT_HOME: this.home, RTT_PROJECT: this.project },
      writeOut: (text) => (out += text),
      writeError: (text) => (err += text),
    });
    return { code, out, err };
  }
}

async function scanned(): Promise<Person> {
  const person = new Person();
  await person.run("init", person.project);
  await person.run("scan");
  return person;
}

test("a project's bill has its symbols by digest, the packages of its servers, and this program", async () => {
  const person = await scanned();
  const { out } = await person.run("export", "--sbom");
  const bill = billOf(out);
  expect((await person.run("export", "--sbom")).out).toBe(out);
  const at = (ref: string): Component => {
    const found = bill.components.find((one) => one["bom-ref"] === ref);
    if (found === undefined) throw new Error(`${ref} is not in the bill`);
    return found;
  };
  const { symbols } = JSON.parse((await person.run("ls", "--json")).out) as {
    readonly symbols: readonly { readonly address: string; readonly id: string }[];
  };
  for (const { address, id } of symbols) {
    expect(at(address).hashes).toEqual([{ alg: "SHA-256", content: id }]);
  }
  const server = (name: string): string => `rtt://local/mcp-server/${name}@1.0.0`;
  const needs = (ref: string) => bill.dependencies.find((one) => one.ref === ref)?.dependsOn;
  expect(needs(server("pinned"))).toEqual(["pkg:npm/%40scope/server@1.2.3"]);
  expect(needs(server("own"))).toEqual(["pkg:npm/yaml@2.9.1"]);
  expect(needs(server("image"))).toEqual([`pkg:docker/owner/image@sha256:${"0".repeat(64)}`]);
  expect(at(server("open")).properties).toContainEqual({
    name: "mxp:unpinned",
    value: "pkg:npm/server",
  });
  expect(at(server("remote")).properties).toContainEqual({
    name: "mxp:origin",
    value: "https://mcp.example",
  });
  expect(at("pkg:npm/yaml@2.9.1").licenses).toBeDefined();
  expect(at("pkg:npm/mxp@0.1.0").name).toBe("mxp");
  expect(needs("mxp:project")).toHaveLength(symbols.length + 1);
  expect(out).not.toContain(SECRET);
});

test("the bill goes to a file where one is named, and is one object of JSON otherwise", async () => {
  const person = await scanned();
  const file = join(temporaryFolder(), "sbom.cdx.json");
  const told = await person.run("export", "--sbom", file, "--json");
  const { path, serialNumber } = JSON.parse(told.out) as Record<string, string>;
  const bill = billOf(readFileSync(file, "utf8"));
  expect([path, serialNumber]).toEqual([file, bill.serialNumber]);
  const json = await person.run("export", "--sbom", "--json");
  expect(JSON.parse(json.out)).toEqual(bill);
});

test("what is in the registry and cannot be verified stops it, and one thing is exported at a time", async () => {
  const person = await scanned();
  expect((await person.run("export")).err).toContain("Nothing says what to export");
  expect((await person.run("export", "--sbom", "--oci", "x")).err).toContain("one thing at a time");
  writeFileSync(join(person.project, ".rtt/registry/index.json"), "{}");
  const { code, err } = await person.run("export", "--sbom");
  expect(code).not.toBe(0);
  expect(err).toMatch(/signature-|invalid/);
});
