/**
 * `.rtt/topology.json`: the nodes that symbols run on, and which symbols run where.
 *
 *   { nodes: { "n1": { name, capacity: { cpu, mem_mb } } }, place: { "<address>": "n1" } }
 */
import type { JsonObject } from "../../trust/canonical-json.ts";
import type { Topology, TopologyNode } from "../planner/model.ts";
import { parseConfiguration } from "./document.ts";
import { entries } from "./member.ts";
import { needed, number, object, optional, record } from "./schema.ts";
import { ADDRESS, NODE_NAME, SCHEMA_MEMBER, TITLE } from "./texts.ts";

const NODES_MAX = 64;
const PLACES_MAX = 50_000;

export const TOPOLOGY_SCHEMA = object({
  $schema: SCHEMA_MEMBER,
  nodes: needed(
    record(
      NODE_NAME,
      object({
        name: optional(TITLE, "For people."),
        machine: optional(NODE_NAME, "Nodes of one machine share its memory and sockets."),
        capacity: optional(
          object({
            cpu: optional(number(0, 1_000_000), "Processors; 64 when it is missing."),
            mem_mb: optional(number(0, 1_000_000_000), "Memory; 65536 when it is missing."),
          }),
          "What it can carry.",
        ),
      }),
      NODES_MAX,
    ),
    "By id.",
  ),
  place: optional(record(ADDRESS, NODE_NAME, PLACES_MAX), "Which node a symbol runs on."),
});

/** Reads a topology. Fails with `config-invalid`. */
export function readTopologyFile(source: string, path: string): Topology {
  const document = parseConfiguration(source, path, "json", TOPOLOGY_SCHEMA);
  const nodes = new Map(
    entries(document.value["nodes"]).map(([id, node]) => [id, readNode(node as JsonObject)]),
  );
  if (nodes.size === 0) throw document.wrong(["nodes"], "too-few", "needs at least one node");
  const place = entries(document.value["place"]).map(([address, node]): [string, string] => {
    if (typeof node === "string" && nodes.has(node)) return [address, node];
    throw document.wrong(["place", address], "reference", "is none of the nodes");
  });
  return { nodes: Object.fromEntries(nodes), place: Object.fromEntries(place) };
}

function readNode({ capacity, machine }: JsonObject): TopologyNode {
  const { cpu, mem_mb: memoryMb } = (capacity ?? {}) as JsonObject;
  return {
    ...(typeof cpu === "number" ? { cpu } : {}),
    ...(typeof memoryMb === "number" ? { memoryMb } : {}),
    ...(typeof machine === "string" ? { machine } : {}),
  };
}
