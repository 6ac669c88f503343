/** The call that a verb or a door asks for, and what it is told of it. Arguments and results stay the bytes they are. */
import { toWire } from "../../shared/gateway/frames.ts";
import type { NamedCallRequest } from "../../shared/gateway/host.ts";
import type { HostCallResult } from "../../shared/gateway/host-call.ts";
import { memberBytes, parseJson, scanObject, splice } from "../../shared/gateway/raw-json.ts";
import { Failure } from "../../shared/ports/failure.ts";

/** Reads the body of a call. Fails with `argument-invalid`, or because it is no JSON. */
export function readCall(body: Uint8Array): NamedCallRequest {
  const members = scanObject(body);
  const value = (name: string): unknown => {
    const bytes = memberBytes(body, members, name);
    return bytes === null ? undefined : parseJson(bytes);
  };
  const text = (name: string): string => {
    const given = value(name);
    if (typeof given === "string" && given !== "" && given.length <= 256) return given;
    throw invalid(`"${name}" must be a text of 1 to 256 characters`);
  };
  const count = (name: string): number | undefined => {
    const given = value(name);
    if (given === undefined) return undefined;
    if (typeof given === "number" && Number.isSafeInteger(given) && given > 0) return given;
    throw invalid(`"${name}" must be a positive whole number`);
  };
  const args = memberBytes(body, members, "arguments");
  const traceparent = value("traceparent");
  return {
    name: text("name"),
    client: text("client"),
    args: args ?? splice("{}"),
    depth: count("depth") ?? 1,
    timeoutMs: count("timeoutMs"),
    maxBytes: count("maxBytes"),
    traceparent: typeof traceparent === "string" ? traceparent : undefined,
  };
}

/** What whoever asked is told of a call; `result` is put in by the byte. */
export function callAnswer(result: HostCallResult): Uint8Array<ArrayBuffer> {
  const { facts, failure, contract } = result;
  const head = {
    ok: failure === null,
    correlationId: result.correlationId,
    tool: facts.tool,
    device: facts.device,
    outcome: facts.outcome,
    text: contract?.manifest.text ?? null,
    isTruncated: facts.isTruncated,
    attempts: result.attempts,
    decision: {
      host: facts.host?.decision ?? null,
      device: facts.served?.decision ?? null,
    },
    channel: facts.channel,
    receipt: result.receipt,
    elapsedUs: { host: result.elapsedUs, device: facts.served?.elapsedUs ?? null },
    failure: failure === null ? null : toWire(failure),
  };
  const text = JSON.stringify(head);
  return splice(text.slice(0, -1), `,"result":`, result.result ?? "null", "}");
}

export function invalid(message: string): Failure {
  return new Failure("argument-invalid", message, {
    origin: "local",
    remedy: "Send the JSON object that the verbs of `rtt` send.",
  });
}
