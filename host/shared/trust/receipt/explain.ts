/** Why a call ended as it did: the rules, the route and the time by phase, for `rtt why`. */
import type { DecisionRecord, ElapsedUs, ReceiptFacts } from "./fields.ts";

export interface Phase {
  readonly where: "host" | "device";
  readonly name: string;
  readonly us: number;
}

export interface ReceiptExplanation {
  readonly outcome: string;
  readonly rules: readonly string[];
  readonly route: string;
  readonly phases: readonly Phase[];
  /** Whether request and result arrived as they were sent. */
  readonly integrity: string;
  /** All of it as text, a line each. */
  readonly lines: readonly string[];
}

export function explainReceipt(facts: ReceiptFacts): ReceiptExplanation {
  const { tool, outcome, code, caps } = facts;
  const rules = [
    ...(facts.host === null ? [] : [ruleLine("host", facts.host.decision)]),
    ...(facts.served === null ? [] : [ruleLine("device", facts.served.decision)]),
  ];
  const phases = [
    ...phasesOf("host", facts.host?.elapsedUs ?? {}),
    ...phasesOf("device", facts.served?.elapsedUs ?? {}),
  ];
  const route = routeLine(facts);
  const integrity = integrityLine(facts);
  const ended = code === null ? outcome : `${outcome} (${code})`;
  const lines = [
    `${tool.name}@${tool.version} asked by ${facts.client}: ${ended}`,
    ...rules,
    `route: ${route}`,
    `limits: ${caps.timeoutMs} ms, ${caps.maxBytes} bytes, ${caps.maxDepth} deep`,
    `content: ${integrity}`,
    ...phases.map(({ where, name, us }) => `${where} ${name}: ${us} µs`),
  ];
  return { outcome: ended, rules, route, phases, integrity, lines };
}

function ruleLine(where: string, decision: DecisionRecord): string {
  const { effect, rule, reason, policy } = decision;
  const by = rule === null ? "no rule" : `rule "${rule}"`;
  return `${where}: ${effect} by ${by} of policy "${policy.id}" version ${policy.version}: ${reason}`;
}

function routeLine({ caller, device, channel }: ReceiptFacts): string {
  if (device === null) return `${caller}, no device`;
  if (channel === null) return `${caller} → ${device}, not connected`;
  return `${caller} → ${device} by ${channel.carrier}, ${channel.handshake}`;
}

function integrityLine({ sent, delivered, served, isTruncated }: ReceiptFacts): string {
  if (served === null) return "nothing reached a device";
  if (sent === null) return "the host has not signed";
  if (sent !== served.received) return "the device received another request than was sent";
  if (delivered === null) return "the request arrived as sent, no result was delivered";
  if (isTruncated) return "the request arrived as sent, the result was cut to the limit";
  if (delivered !== served.returned) return "the result was delivered in another form";
  return "request and result arrived as they were sent";
}

/** The longest first. */
function phasesOf(where: "host" | "device", elapsed: ElapsedUs): Phase[] {
  return Object.entries(elapsed)
    .map(([name, us]): Phase => ({ where, name, us }))
    .sort((a, b) => b.us - a.us);
}
