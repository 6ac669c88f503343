/**
 * What the published tools have made of other files, and make no more: it is put aside, since it stands where views
 * will show the same.
 *
 *   providers/<p>/.<p>/agents/*   links and proxies of agents; copies that have a `.link` beside them
 *   .rtt/linkmap.json             where those are
 *   .rtt/wal/*.wal.json, LATEST   the log
 */
import type { Files } from "../../ports/files.ts";
import { isJsonObject, parseJson } from "../../trust/canonical-json.ts";
import type { SymbolicLinks } from "./symbolic-links.ts";

export interface FoundFile {
  readonly kind: "file";
  readonly path: string;
}

export interface FoundLink {
  readonly kind: "link";
  readonly path: string;
  readonly target: string;
}

export interface TreePorts {
  readonly files: Files;
  readonly links: SymbolicLinks;
}

const PROXY_SCHEMA = "https://rtt/agent-proxy/v1";
const PROXY_BYTES_MAX = 4096;

/** Everything in a folder and below, links as links. Paths are from the root. */
export async function everythingIn(
  ports: TreePorts,
  root: string,
  folder: string,
): Promise<readonly (FoundFile | FoundLink)[]> {
  const found: (FoundFile | FoundLink)[] = [];
  for (const name of await ports.files.list(`${root}/${folder}`)) {
    const path = `${folder}/${name}`;
    const info = await ports.files.info(`${root}/${path}`);
    const target = info?.kind === "other" ? await ports.links.read(`${root}/${path}`) : null;
    if (target !== null) found.push({ kind: "link", path, target });
    else if (info?.kind === "file") found.push({ kind: "file", path });
    else if (info?.kind !== "other") found.push(...(await everythingIn(ports, root, path)));
  }
  return found;
}

/** What the projection script has put into a provider's folder; what is somebody's own stays. */
export async function projectedIn(
  ports: TreePorts,
  root: string,
  folder: string,
): Promise<readonly (FoundFile | FoundLink)[]> {
  const whole = await ports.links.read(`${root}/${folder}`);
  if (whole !== null) return [{ kind: "link", path: folder, target: whole }];
  const names = new Set(await ports.files.list(`${root}/${folder}`));
  const found: (FoundFile | FoundLink)[] = [];
  for (const name of names) {
    const path = `${folder}/${name}`;
    const target = await ports.links.read(`${root}/${path}`);
    if (target !== null) found.push({ kind: "link", path, target });
    else if (names.has(`${name}.link`) || (await isProxy(ports.files, `${root}/${path}`))) {
      found.push({ kind: "file", path });
    }
  }
  return found;
}

async function isProxy(files: Files, path: string): Promise<boolean> {
  const info = await files.info(path);
  if (info?.kind !== "file" || info.sizeBytes > PROXY_BYTES_MAX) return false;
  const bytes = await files.read(path);
  try {
    const value = bytes === null ? null : parseJson(bytes);
    return (
      isJsonObject(value ?? undefined) && (value as object)["$schema" as never] === PROXY_SCHEMA
    );
  } catch {
    return false;
  }
}

/** The files of the published log. */
export async function logIn({ files }: TreePorts, root: string): Promise<readonly FoundFile[]> {
  const folder = ".rtt/wal";
  const names = await files.list(`${root}/${folder}`);
  const entries = names.filter((name) => name.endsWith(".wal.json"));
  const latest = names.filter((name) => name === "LATEST" && entries.length > 0);
  return [...entries, ...latest].map((name) => ({ kind: "file", path: `${folder}/${name}` }));
}
