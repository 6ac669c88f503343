/**
 * Contracts of symbols: read from the published manifests, and the default of whatever has none.
 *
 *   { "symbol": { "saddr", "type", "direction", "capabilities", "inputs": [{ "name", "schema" }], "outputs",
 *                 "qos": { "latency_budget_ms", "throughput_qps" }, "version_set", "auth": { "mode", "scopes" },
 *                 "tags": { "supports_shm", "cpu_weight", "mem_mb" } } }
 */
import { Failure } from "../../ports/failure.ts";
import {
  canonicalText,
  isJsonObject,
  type Json,
  type JsonObject,
} from "../../trust/canonical-json.ts";
import { isVersionRange } from "../../trust/policy/versions.ts";
import { MEMORY_MB } from "./cost.ts";
import type { AuthMode, Contract, Direction, Port } from "./model.ts";

const DIRECTIONS: readonly Direction[] = ["provider", "consumer", "both"];
const AUTH_MODES: readonly AuthMode[] = ["none", "token", "mtls", "caps"];

/** The contract of a symbol that says nothing of itself: it may be on either side of any route. */
export function defaultContract(address: string): Contract {
  return {
    address,
    direction: "both",
    versionSet: "*",
    isVersionless: false,
    capabilities: [],
    inputs: [],
    outputs: [],
    latencyBudgetMs: null,
    throughputQps: 1,
    auth: null,
    hasShm: false,
    cpuWeight: 1,
    memoryMb: MEMORY_MB,
  };
}

/** The contract of a symbol whose object has this body: that of its manifest, or the default one. */
export function contractOf(address: string, body: Json): Contract {
  const symbol = isJsonObject(body) ? body["symbol"] : undefined;
  return isJsonObject(symbol) ? manifestContract(address, symbol) : defaultContract(address);
}

/** Fails with `plan-invalid` when a member has a value that cannot be meant. */
function manifestContract(address: string, symbol: JsonObject): Contract {
  const reader = new MemberReader(address);
  const qos = reader.object(symbol, "qos");
  const tags = reader.object(symbol, "tags");
  const fallback = defaultContract(address);
  return {
    ...fallback,
    direction: reader.choice(symbol, "direction", DIRECTIONS) ?? fallback.direction,
    versionSet: reader.range(symbol, "version_set") ?? fallback.versionSet,
    capabilities: reader.texts(symbol, "capabilities"),
    inputs: reader.ports(symbol, "inputs"),
    outputs: reader.ports(symbol, "outputs"),
    latencyBudgetMs: reader.amount(qos, "latency_budget_ms"),
    throughputQps: reader.amount(qos, "throughput_qps") ?? fallback.throughputQps,
    auth: authOf(reader, symbol),
    hasShm: reader.flag(tags, "supports_shm"),
    cpuWeight: reader.amount(tags, "cpu_weight") ?? fallback.cpuWeight,
    memoryMb: reader.amount(tags, "mem_mb") ?? fallback.memoryMb,
  };
}

function authOf(reader: MemberReader, symbol: JsonObject): Contract["auth"] {
  if (symbol["auth"] === undefined) return null;
  const auth = reader.object(symbol, "auth");
  return {
    mode: reader.choice(auth, "mode", AUTH_MODES) ?? "none",
    scopes: reader.texts(auth, "scopes"),
  };
}

/** Reads members of one manifest, so that each complaint names it. */
class MemberReader {
  readonly #address: string;

  constructor(address: string) {
    this.#address = address;
  }

  object(parent: JsonObject, name: string): JsonObject {
    const value = parent[name] ?? {};
    return isJsonObject(value) ? value : this.#refuse(name, "an object");
  }

  choice<Choice extends string>(
    parent: JsonObject,
    name: string,
    choices: readonly Choice[],
  ): Choice | null {
    const value = parent[name];
    if (value === undefined) return null;
    const found = choices.find((choice) => choice === value);
    return found ?? this.#refuse(name, `one of ${choices.join(", ")}`);
  }

  range(parent: JsonObject, name: string): string | null {
    const value = parent[name];
    if (value === undefined) return null;
    const isRange = typeof value === "string" && isVersionRange(value);
    return isRange ? value : this.#refuse(name, "a range of versions");
  }

  texts(parent: JsonObject, name: string): string[] {
    const value = parent[name] ?? [];
    if (!Array.isArray(value)) return this.#refuse(name, "a list of texts");
    return value.map((one) => (typeof one === "string" ? one : this.#refuse(name, "texts only")));
  }

  /** A port is { name, schema }; a schema that is not a text counts by its content. */
  ports(parent: JsonObject, name: string): Port[] {
    const value = parent[name] ?? [];
    if (!Array.isArray(value)) return this.#refuse(name, "a list");
    return value.map((one) => {
      if (!isJsonObject(one)) return this.#refuse(name, "a list of objects");
      const { name: port, schema = "" } = one;
      if (typeof port !== "string") return this.#refuse(name, "a list of objects with names");
      return { name: port, schema: typeof schema === "string" ? schema : canonicalText(schema) };
    });
  }

  amount(parent: JsonObject, name: string): number | null {
    const value = parent[name];
    if (value === undefined || value === null) return null;
    return typeof value === "number" && value >= 0 ? value : this.#refuse(name, "a number from 0");
  }

  /** Tags are also written as texts: "true". */
  flag(parent: JsonObject, name: string): boolean {
    const value = parent[name] ?? false;
    return value === true || value === "true";
  }

  #refuse(name: string, expected: string): never {
    throw new Failure(
      "plan-invalid",
      `In the manifest of ${this.#address}, "${name}" must be ${expected}`,
      {
        origin: "local",
        remedy: "Correct the manifest and scan again.",
        context: { address: this.#address, member: name },
      },
    );
  }
}
