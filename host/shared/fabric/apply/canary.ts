/**
 * A plan in two steps: a share of its routes first, watched for a while, then the rest; or back, when the calls were
 * not as they have to be. Each step is a transaction and a generation of its own, so that a crash leaves either the
 * one before, the canary, or the whole, and whoever comes next takes back a canary that nobody watches any more.
 */
import { sleep } from "../../ports/clock.ts";
import { Failure } from "../../ports/failure.ts";
import type { StoredGeneration } from "../generation-file/generation-file.ts";
import type { Plan, SignedPlan } from "../plan.ts";
import type { RegistryPorts } from "../registry/ports.ts";
import type { Applied, Coordinator } from "./coordinator.ts";
import { breachOf, type CallSample, parseSlo, type SloCondition } from "./slo.ts";
import { planBack, planRest, planShare } from "./target.ts";

/** Knows how calls went. */
export interface HealthSource {
  /** All calls that were made since `generation` came into force and under it. */
  calls(generation: number): Promise<readonly CallSample[]>;
}

export interface CanaryOptions {
  readonly percent: number;
  readonly watchMs: number;
  /** What is expected of the calls; all of it counts. None: `SLO_DEFAULT`. */
  readonly conditions: readonly SloCondition[];
  readonly health: HealthSource;
  /** Given up by whoever watches: the canary is taken back. */
  readonly signal?: AbortSignal;
  readonly onProgress?: (progress: CanaryProgress) => void;
}

export interface CanaryProgress {
  readonly generation: number;
  readonly routes: number;
  readonly remainingMs: number;
  readonly calls: number;
}

/** What is expected where the policy says nothing. */
export const SLO_DEFAULT = "err<1%";

const LOOK_MS = 250;

/**
 * Applies a plan by way of a canary. Fails with `apply-reverted` when the canary did not keep what is expected, and
 * with `cancelled` when it was given up; then what was in force before is in force again.
 */
export async function applyCanary(
  ports: RegistryPorts,
  coordinator: Coordinator,
  plan: SignedPlan,
  options: CanaryOptions,
): Promise<Applied> {
  const conditions = options.conditions.length === 0 ? parseSlo(SLO_DEFAULT) : options.conditions;
  const before = await coordinator.current();
  const share = coordinator.sign(planShare(ports, plan, before, options.percent));
  const canary = await coordinator.apply({
    plan: share,
    purpose: "canary",
    of: plan.plan_id,
    restores: null,
    canaryPercent: options.percent,
  });
  const { clock } = ports;
  const endUs = clock.nowUs() + options.watchMs * 1000;
  for (;;) {
    const { generation } = canary.stored.generation;
    const remainingMs = Math.max(0, Math.ceil((endUs - clock.nowUs()) / 1000));
    const calls = await options.health.calls(generation);
    const breach = breachOf(conditions, calls);
    const routes = share.routes_add.length + share.routes_del.length;
    options.onProgress?.({ generation, routes, remainingMs, calls: calls.length });
    if (breach !== null) {
      await withdraw(ports, coordinator, share, before, canary.stored);
      throw breached(generation, breach);
    }
    if (options.signal?.aborted === true) {
      await withdraw(ports, coordinator, share, before, canary.stored);
      throw givenUp(generation);
    }
    if (remainingMs === 0) break;
    await sleep(clock, Math.min(LOOK_MS, remainingMs));
  }
  return coordinator.apply({
    plan: coordinator.sign(planRest(ports, plan, before, canary.stored)),
    purpose: "promotion",
    of: plan.plan_id,
    restores: null,
    canaryPercent: 100,
  });
}

/** Takes back a canary that whoever watched it has left behind; null when there is none. The caller holds the lock. */
export async function withdrawAbandoned(
  ports: RegistryPorts,
  coordinator: Coordinator,
): Promise<Applied | null> {
  const canary = await coordinator.current();
  if (canary === null || canary.generation.canaryPercent === 100) return null;
  const number = canary.generation.generation - 1;
  const before = number === 0 ? null : await coordinator.stored(number);
  const share = await coordinator.plan(canary.generation.plan);
  return withdraw(ports, coordinator, share, before, canary);
}

/** Puts what was in force before a canary in force again, as a generation of its own. */
function withdraw(
  ports: RegistryPorts,
  coordinator: Coordinator,
  share: Plan,
  before: StoredGeneration | null,
  canary: StoredGeneration,
): Promise<Applied> {
  return coordinator.apply({
    plan: coordinator.sign(planBack(ports, share, before, canary)),
    purpose: "withdrawal",
    of: share.plan_id,
    restores: before?.generation.generation ?? null,
    canaryPercent: 100,
  });
}

function givenUp(generation: number): Failure {
  return new Failure("cancelled", "The canary was taken back, as it was not watched to the end", {
    origin: "local",
    remedy: "Apply again, with a shorter --watch-ms if that is too long.",
    context: { generation },
  });
}

function breached(generation: number, breach: string): Failure {
  return new Failure("apply-reverted", `The canary was taken back: ${breach}`, {
    origin: "host",
    remedy: "See `rtt receipt list` for the calls that failed; then make another plan.",
    context: { generation, breach },
  });
}
