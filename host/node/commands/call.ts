/** `rtt call`: calls one tool through the running node. */
import type { Command } from "commander";
import { fromWire } from "../../shared/gateway/frames.ts";
import {
  checkJson,
  memberBytes,
  parseJson,
  scanObject,
  splice,
} from "../../shared/gateway/raw-json.ts";
import { Failure } from "../../shared/ports/failure.ts";
import { utf8 } from "../../shared/trust/bytes.ts";
import { askNode, askNodeJson } from "../control.ts";
import type { ShownTool } from "../node-face.ts";
import { statePaths } from "../state.ts";
import type { CommandContext } from "./context.ts";

interface CallOptions {
  readonly args: string;
  readonly timeout?: string;
  readonly maxBytes?: string;
}

export function addCall(program: Command, context: CommandContext): void {
  program
    .command("call")
    .summary("call a tool")
    .description("Calls a tool of a paired node and prints its result.")
    .argument("<tool>", "a name of `rtt tools`, or a tool's own name when only one node has it")
    .option("--args <json>", "the arguments, as one JSON object", "{}")
    .option("--timeout <ms>", "how long to wait; policy may lower it")
    .option("--max-bytes <bytes>", "the largest result; more is cut and marked")
    .action((tool: string, options: CallOptions) => call(tool, options, context));
}

async function call(tool: string, options: CallOptions, context: CommandContext): Promise<void> {
  const { control } = statePaths(context.home);
  const args = utf8(options.args);
  try {
    checkJson(args);
  } catch (cause) {
    throw new Failure("argument-invalid", "--args holds no strict JSON", {
      origin: "local",
      remedy: `Quote it for the shell: --args '{"path":"/tmp/a"}'`,
      cause,
    });
  }
  const head = JSON.stringify({
    name: await doorNameOf(control, tool),
    client: "local",
    ...numberOption("timeoutMs", options.timeout),
    ...numberOption("maxBytes", options.maxBytes),
  });
  const answer = await askNode(control, {
    method: "POST",
    path: "/v1/calls",
    body: splice(head.slice(0, -1), `,"arguments":`, args, "}"),
  });
  report(answer, context);
}

/**
 * A tool's name at the door; a tool's own name is enough when only one node has it. What is not among the permitted
 * tools is left to the node, which knows whether it is denied or does not exist.
 */
async function doorNameOf(control: string, tool: string): Promise<string> {
  const request = { method: "GET", path: "/v1/tools?client=local" } as const;
  const { tools } = await askNodeJson<{ tools: readonly ShownTool[] }>(control, request);
  if (tools.some(({ name }) => name === tool)) return tool;
  const matching = tools.filter(
    ({ tool: { name, version } }) => tool === name || tool === `${name}@${version}`,
  );
  if (matching.length <= 1) return matching[0]?.name ?? tool;
  throw new Failure("argument-invalid", `${matching.length} nodes have a tool "${tool}"`, {
    origin: "local",
    remedy: `Choose one of ${matching.map(({ name }) => name).join(", ")}.`,
  });
}

function report(answer: Uint8Array, context: CommandContext): void {
  const members = scanObject(answer);
  const value = (name: string): unknown => parseJson(memberBytes(answer, members, name)!);
  const whole = parseJson(answer) as object;
  if (value("ok") === true) {
    context.answer(whole, textOf(value("result"), value("text")));
    return;
  }
  const failure = fromWire(value("failure"));
  // With --json the whole answer is on standard output already; the line on standard error says the same in short.
  if (context.isJson()) context.answer(whole, "");
  const receipt = value("receipt") as { readonly id: string } | null;
  throw receipt === null ? failure : withReceipt(failure, receipt.id);
}

function withReceipt(failure: Failure, id: string): Failure {
  return new Failure(failure.code, failure.message.replace(`${failure.code}: `, ""), {
    origin: failure.origin,
    remedy: `${failure.remedy} More: rtt why ${id}`,
    context: { ...failure.context, receipt: id },
  });
}

/** What a person wants to see of a result: its text where it has one. */
function textOf(result: unknown, textMember: unknown): string {
  const value = result as Record<string, unknown>;
  if (typeof textMember === "string") return String(value[textMember]);
  const content = Array.isArray(value["content"]) ? value["content"] : [];
  const texts = content
    .map((block: { readonly text?: unknown } | null) => block?.text)
    .filter((text) => typeof text === "string");
  return texts.length > 0 ? texts.join("\n") : JSON.stringify(result, null, 2);
}

function numberOption(name: string, text: string | undefined): Record<string, number> {
  if (text === undefined) return {};
  if (/^[1-9]\d{0,9}$/.test(text)) return { [name]: Number(text) };
  throw new Failure("argument-invalid", `"${text}" is no positive whole number`, {
    origin: "local",
    remedy: "Give a number of milliseconds or bytes.",
  });
}
