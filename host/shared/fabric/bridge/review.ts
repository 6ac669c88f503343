/**
 * Which tools were reviewed, and what is to be said of one that a server announces.
 *
 *   same         it is the reviewed one                          → offered
 *   changed      it says something else than was reviewed        → held
 *   new          others of this server were reviewed, it was not → held where manifests are strict
 *   first        nothing of this server was ever reviewed        → whoever imports it reviews it
 *   unreadable   its reviewed object cannot be believed, or it cannot be kept itself → held
 *
 * A description with characters that nobody sees is held in any case, until it is accepted by name.
 */
import type { Digest } from "../../ports/digest.ts";
import { Failure } from "../../ports/failure.ts";
import { toHex } from "../../trust/bytes.ts";
import { canonicalBytes } from "../../trust/canonical-json.ts";
import type { Registry } from "../registry/registry.ts";
import { formatSymbolAddress, symbolName } from "../symbol.ts";
import { hiddenFields, type ToolChange, toolChanges } from "./tool-changes.ts";
import {
  checkDescription,
  descriptionJson,
  isSameDescription,
  readToolBody,
  TOOL_KIND,
  type ToolDescription,
  toolVersion,
} from "./tool-description.ts";

/** 96 bits: a server that looks for two descriptions with one mark does not find them. */
const MARK_DIGITS = 24;

export type ReviewState = "same" | "changed" | "new" | "first" | "unreadable";

export interface ReviewedTool {
  readonly address: string;
  readonly tool: ToolDescription;
}

export interface ToolReview {
  readonly provider: string;
  /** As its address has it. */
  readonly version: string;
  readonly tool: ToolDescription;
  readonly state: ReviewState;
  /** What it is compared with. */
  readonly reviewed: ReviewedTool | null;
  readonly changes: readonly ToolChange[];
  /** Fields that have characters nobody sees. */
  readonly hidden: readonly string[];
  /** Why it is unreadable. */
  readonly failure: Failure | null;
}

/** What was reviewed of one server. */
interface ProviderBook {
  readonly tools: Map<string, ReviewedTool[]>;
  /** Objects that cannot be believed, by the name in their address. */
  readonly unreadable: Map<string, Failure>;
}

export class ReviewedTools {
  readonly #providers = new Map<string, ProviderBook>();

  /** Every tool that the registry has. An object that cannot be believed holds its tool; it hinders no other. */
  static async read(registry: Registry): Promise<ReviewedTools> {
    const reviewed = new ReviewedTools();
    for (const { address, kind } of await registry.list()) {
      const [space, provider, ...more] = address.namespace.split("/");
      if (kind !== TOOL_KIND || space !== "mcp" || provider === undefined || more.length > 0) {
        continue;
      }
      try {
        const content = readToolBody((await registry.find(address)).body);
        // A tool that is only named says nothing that could be compared.
        if (content !== null && content.provider === provider) {
          reviewed.add(provider, { address: formatSymbolAddress(address), tool: content.tool });
        }
      } catch (thrown) {
        reviewed.#book(provider).unreadable.set(address.name, Failure.from(thrown));
      }
    }
    return reviewed;
  }

  /** A server's tools as they came up first, except those that have to be accepted by name. */
  static seen(provider: string, address: string, tools: readonly ToolDescription[]): ReviewedTools {
    const seen = new ReviewedTools();
    for (const tool of tools) {
      try {
        checkDescription(tool);
        if (hiddenFields(tool).length === 0) seen.add(provider, { address, tool });
      } catch {
        // What cannot be kept cannot be compared either; it is unreadable whenever it is asked for.
      }
    }
    return seen;
  }

  /** Takes a tool for reviewed. */
  add(provider: string, tool: ReviewedTool): void {
    const { tools } = this.#book(provider);
    tools.set(tool.tool.name, [...(tools.get(tool.tool.name) ?? []), tool]);
  }

  /** Whether anything of a server was reviewed. */
  has(provider: string): boolean {
    return this.#providers.has(provider);
  }

  /** Every reviewed version of a tool. */
  versions(provider: string, tool: string): readonly ReviewedTool[] {
    return this.#providers.get(provider)?.tools.get(tool) ?? [];
  }

  /** Compares a tool that a server announces with what was reviewed. Never throws. */
  compare(provider: string, serverVersion: string, tool: ToolDescription): ToolReview {
    const known = { provider, version: toolVersion(serverVersion), tool };
    const bare = { ...known, reviewed: null, changes: [], hidden: [], failure: null };
    const book = this.#providers.get(provider);
    try {
      checkDescription(tool);
      const failure = book?.unreadable.get(symbolName(tool.name) ?? "");
      const versions = this.versions(provider, tool.name);
      const same = versions.find((one) => isSameDescription(one.tool, tool));
      if (same !== undefined) return { ...bare, state: "same", reviewed: same };
      const hidden = hiddenFields(tool);
      if (failure !== undefined && versions.length === 0) {
        return { ...bare, hidden, state: "unreadable", failure };
      }
      const reviewed = versions.at(-1);
      if (reviewed === undefined) {
        return { ...bare, hidden, state: book === undefined ? "first" : "new" };
      }
      const changes = toolChanges(reviewed.tool, tool);
      return { ...bare, hidden, state: "changed", reviewed, changes };
    } catch (thrown) {
      return { ...bare, state: "unreadable", failure: Failure.from(thrown) };
    }
  }

  #book(provider: string): ProviderBook {
    const present = this.#providers.get(provider);
    if (present !== undefined) return present;
    const book: ProviderBook = { tools: new Map(), unreadable: new Map() };
    this.#providers.set(provider, book);
    return book;
  }
}

/**
 * Names exactly what a tool says, so that whoever accepts it accepts what they have seen; null for what cannot be kept.
 */
export function descriptionMark(digest: Digest, tool: ToolDescription): string | null {
  try {
    checkDescription(tool);
  } catch {
    return null;
  }
  return toHex(digest.sha256(canonicalBytes(descriptionJson(tool)))).slice(0, MARK_DIGITS);
}

/** Why a tool must not be called before somebody has accepted it; null when it may be. */
export function heldFailure(review: ToolReview, isStrict: boolean): Failure | null {
  const { provider, tool, state, changes, hidden, failure } = review;
  const name = `${provider}/${tool.name}`;
  if (state === "same") return null;
  if (state === "unreadable") {
    return held(review, `what was reviewed of "${name}" cannot be read (${failure?.code ?? ""})`);
  }
  if (state === "changed") {
    const fields = changes.map(({ field }) => field).join(", ");
    return held(review, `"${name}" is not the tool that was reviewed: ${fields.slice(0, 200)}`);
  }
  if (hidden.length > 0) {
    const fields = hidden.join(", ").slice(0, 200);
    return held(review, `"${name}" has characters that nobody sees: ${fields}`);
  }
  if (state === "new" && isStrict) return held(review, `nobody has reviewed "${name}" yet`);
  return null;
}

function held({ provider, tool, state }: ToolReview, problem: string): Failure {
  const name = `${provider}/${tool.name}`;
  return new Failure("tool-held", problem, {
    origin: "policy",
    context: { tool: name, state },
    remedy: "Look at it with `rtt tools review`, which tells how to accept it.",
  });
}
