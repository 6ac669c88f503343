/** The bill of materials of a project: its symbols, the servers that they run, and this program itself. */
import { basename } from "node:path";
import { packageOfServer } from "../../shared/fabric/release/server-package.ts";
import type { Registry, RegistryEntry } from "../../shared/fabric/registry/registry.ts";
import { formatSymbolAddress } from "../../shared/fabric/symbol.ts";
import { isJsonObject, type Json } from "../../shared/trust/canonical-json.ts";
import { engineComponent, packageList } from "./package-files.ts";
import type { NpmPackage } from "./package-list.ts";
import { type OtherComponent, sbomText } from "./sbom.ts";

/** Everything that the registry lists, verified; `root` is the project's folder, `own` this package's. */
export async function projectSbom(registry: Registry, root: string, own: string): Promise<string> {
  const others = new Map<string, OtherComponent>();
  const symbols: string[] = [];
  for (const entry of await registry.list()) {
    for (const component of await componentsOf(registry, entry))
      others.set(component.ref, component);
    symbols.push(formatSymbolAddress(entry.address));
  }
  const { root: program, packages } = packageList(own);
  const engine = engineComponent(own);
  if (engine !== null) others.set(engine.ref, engine);
  const main: NpmPackage = {
    ...program,
    needs: [...program.needs, ...(engine === null ? [] : [engine.ref])],
  };
  const subject: OtherComponent = {
    ...NOTHING_ELSE,
    ref: "mxp:project",
    type: "application",
    name: basename(root) || "project",
    needs: [main.purl, ...symbols],
  };
  const known = new Set([main, ...packages].map(({ purl }) => purl));
  return sbomText({
    subject,
    packages: [main, ...packages],
    others: [...others.values()].filter(({ ref }) => !known.has(ref)),
  });
}

const NOTHING_ELSE = {
  group: null,
  version: null,
  purl: null,
  sha256: null,
  properties: {},
  needs: [],
} as const;

/** A symbol, and the package that it runs where it is a server of one. */
async function componentsOf(
  registry: Registry,
  entry: RegistryEntry,
): Promise<readonly OtherComponent[]> {
  const { address, id, kind } = entry;
  const ref = formatSymbolAddress(address);
  const isJson = (await registry.store.formOf(id)) !== "blob";
  const stored = isJson ? await registry.find(address) : await registry.findBlob(address);
  const body: Json = "body" in stored ? stored.body : null;
  const runs = kind === "mcp-server" ? packageOfServer(body) : null;
  const symbol: OtherComponent = {
    ...NOTHING_ELSE,
    ref,
    type: kind === "mcp-server" ? "application" : "data",
    group: address.namespace,
    name: address.name,
    version: address.version,
    sha256: id,
    properties: {
      "mxp:kind": kind,
      ...(stored.signer === null ? {} : { "mxp:signer": stored.signer }),
      ...remoteOf(body),
      ...(runs !== null && runs.version === null ? { "mxp:unpinned": runs.purl } : {}),
    },
    needs: runs === null ? [] : [runs.purl],
  };
  if (runs === null) return [symbol];
  const split = runs.name.lastIndexOf("/");
  return [
    symbol,
    {
      ...NOTHING_ELSE,
      ref: runs.purl,
      type: runs.ecosystem === "docker" ? "container" : "library",
      group: split === -1 ? null : runs.name.slice(0, split),
      name: runs.name.slice(split + 1),
      version: runs.version,
      purl: runs.purl,
    },
  ];
}

/** Where a server runs elsewhere, without what its address may carry of secrets. */
function remoteOf(body: Json): Readonly<Record<string, string>> {
  const server = isJsonObject(body) ? body["server"] : undefined;
  const url = isJsonObject(server) ? server["url"] : undefined;
  if (typeof url !== "string" || !URL.canParse(url)) return {};
  return { "mxp:origin": new URL(url).origin };
}
