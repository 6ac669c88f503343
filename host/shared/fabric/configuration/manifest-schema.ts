/**
 * The form of published manifests, for editors and for CUE: symbols in `.rtt/manifests`, agents in `agents/common`. A
 * scan reads them (discovery/formats/rtt-manifest.ts), the planner their contracts (planner/contract.ts). What they do
 * not know of a manifest is kept as it is.
 */
import { SYMBOL_TYPES } from "../symbol.ts";
import { choice, list, needed, number, openObject, optional, type Schema, text } from "./schema.ts";
import { ADDRESS, CAPABILITY, TITLE, VERSION_RANGE } from "./texts.ts";

const LIST_MAX = 256;
const ANY_TEXT = text("[^\\x00]*", 65_536, "a text");
const AMOUNT = number(0, 1_000_000_000);
const CAPABILITIES = list(CAPABILITY, LIST_MAX);

const PORTS: Schema = list(
  openObject({
    name: needed(TITLE, "Its name."),
    schema: optional(TITLE, "What goes through it."),
  }),
  LIST_MAX,
);

const QOS = openObject({
  latency_budget_ms: optional(AMOUNT, "A route to or from it may take no longer."),
  throughput_qps: optional(AMOUNT, "Calls in a second; with cpu_weight what it needs."),
});

export const MANIFEST_SCHEMA = openObject({
  $schema: needed(choice("https://rtt/spec/v1"), "The form of this file."),
  symbol: needed(
    openObject({
      saddr: needed(ADDRESS, "Its address; the file is named after it."),
      type: needed(choice(...SYMBOL_TYPES), "As in the address."),
      direction: needed(choice("provider", "consumer", "both"), "Which side of a route it is."),
      capabilities: needed(CAPABILITIES, "What it can do, or needs."),
      inputs: optional(PORTS, "What it takes."),
      outputs: optional(PORTS, "What it gives."),
      qos: needed(QOS, "How fast it is, or has to be reached."),
      version_set: optional(VERSION_RANGE, "Versions of others that it gets along with."),
      auth: optional(
        openObject({
          mode: optional(choice("none", "token", "mtls", "caps"), "How it knows who calls."),
          scopes: optional(CAPABILITIES, "What a caller needs."),
        }),
        "Who may call.",
      ),
      tags: optional(openObject({}), "supports_shm, cpu_weight, mem_mb, and whatever else."),
    }),
    "The symbol.",
  ),
});

export const AGENT_SCHEMA = openObject({
  $schema: needed(choice("https://rtt/agent-manifest/v1"), "The form of this file."),
  id: needed(TITLE, "The file is <id>.agent.json."),
  name: optional(TITLE, "For people."),
  desc: optional(ANY_TEXT, "What it does."),
  instructions: optional(ANY_TEXT, "What it is told."),
  version: optional(TITLE, "1.0.0 when it is missing."),
  rtt_saddr: optional(ADDRESS, "Made of name and version when it is missing."),
  caps: optional(CAPABILITIES, "What it can do."),
  io: optional(openObject({}), "What it takes and gives."),
  qos: optional(QOS, "How fast it is."),
});
