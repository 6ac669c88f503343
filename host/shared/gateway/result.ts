/**
 * From what a server returned to what is delivered: mapped by the contract, or relayed as it is; checked by schema;
 * cut at `maxBytes` and marked.
 */
import { Failure } from "../ports/failure.ts";
import { canonicalBytes, type JsonObject } from "../trust/canonical-json.ts";
import type { DeviceTool } from "./catalog.ts";
import { bindResult, cutText, resolvePointer, type ToolContract } from "./contract.ts";
import { parseJson, scanObject, splice } from "./raw-json.ts";

export interface Delivered {
  readonly bytes: Uint8Array;
  readonly isTruncated: boolean;
}

/** Makes the delivered result. Fails with `tool-failed`, `tool-protocol` or `tool-result-invalid`. */
export function deliver(tool: DeviceTool, returned: Uint8Array, maxBytes: number): Delivered {
  let result: unknown;
  try {
    scanObject(returned);
    result = parseJson(returned);
  } catch (thrown) {
    throw invalid(tool, "it is no strict JSON object", thrown);
  }
  return tool.contract === null
    ? relayed(tool, returned, result, maxBytes)
    : bound(tool, tool.contract, result, maxBytes);
}

function bound(
  tool: DeviceTool,
  contract: ToolContract,
  result: unknown,
  maxBytes: number,
): Delivered {
  if (resolvePointer(result, "/isError") === true) {
    const text = resolvePointer(result, "/content/0/text");
    throw new Failure("tool-failed", typeof text === "string" ? text.slice(0, 2000) : "no reason", {
      origin: "peer",
      context: { tool: tool.entry.name, server: tool.entry.server },
      remedy: "Read the server's message and correct the call.",
    });
  }
  const mapped = bindResult(contract.manifest, result, maxBytes);
  const problem = contract.checkResult(mapped);
  if (problem !== null) throw invalid(tool, problem);
  return {
    // Canonical, so that anyone can make the digest again from the values.
    bytes: canonicalBytes(mapped as JsonObject),
    isTruncated: mapped["truncated"] === true,
  };
}

function relayed(
  tool: DeviceTool,
  returned: Uint8Array,
  result: unknown,
  maxBytes: number,
): Delivered {
  // MCP asks for structured content only of a result that is no error.
  const isError = resolvePointer(result, "/isError") === true;
  if (tool.checkResult !== null && !isError) {
    const problem = tool.checkResult(resolvePointer(result, "/structuredContent"));
    if (problem !== null) throw invalid(tool, problem);
  }
  if (returned.length <= maxBytes) return { bytes: returned, isTruncated: false };
  return { bytes: cutRelayed(result, returned.length, maxBytes), isTruncated: true };
}

/** The texts of a result that is too large, as one text of at most `maxBytes`, in the form of a tool's result. */
function cutRelayed(result: unknown, size: number, maxBytes: number): Uint8Array {
  const content = resolvePointer(result, "/content");
  const texts = (Array.isArray(content) ? content : [])
    .map((block) => resolvePointer(block, "/text"))
    .filter((text) => typeof text === "string");
  const text = cutText(texts.join("\n"), maxBytes).text;
  return splice(
    JSON.stringify({
      content: [{ type: "text", text }],
      _meta: { "rtt/truncated": true, "rtt/bytes": size },
    }),
  );
}

function invalid(tool: DeviceTool, problem: string, cause?: unknown): Failure {
  return new Failure("tool-result-invalid", `the result does not fit its schema: ${problem}`, {
    origin: "peer",
    context: { tool: tool.entry.name, server: tool.entry.server },
    remedy: "Use a version of the server that keeps its own contract.",
    cause,
  });
}
