/**
 * Which tools a door shows: all, or those that a pattern chooses. A pattern is held against each name that a tool has:
 *
 *   desk__github_search     github.search, fs.read     github.search@1.2.0     rtt://mcp/github/tool/search@1.2.0
 */
import { CONTRACTS } from "../../shared/gateway/contract.ts";
import { toolAddress, toolVersion } from "../../shared/fabric/bridge/tool-description.ts";
import { type Glob, matchesGlob, parseGlob } from "../../shared/fabric/planner/glob.ts";
import { formatSymbolAddress } from "../../shared/fabric/symbol.ts";
import type { ShownTool } from "../node-face.ts";

export class Selection {
  readonly #globs: readonly Glob[];

  /** Without a pattern everything is chosen. */
  constructor(patterns: readonly string[]) {
    this.#globs = patterns.map(parseGlob);
  }

  get isAll(): boolean {
    return this.#globs.length === 0;
  }

  includes(tool: ShownTool): boolean {
    if (this.isAll) return true;
    const names = namesOf(tool);
    return this.#globs.some((glob) => names.some((name) => matchesGlob(glob, name)));
  }
}

/** Every name that a person may know a tool by. */
function namesOf({ name, tool }: ShownTool): readonly string[] {
  const { server, version } = tool;
  // A contract has a name of its own, but the tool behind it is the server's.
  const own = CONTRACTS.get(tool.name)?.manifest.binding.tool;
  const serverTool = tool.isBound ? own : tool.name.slice(server.length + 1);
  const address =
    serverTool === undefined ? null : toolAddress(server, serverTool, toolVersion(version));
  const names = [name, tool.name, `${tool.name}@${version}`];
  if (address === null) return names;
  const text = formatSymbolAddress(address);
  return [...names, text, text.slice(0, text.lastIndexOf("@"))];
}
