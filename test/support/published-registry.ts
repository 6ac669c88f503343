/** The registry that the published tools ship, made again from the vectors. */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { utf8 } from "../../host/shared/trust/bytes.ts";
import type { MemoryFiles } from "./memory-files.ts";

interface PublishedVectors {
  readonly cas: {
    readonly cases: readonly {
      readonly input: { readonly id: string };
      readonly canonical_utf8: string;
      readonly sha256: string;
    }[];
  };
  readonly cas_agents_ingest_wrapped: {
    readonly cases: readonly { readonly id: string; readonly sha256: string }[];
  };
  readonly mcp_tool_records: readonly {
    readonly canonical_utf8: string;
    readonly sha256: string;
  }[];
  readonly pack: {
    readonly len: number;
    readonly sha256: string;
    readonly lut: Readonly<Record<string, { readonly offset: number; readonly len: number }>>;
  };
  readonly ed25519: { readonly seed_hex: string; readonly pub_file: string };
}

const PATH = join(import.meta.dirname, "../vectors/origin-vectors-rtt-p2p.json");

export const PUBLISHED = (
  JSON.parse(readFileSync(PATH, "utf8")) as { readonly rtt: PublishedVectors }
).rtt;

/** Writes the published folder: bare agents and tool records, an index as a tool of theirs writes it, a key. */
export function writePublished(files: MemoryFiles, folder: string): void {
  for (const { sha256, canonical_utf8: text } of [
    ...PUBLISHED.cas.cases,
    ...PUBLISHED.mcp_tool_records,
  ]) {
    files.all.set(`${folder}/cas/sha256/${sha256}.json`, utf8(text));
  }
  const agents = PUBLISHED.cas.cases.map(({ input, sha256 }) => [
    `${input.id}@1.0.0`,
    `sha256:${sha256}`,
  ]);
  const [summarize, search] = PUBLISHED.mcp_tool_records.map(({ sha256 }) => `sha256:${sha256}`);
  const index = {
    agents: Object.fromEntries(agents) as Record<string, string>,
    mcp_tools: { "claude/summarize@1.0.0": summarize, "claude/search@1.0.0": search },
    skills: {},
    signers: ["ed25519:dev-ed25519"],
  };
  files.all.set(`${folder}/index.json`, utf8(JSON.stringify(index, null, 2)));
  files.all.set(`${folder}/trust/keys/dev-ed25519.pub`, utf8(PUBLISHED.ed25519.pub_file));
}
