/** What holds where a project says nothing. */
import type { CurrentState, RoutePolicy, Topology } from "./model.ts";

/** One node without limits: nobody has said what this machine can bear. */
export const LOCAL_TOPOLOGY: Topology = {
  nodes: { local: { cpu: null, memoryMb: null } },
  place: {},
};

/** Whatever a project wants within itself is allowed; each call is still decided by the signed policy of its ends. */
export const OPEN_POLICY: RoutePolicy = { allow: null, deny: [], pins: [], qos: [], failover: [] };

export const NOTHING_IN_FORCE: CurrentState = { routes: [], placement: {} };
