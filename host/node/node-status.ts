/** What a running node says about itself: for `rtt doctor`, for health checks and for the page. */
import type { Failure } from "../shared/ports/failure.ts";
import type { PolicyInForce } from "../shared/gateway/permission.ts";
import { plainMessage } from "../shared/gateway/frames.ts";
import { addressOf, reachableHost } from "./network.ts";
import type { Health, NodeStatus, ShownPolicy } from "./node-face.ts";
import type { NodeParts } from "./node-parts.ts";

export function statusOf(parts: NodeParts): NodeStatus {
  const { identity, name, transport, options, host, device, dialers, policies } = parts;
  const { config } = options;
  const bound = transport.local;
  const shownPolicies = [...policies].map(
    ([role, watch]) => [role, showPolicy(watch.current)] as const,
  );
  return {
    id: identity.id,
    name,
    tenant: config.tenant,
    roles: config.roles,
    pid: process.pid,
    udp: {
      host: bound.host,
      port: bound.port,
      address: addressOf(identity, reachableHost(bound.host), bound.port),
    },
    capabilities: transport.capabilities,
    policies: Object.fromEntries(shownPolicies),
    devices: (host?.directory.list() ?? []).map(
      ({ id, name: deviceName, lane, tools, announced }) => ({
        id,
        name: deviceName,
        isOnline: lane !== null,
        tools: tools.size,
        announced,
        remote: lane?.peer.remote ?? null,
        carrier: lane?.peer.carrier ?? null,
        handshake: lane?.peer.handshake ?? null,
        rttUs: lane?.rttUs ?? null,
      }),
    ),
    hosts: [...dialers.values()].map((dialer) => ({
      address: dialer.address,
      state: dialer.state,
      ...troubleOf(dialer.lastFailure),
    })),
    servers: (device?.servers ?? []).map((server) => ({
      name: server.spec.name,
      state: server.state,
      pid: server.pid === 0 ? null : server.pid,
      tools: server.tools.length,
      restarts: server.restarts,
      ...troubleOf(server.lastFailure),
    })),
    callsRunning: host?.running ?? 0,
  };
}

/** A node is well when each role can do its work: not merely when its process runs. */
export function healthOf(parts: NodeParts): Health {
  const { policies, dialers, device, wiring, options, ports } = parts;
  const problems: string[] = [];
  for (const [role, { current }] of policies) {
    if (!("rules" in current)) problems.push(`${role} policy: ${plainMessage(current)}`);
    else if (ports.clock.wallMs() >= current.notAfterMs) problems.push(`${role} policy: expired`);
  }
  for (const server of device?.servers ?? []) {
    if (server.state !== "ready") problems.push(`server ${server.spec.name}: ${server.state}`);
  }
  problems.push(...(wiring?.problems() ?? []));
  for (const dialer of dialers.values()) {
    if (dialer.state !== "connected") problems.push(`host ${dialer.address}: ${dialer.state}`);
  }
  return {
    status: problems.length === 0 ? "ok" : "degraded",
    roles: options.config.roles,
    problems,
  };
}

function showPolicy(policy: PolicyInForce): ShownPolicy {
  if ("rules" in policy) {
    const { id, version, notAfterMs } = policy;
    return { id, version, notAfterMs, ...troubleOf(null) };
  }
  return { id: null, version: null, notAfterMs: null, ...troubleOf(policy) };
}

function troubleOf(failure: Failure | null): {
  readonly problem: string | null;
  readonly remedy: string | null;
} {
  return { problem: failure?.message ?? null, remedy: failure?.remedy ?? null };
}
