/**
 * A plan: what `rtt apply` will do, bound to the world that it was made for. The members of the published form keep
 * their published names; what the published form has no place for stands beside them.
 *
 *   plan_id     "sha256-<hex>" of the canonical plan with "sha256-PLACEHOLDER" in its place, without `sign`
 *   routes_add  who may reach whom from now on, sorted          routes_del  who no longer may, sorted
 *   order       "A1", "D1", …: the numbers of the two lists in the order in which they take effect
 *   placement   address → node
 *   sign        { alg, key_id, sig } over the same bytes as plan_id
 *   base        the generation that the plan starts from
 *   symbols     address → "sha256:<id>": which object each address means
 *   files       what becomes of which file of a view
 *
 * Nothing in it depends on when, where or in which order it was made: the same inputs give the same id everywhere.
 */
import type { Lane } from "./lane-kind.ts";

/** "sha256:" and 64 lower-case hexadecimal digits. */
export type DigestText = string;

/** "sha256-" and 64 lower-case hexadecimal digits. */
export type PlanId = string;

export interface PlannedRoute {
  /** Addresses as text, each with its version. */
  readonly from: string;
  readonly to: string;
  readonly lane: Lane;
}

/** What a plan starts from; a plan whose base is no longer in force is stale. */
export interface PlanBase {
  /** 0: nothing has been applied yet. */
  readonly generation: number;
  /** Digest of that generation's document; null for 0. */
  readonly digest: DigestText | null;
}

interface FileChange {
  /** From the project's root, with "/", without "." and "..". */
  readonly path: string;
  /** The view that shows it: "claude-code", "cursor", … */
  readonly view: string;
  /** What was observed there, null for nothing. Whatever else apply finds makes the plan stale. */
  readonly before: DigestText | null;
  /** What will be there, null for nothing. */
  readonly after: DigestText | null;
}

/** A whole file: another name of a read-only object of the registry, which `after` names. */
export interface LinkedFile extends FileChange {
  readonly how: "link";
}

/** Some fields of a file that is otherwise the user's. */
export interface MergedFile extends FileChange {
  readonly how: "merge";
  /** The object (kind "view-fields") that says which fields get which values; apply merges it into what is there. */
  readonly fields: DigestText;
}

/**
 * A file that views show no longer and that is all the user's again, or nothing: what a merge leaves of it, or a plain
 * file in place of a link that had taken the place of the user's own. The generation after does not name it.
 */
export interface RestoredFile extends FileChange {
  readonly how: "restore";
}

export type PlannedFile = LinkedFile | MergedFile | RestoredFile;

export interface Plan {
  readonly plan_id: PlanId;
  readonly routes_add: readonly PlannedRoute[];
  readonly routes_del: readonly PlannedRoute[];
  readonly order: readonly string[];
  readonly placement: Readonly<Record<string, string>>;
  readonly base: PlanBase;
  readonly symbols: Readonly<Record<string, DigestText>>;
  readonly files: readonly PlannedFile[];
}

/** A plan without the id that its content makes. */
export type PlanContent = Omit<Plan, "plan_id">;

export interface PlanSignature {
  readonly alg: "ed25519";
  /** The identity that signed, "z6Mk…". */
  readonly key_id: string;
  /** Standard base64. */
  readonly sig: string;
}

export interface SignedPlan extends Plan {
  readonly sign: PlanSignature;
}
