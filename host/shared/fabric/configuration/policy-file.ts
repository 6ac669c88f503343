/**
 * `.rtt/policy.json`: which routes may be, in either published form.
 *
 *   rtt-v1      { allow: [{ from, to, scopes }], pin: [{ route: "A -> B@v" }], qos: [{ match, latency_ms, prio }],
 *                 failover: [{ route: "A -> [B, C]", health: "p95<5ms,err<0.1%" }] }
 *   rtt-1.0.0   { allow, deny, pins: { "B": "v" }, qos: { "A": { latency_budget_ms, throughput_qps } },
 *                 failover: { "A": ["B", "C"] } }
 *
 * `deny` is read in both, and wins. A file without `allow` allows whatever it does not deny; `"allow": []` is nothing.
 */
import { isJsonObject, type JsonObject } from "../../trust/canonical-json.ts";
import { isVersionRange } from "../../trust/policy/versions.ts";
import type {
  AllowRule,
  DenyRule,
  FailoverRule,
  PinRule,
  QosRule,
  RoutePolicy,
} from "../planner/model.ts";
import { parseFailover, parsePin } from "../planner/rule-text.ts";
import { type ConfigurationDocument, type MemberPath, parseConfiguration } from "./document.ts";
import { type ConfigurationNote, objects, texts } from "./member.ts";
import { either, list, needed, number, object, optional, record, whole } from "./schema.ts";
import {
  ADDRESS_GLOB,
  ARROW_GLOB,
  FAILOVER,
  HEALTH,
  PIN,
  SCHEMA_MEMBER,
  SCOPE,
  UNVERSIONED,
  VERSION_RANGE,
} from "./texts.ts";

const RULES_MAX = 1000;
const ALTERNATIVES_MAX = 16;
const LATENCY_MS_MAX = 3_600_000;
/** The published 0 is the most urgent. */
const PRIO_MAX = 8;

const FROM = needed(ADDRESS_GLOB, "Who reaches: a pattern over addresses.");
const TO = needed(ADDRESS_GLOB, "Who is reached: a pattern over addresses.");
const LATENCY = number(0.001, LATENCY_MS_MAX);
const PRIO = optional(whole(0, PRIO_MAX), "0 is the most urgent, 8 counts like no rule.");

export const POLICY_SCHEMA = object({
  $schema: SCHEMA_MEMBER,
  allow: optional(
    list(
      object({
        from: FROM,
        to: TO,
        scopes: optional(list(SCOPE, 64, 1), "What the consumer may do there; * or nothing: all."),
      }),
      RULES_MAX,
    ),
    "Who may reach whom. Missing: everybody, but for deny; empty: nobody.",
  ),
  deny: optional(list(object({ from: FROM, to: TO }), RULES_MAX), "Wins over allow."),
  pin: optional(
    list(object({ route: needed(PIN, '"A -> B@1.2.3"') }), RULES_MAX),
    "Which version of B those reach who match A.",
  ),
  pins: optional(
    record(UNVERSIONED, VERSION_RANGE, RULES_MAX),
    "The same for everybody: address without version to version. Instead of pin.",
  ),
  qos: optional(
    either(
      list(
        object({
          match: needed(ARROW_GLOB, 'A pattern over either end, or "A -> B".'),
          latency_ms: optional(LATENCY, "The route may take no longer."),
          prio: PRIO,
        }),
        RULES_MAX,
      ),
      record(
        ADDRESS_GLOB,
        object({
          latency_budget_ms: optional(LATENCY, "Routes to or from it may take no longer."),
          throughput_qps: optional(number(0, 1_000_000), "Read, and without effect."),
          prio: PRIO,
        }),
        RULES_MAX,
      ),
    ),
    "How fast routes must be, and which matter most.",
  ),
  failover: optional(
    either(
      list(
        object({
          route: needed(FAILOVER, '"A -> [B, C]": the first that can be had.'),
          health: optional(HEALTH, "When a change that was applied is taken back."),
        }),
        RULES_MAX,
      ),
      record(ADDRESS_GLOB, list(ADDRESS_GLOB, ALTERNATIVES_MAX, 1), RULES_MAX),
    ),
    "Whom A reaches when the first cannot be had.",
  ),
});

export type HealthMetric = "p50" | "p95" | "p99" | "err";

/** What must hold of a route, or else it is not well: a latency in milliseconds, or a share of errors in percent. */
export interface HealthCondition {
  readonly metric: HealthMetric;
  readonly below: number;
}

export interface HealthRule {
  readonly from: string;
  readonly to: readonly string[];
  readonly conditions: readonly HealthCondition[];
}

export interface PolicyFile {
  readonly policy: RoutePolicy;
  readonly health: readonly HealthRule[];
  readonly notes: readonly ConfigurationNote[];
}

/** Reads a policy. Fails with `config-invalid`. */
export function readPolicyFile(source: string, path: string): PolicyFile {
  const document = parseConfiguration(source, path, "json", POLICY_SCHEMA);
  const { value } = document;
  if (value["pin"] !== undefined && value["pins"] !== undefined) {
    throw document.wrong(["pins"], "conflict", "says the same as pin: keep one of them");
  }
  return {
    policy: {
      allow: value["allow"] === undefined ? null : objects(value["allow"]).map(readAllow),
      deny: objects(value["deny"]).map(readDeny),
      pins: [...readPinList(document), ...readPinRecord(document)],
      qos: readQos(document),
      failover: readFailover(document).map(({ from, to }): FailoverRule => ({ from, to })),
    },
    health: readFailover(document).filter(({ conditions }) => conditions.length > 0),
    notes: notesOf(document),
  };
}

function readAllow(rule: JsonObject): AllowRule {
  const scopes = texts(rule["scopes"]);
  const { from, to } = readDeny(rule);
  return { from, to, scopes: scopes.length === 0 || scopes.includes("*") ? null : scopes };
}

function readDeny({ from, to }: JsonObject): DenyRule {
  return { from: from as string, to: to as string };
}

function readPinList(document: ConfigurationDocument): readonly PinRule[] {
  return objects(document.value["pin"]).map(({ route }, at) => {
    const pin = parsePin(route as string);
    if (pin !== null) return pin;
    const member = ["pin", String(at), "route"];
    throw document.wrong(member, "pattern", "names no version or range after its last @");
  });
}

function readPinRecord(document: ConfigurationDocument): readonly PinRule[] {
  return Object.entries(document.value["pins"] ?? {}).map(([to, range]) => {
    const version = range as string;
    if (isVersionRange(version)) return { from: "*", to, version };
    throw document.wrong(["pins", to], "pattern", "is no range of versions");
  });
}

function readQos(document: ConfigurationDocument): readonly QosRule[] {
  const { qos } = document.value;
  if (isJsonObject(qos)) {
    return Object.entries(qos).map(([match, rule]) =>
      qosRule(match, rule as JsonObject, "latency_budget_ms"),
    );
  }
  return objects(qos).map((rule) => qosRule(rule["match"] as string, rule, "latency_ms"));
}

function qosRule(match: string, rule: JsonObject, latency: string): QosRule {
  const prio = rule["prio"];
  return {
    match,
    latencyMs: (rule[latency] as number | undefined) ?? null,
    priority: prio === undefined ? null : PRIO_MAX + 1 - (prio as number),
  };
}

function readFailover(document: ConfigurationDocument): readonly HealthRule[] {
  const { failover } = document.value;
  if (isJsonObject(failover)) {
    return Object.entries(failover).map(([from, to]) => ({ from, to: texts(to), conditions: [] }));
  }
  return objects(failover).map((rule) => {
    // The pattern of the schema lets nothing through that is no failover.
    const route = parseFailover(rule["route"] as string) as FailoverRule;
    return { ...route, conditions: readHealth(rule["health"] as string | undefined) };
  });
}

function readHealth(source: string | undefined): readonly HealthCondition[] {
  if (source === undefined) return [];
  return source.split(",").map((part) => {
    const [metric = "", limit = ""] = part.trim().split("<");
    return { metric: metric as HealthMetric, below: Number.parseFloat(limit) };
  });
}

function notesOf(document: ConfigurationDocument): readonly ConfigurationNote[] {
  const { qos } = document.value;
  if (!isJsonObject(qos)) return [];
  return Object.entries(qos)
    .filter(([, rule]) => isJsonObject(rule) && rule["throughput_qps"] !== undefined)
    .map(([match]) => {
      const member: MemberPath = ["qos", match, "throughput_qps"];
      return {
        path: document.path,
        line: document.lineOf(member),
        message: "throughput_qps has no effect here: a symbol's own manifest says what it takes",
      };
    });
}
