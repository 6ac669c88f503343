/**
 * The parts that plans and generations have in common, read from JSON that is signed. Signed or not, nothing is taken
 * on trust: an address is an address, a path stays inside the project, and a list has one order and no two entries
 * for the same thing.
 */
import { Failure } from "../../ports/failure.ts";
import {
  isJsonObject,
  type Json,
  type JsonLimits,
  type JsonObject,
} from "../../trust/canonical-json.ts";
import { Shape } from "../../trust/shape.ts";
import { LANES } from "../lane-kind.ts";
import type { DigestText, PlanId, PlannedRoute } from "../plan.ts";
import { parseSymbolAddress } from "../symbol.ts";

/** A plan of 50,000 routes has about 12 MB; what is much larger is no plan. */
export const PLAN_LIMITS: JsonLimits = { bytesMax: 64 << 20, depthMax: 8 };

export const ROUTES_MAX = 200_000;
export const FILES_MAX = 200_000;
export const SYMBOLS_MAX = 200_000;

const PLAN_ID = /^sha256-[0-9a-f]{64}$/;
/** A node's id, or the name that topology.json gives it. */
const NODE_NAME = /^[A-Za-z0-9][A-Za-z0-9._:-]{0,127}$/;
const VIEW_NAME = /^[a-z0-9](?:[a-z0-9-]{0,62}[a-z0-9])?$/;
const PATH_CHARACTERS_MAX = 1024;

/** Whether a text is the id of a plan. Nothing else becomes part of a path. */
export function isPlanId(text: unknown): text is PlanId {
  return typeof text === "string" && PLAN_ID.test(text);
}

/** Whether a text may name a node in a placement. */
export function isNodeName(text: unknown): text is string {
  return typeof text === "string" && NODE_NAME.test(text);
}

/** Whether a text may name a view. */
export function isViewName(text: unknown): text is string {
  return typeof text === "string" && VIEW_NAME.test(text);
}

/** The one file of `.rtt` that views may hold: the published list of links. */
const LINKMAP = ".rtt/linkmap.json";
/** Control characters, what separates parts elsewhere, and what some disks leave out of a name (HFS+). */
// oxlint-disable-next-line no-control-regex
const FORBIDDEN = /[\u0000-\u001f\u007f-\u009f\\:\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff]/;
/** Where the registry, the log and the generations are, and where a file can make Git run a program. */
const KEPT_OUT = /^(?:\.(?:rtt|git)|(?:rtt|git)~\d+)$/;

/**
 * What is wrong with a path from the project's root, or null. Views never reach into `.rtt` or `.git`, not even in
 * another spelling on a disk that ignores case, or by the short name that Windows gives.
 */
export function pathProblem(path: unknown): string | null {
  if (typeof path !== "string" || path === "") return "is not a path";
  if (path.length > PATH_CHARACTERS_MAX) return `has more than ${PATH_CHARACTERS_MAX} characters`;
  if (!path.isWellFormed()) return "has half of a surrogate pair";
  if (FORBIDDEN.test(path)) return "has a character that no path of a view has";
  const parts = path.split("/");
  if (parts.some((part) => part === "" || part === "." || part === "..")) {
    return "does not stay inside the project";
  }
  if (path === LINKMAP) return null;
  // Windows drops dots and spaces at the end of a name, so `.rtt.` would be `.rtt` there.
  const spelled = parts.map((part) =>
    part
      .normalize("NFKC")
      .toLowerCase()
      .replace(/[. ]+$/, ""),
  );
  const kept = parts.find((_, at) => KEPT_OUT.test(spelled[at] as string));
  return kept === undefined ? null : `leads into ${JSON.stringify(kept)}`;
}

/** Negative when `a` comes before `b` in a plan: by code unit, the same everywhere. */
export function compareTexts(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}

export function compareRoutes(a: PlannedRoute, b: PlannedRoute): number {
  return compareTexts(a.from, b.from) || compareTexts(a.to, b.to) || compareTexts(a.lane, b.lane);
}

/** Makes the failure of a place and a problem. */
export type Fail = (where: string, problem: string) => Failure;

/** Reads the common parts of one kind of document. */
export class PartReader {
  readonly fail: Fail;
  readonly shape: Shape;
  /** Addresses that were read before: each stands in several places. */
  readonly #addresses = new Set<string>();

  constructor(fail: Fail) {
    this.fail = fail;
    this.shape = new Shape(fail, { listMax: FILES_MAX, textMax: 4096 });
  }

  list(value: Json | undefined, where: string, most: number): readonly Json[] {
    if (!Array.isArray(value)) throw this.fail(where, "is not a list");
    if (value.length > most) throw this.fail(where, `has more than ${most} entries`);
    return value;
  }

  /** An address in its one spelling. */
  address(value: Json | undefined, where: string): string {
    if (typeof value !== "string") throw this.fail(where, "is not an address");
    if (this.#addresses.has(value)) return value;
    try {
      parseSymbolAddress(value);
    } catch (thrown) {
      throw this.fail(where, `is not an address (${Failure.from(thrown).message})`);
    }
    this.#addresses.add(value);
    return value;
  }

  /** Routes, each once, in their order. */
  routes(value: Json | undefined, where: string): readonly PlannedRoute[] {
    const routes = this.list(value, where, ROUTES_MAX).map((entry, at) => {
      const place = `${where}[${at}]`;
      const { from, to, lane } = this.shape.object(entry, place, ["from", "to", "lane"]);
      return {
        from: this.address(from, `${place}.from`),
        to: this.address(to, `${place}.to`),
        lane: this.shape.oneOf(lane, `${place}.lane`, LANES),
      };
    });
    routes.forEach((route, at) => {
      const before = routes[at - 1];
      if (before === undefined) return;
      if (before.from === route.from && before.to === route.to) {
        throw this.fail(`${where}[${at}]`, "is the route before it once more");
      }
      if (compareRoutes(before, route) > 0) throw this.fail(`${where}[${at}]`, "is out of order");
    });
    return routes;
  }

  /** Address → node. */
  placement(value: Json | undefined, where: string): Readonly<Record<string, string>> {
    return this.#byAddress(value, where, (node, place) => {
      if (!isNodeName(node)) throw this.fail(place, "is not the name of a node");
      return node;
    });
  }

  /** Address → digest of the object that it means. */
  symbols(value: Json | undefined, where: string): Readonly<Record<string, DigestText>> {
    return this.#byAddress(value, where, (digest, place) => this.shape.digest(digest, place));
  }

  #byAddress<T>(
    value: Json | undefined,
    where: string,
    read: (value: Json, place: string) => T,
  ): Readonly<Record<string, T>> {
    if (!isJsonObject(value)) throw this.fail(where, "is not an object");
    const entries = Object.entries(value);
    if (entries.length > SYMBOLS_MAX) {
      throw this.fail(where, `has more than ${SYMBOLS_MAX} members`);
    }
    return Object.fromEntries(
      entries.map(([name, member]) => {
        const address = this.address(name, `${where}."${name.slice(0, 80)}"`);
        return [address, read(member, `${where}."${address}"`)];
      }),
    );
  }

  /** A path of a view, from the project's root. */
  path(value: Json | undefined, where: string): string {
    const problem = pathProblem(value);
    if (problem !== null) throw this.fail(where, problem);
    return value as string;
  }

  view(value: Json | undefined, where: string): string {
    if (!isViewName(value)) throw this.fail(where, "is not the name of a view");
    return value;
  }

  /** Checks that files are in order, each path once. */
  checkOrder(files: readonly { readonly path: string }[], where: string): void {
    files.forEach(({ path }, at) => {
      const before = files[at - 1];
      if (before !== undefined && compareTexts(before.path, path) >= 0) {
        throw this.fail(`${where}[${at}].path`, "is out of order or stands twice");
      }
    });
  }

  /** Checks that no file is a folder of another. */
  checkNesting(files: readonly { readonly path: string }[], where: string): void {
    const paths = new Set(files.map(({ path }) => path));
    for (const { path } of files) {
      for (let end = path.indexOf("/"); end !== -1; end = path.indexOf("/", end + 1)) {
        if (!paths.has(path.slice(0, end))) continue;
        throw this.fail(where, `has a file that lies in the file ${path.slice(0, end)}`);
      }
    }
  }

  digestOrNull(value: Json | undefined, where: string): DigestText | null {
    return this.shape.nullable(value, (text) => this.shape.digest(text, where));
  }

  /** Exactly these members. */
  members(value: Json | undefined, where: string, names: readonly string[]): JsonObject {
    return this.shape.object(value, where, names);
  }
}
