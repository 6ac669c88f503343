/**
 * The gate of a node in a project: lets through what was reviewed, holds what is not as it was reviewed, and leaves out
 * what is not wired.
 *
 * A server that nobody has reviewed was let in by whoever applied the plan: its tools count as seen, as they came up
 * first, and one that changes afterwards is held like a reviewed one.
 */
import { heldFailure, ReviewedTools, type ToolReview } from "../../shared/fabric/bridge/review.ts";
import type { ToolDescription } from "../../shared/fabric/bridge/tool-description.ts";
import type { SelectedServer } from "../../shared/fabric/bridge/wired-servers.ts";
import { symbolName } from "../../shared/fabric/symbol.ts";
import { Failure } from "../../shared/ports/failure.ts";
import {
  type GatedServer,
  OFFERED,
  type ToolGate,
  type ToolVerdict,
} from "../../shared/gateway/tool-gate.ts";

export class ReviewGate implements ToolGate {
  #reviewed = new ReviewedTools();
  #isStrict = true;
  #wired: ReadonlyMap<string, SelectedServer> = new Map();
  /** The first sight of each server that nobody has reviewed, by name and object. */
  readonly #seen = new Map<string, ReviewedTools>();

  /** Takes what was reviewed until now. */
  setReviewed(reviewed: ReviewedTools, isStrict: boolean): void {
    this.#reviewed = reviewed;
    this.#isStrict = isStrict;
  }

  /** Takes what is wired from now on. */
  setWired(servers: readonly SelectedServer[]): void {
    this.#wired = new Map(servers.map((server) => [server.name, server]));
    const keys = new Set(servers.map(keyOf));
    for (const key of this.#seen.keys()) if (!keys.has(key)) this.#seen.delete(key);
  }

  judge(server: GatedServer, tool: ToolDescription): ToolVerdict {
    const wired = this.#wired.get(server.name);
    if (wired?.tools != null && !wired.tools.has(symbolName(tool.name) ?? "")) {
      return { kind: "left-out" };
    }
    // A server of the configuration that was never reviewed is none of the project's business.
    if (wired === undefined && !this.#reviewed.has(server.name)) return OFFERED;
    const failure = heldFailure(this.review(server, tool), this.#isStrict);
    return failure === null ? OFFERED : { kind: "held", failure };
  }

  /** What is to be said of a tool. */
  review(server: GatedServer, tool: ToolDescription): ToolReview {
    const { name, version } = server;
    const wired = this.#wired.get(name);
    const book =
      wired === undefined || this.#reviewed.has(name)
        ? this.#reviewed
        : this.#firstSight(wired, server);
    const review = book.compare(name, version, tool);
    const isSeen = book !== this.#reviewed && review.state === "same";
    return isSeen ? { ...review, state: "first" } : review;
  }

  /** Why a server that comes up cannot give what is wired singly of it; null when it can. */
  problemOf(server: GatedServer, { tools: wanted }: SelectedServer): Failure | null {
    for (const [name, address] of wanted ?? []) {
      const tool = server.tools.find((one) => symbolName(one.name) === name);
      if (tool === undefined) return missing(server.name, address);
      const review = this.#reviewed.compare(server.name, server.version, tool);
      const failure = heldFailure(review, this.#isStrict);
      if (failure !== null) return failure;
    }
    return null;
  }

  #firstSight(wired: SelectedServer, { name, tools }: GatedServer): ReviewedTools {
    const key = keyOf(wired);
    const present = this.#seen.get(key);
    if (present !== undefined) return present;
    const seen = ReviewedTools.seen(name, wired.address, tools);
    this.#seen.set(key, seen);
    return seen;
  }
}

function missing(server: string, address: string): Failure {
  return new Failure("tool-unknown", `the server "${server}" has no tool for ${address}`, {
    origin: "peer",
    context: { server, address },
    remedy: "Look at what it has with `rtt tools review`, and plan again.",
  });
}

function keyOf({ name, digest }: SelectedServer): string {
  return `${name} ${digest}`;
}
