/** Why a request is allowed or refused: every rule with what it says about the request. */
import { concerns, evaluate, forbids, permitsPlaces } from "./evaluate.ts";
import type { Decision, Effect, Policy, PolicyRequest, PolicyRule } from "./model.ts";

export interface RuleExplanation {
  readonly ruleId: string;
  readonly effect: Effect;
  /** Whether the rule speaks for or against this request. */
  readonly applies: boolean;
  readonly because: string;
}

export interface PolicyExplanation {
  readonly decision: Decision;
  readonly rules: readonly RuleExplanation[];
}

/** Decides `request` and explains each rule's part, in the order of the document. */
export function explainPolicy(
  policy: Policy,
  request: PolicyRequest,
  wallMs: number,
): PolicyExplanation {
  return {
    decision: evaluate(policy, request, wallMs),
    rules: policy.rules.map((rule) => explainRule(rule, request)),
  };
}

function explainRule(rule: PolicyRule, request: PolicyRequest): RuleExplanation {
  const { id: ruleId, effect, reason } = rule;
  if (!concerns(rule, request)) {
    const because = "It is about another principal, action, tool or version";
    return { ruleId, effect, applies: false, because };
  }
  const applies = effect === "deny" ? forbids(rule, request) : permitsPlaces(rule, request);
  const elsewhere = "It is about other folders or hosts than the call names";
  return { ruleId, effect, applies, because: applies ? reason : elsewhere };
}
