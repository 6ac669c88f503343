/**
 * `rtt tools import` and `rtt tools review`: what servers say of their tools is taken into the registry once somebody
 * has looked at it, and from then on a tool that says something else is held until somebody has looked again.
 */
import { realpathSync } from "node:fs";
import { join } from "node:path";
import type { Command } from "commander";
import { type RegisteredTools, registerTools } from "../../shared/fabric/bridge/register-tools.ts";
import {
  descriptionMark,
  heldFailure,
  ReviewedTools,
  type ToolReview,
} from "../../shared/fabric/bridge/review.ts";
import { changeLines, visible } from "../../shared/fabric/bridge/tool-changes.ts";
import type { ToolDescription } from "../../shared/fabric/bridge/tool-description.ts";
import { type Glob, matchesGlob, parseGlob } from "../../shared/fabric/planner/glob.ts";
import { plainMessage } from "../../shared/gateway/frames.ts";
import { Failure } from "../../shared/ports/failure.ts";
import { nodeFiles } from "../files.ts";
import { currentProject, openRegistry, projectPanel } from "../project.ts";
import { statePaths } from "../state.ts";
import { trustPorts } from "../trust-ports.ts";
import {
  type Announced,
  askRunningNode,
  askServers,
  chosenServers,
  registeredServers,
} from "../wiring/announced.ts";
import { collect } from "./configuration.ts";
import type { CommandContext } from "./context.ts";
import { importBridge, importList } from "./tools-list.ts";

interface ReviewOptions {
  readonly accept?: readonly string[];
  readonly from?: string;
  readonly provider?: string;
  readonly passphraseFile?: string;
}

/** Exit codes: a tool is held; a server could not be asked. */
const HELD = 3;
const SILENT_SERVER = 6;

export function addToolReview(tools: Command, context: CommandContext): void {
  tools
    .command("import")
    .summary("take the tools of MCP servers into the registry")
    .description(
      "Runs the MCP servers of the registry, all or the named ones, and registers their tools, signed, with manifests " +
        "in .rtt/manifests; without a name also the lists of tools of connector-mcp/bridge.yaml. To import a server's tools for the first time is to review them: from then on a tool that " +
        "says something else is held, and so is one that was not there, until `rtt tools review --accept` lets it through.",
    )
    .argument("[server...]", "names or addresses of servers")
    .option("--from <tools.json>", "register the tools of a published list instead")
    .option("--provider <name>", "the provider of the tools of that list")
    .option("--passphrase-file <path>", "the passphrase of the identity")
    .action((servers: readonly string[], options: ReviewOptions) =>
      options.from === undefined
        ? review(context, servers, options, false)
        : importList(context, options.from, options.provider ?? "", options.passphraseFile),
    );
  tools
    .command("review")
    .summary("show what has changed about tools, and accept it")
    .description(
      "Compares what servers announce with what was reviewed, field by field; characters that nobody sees are shown as " +
        "code points. Asks the running node of this project, or runs the servers. --accept registers what is announced " +
        "now; with the mark that is shown, only if it still says the same.",
    )
    .argument("[server...]", "names or addresses of servers")
    .option(
      "--accept <tool>",
      "accept server/tool#mark, server/tool, or a pattern such as 'github/*'",
      collect,
    )
    .option("--passphrase-file <path>", "the passphrase of the identity")
    .action((servers: readonly string[], options: ReviewOptions) =>
      review(context, servers, options, true),
    );
}

async function review(
  context: CommandContext,
  wanted: readonly string[],
  options: ReviewOptions,
  isReview: boolean,
): Promise<void> {
  const project = currentProject(context);
  const isWriting = !isReview || options.accept !== undefined;
  const { passphraseFile } = options;
  const registry = await openRegistry(context, project, { isReadOnly: !isWriting, passphraseFile });
  const isStrict = (await projectPanel(project))["security.strict_manifests"];
  const reviewed = await ReviewedTools.read(registry);
  const known = await registeredServers(registry);
  const running = isReview
    ? await askRunningNode(statePaths(context.home).control, realpathSync(project.root))
    : null;
  const announced =
    running?.filter(({ server }) => wanted.length === 0 || wanted.includes(server)) ??
    (await askServers(registry, chosenServers(known, wanted), project.root, context.environment));
  const reviews = announced.flatMap(({ server, version, tools }) =>
    tools.map((tool) => reviewed.compare(server, version, tool)),
  );
  const chosen = isReview
    ? accepted(reviews, options.accept ?? [])
    : reviews.filter(({ state, hidden }) => state === "first" && hidden.length === 0);
  const folder = join(project.folder, "manifests");
  const fromServers = await registerTools(nodeFiles, registry, folder, chosen, reviewed);
  const isWhole = !isReview && wanted.length === 0;
  const registered = isWhole
    ? merged(fromServers, await importBridge(project, registry))
    : fromServers;
  const held = reviews.filter(
    (one) => !chosen.includes(one) && heldFailure(one, isStrict) !== null,
  );
  report(context, { announced, reviews, chosen, held, registered, isReview });
}

/** `server/tool` or a pattern, and what the tool must say: `work/echo#1f0c…`. */
interface Acceptance {
  readonly glob: Glob;
  readonly mark: string | null;
}

function acceptanceOf(text: string): Acceptance {
  const [, pattern = text, mark = null] = /^(.*)#([0-9a-f]{24})$/.exec(text) ?? [];
  return { glob: parseGlob(pattern), mark };
}

function isMeant({ glob, mark }: Acceptance, { provider, tool }: ToolReview): boolean {
  if (!matchesGlob(glob, `${provider}/${tool.name}`)) return false;
  return mark === null || mark === markOf(tool);
}

function markOf(tool: ToolDescription): string | null {
  return descriptionMark(trustPorts().digest, tool);
}

/** The reviews that the patterns accept. A server of which nothing was reviewed is accepted as it is offered. */
function accepted(reviews: readonly ToolReview[], patterns: readonly string[]): ToolReview[] {
  const acceptances = patterns.map(acceptanceOf);
  const open = reviews.filter(({ state }) => state !== "same");
  const missing = patterns.find((pattern) => {
    const acceptance = acceptanceOf(pattern);
    return !reviews.some((one) => isMeant(acceptance, one));
  });
  if (missing !== undefined) throw unknownTool(missing);
  const named = open.filter((one) => acceptances.some((acceptance) => isMeant(acceptance, one)));
  const first = new Set(named.filter(({ state }) => state === "first").map((one) => one.provider));
  const along = open.filter(
    (one) => first.has(one.provider) && one.state === "first" && one.hidden.length === 0,
  );
  return [...new Set([...named, ...along])];
}

function merged(a: RegisteredTools, b: RegisteredTools): RegisteredTools {
  return {
    addresses: [...a.addresses, ...b.addresses],
    replaced: [...a.replaced, ...b.replaced],
    keptManifests: [...a.keptManifests, ...b.keptManifests],
    problems: [...a.problems, ...b.problems],
  };
}

interface Outcome {
  readonly announced: readonly Announced[];
  readonly reviews: readonly ToolReview[];
  readonly chosen: readonly ToolReview[];
  readonly held: readonly ToolReview[];
  readonly registered: RegisteredTools;
  readonly isReview: boolean;
}

function report(context: CommandContext, outcome: Outcome): void {
  const { announced, reviews, chosen, held, registered } = outcome;
  const silent = announced.filter(({ failure }) => failure !== null);
  context.answer(
    {
      servers: announced.map(({ server, version, tools, failure }) => {
        return { server, version, tools: tools.length, failure };
      }),
      tools: reviews.map((one) => {
        const { provider, tool, version, state, changes, hidden } = one;
        const isHeld = held.includes(one);
        const mark = markOf(tool);
        return { server: provider, tool: tool.name, version, state, isHeld, mark, changes, hidden };
      }),
      registered: registered.addresses,
      replaced: registered.replaced,
      keptManifests: registered.keptManifests,
      problems: registered.problems,
    },
    [
      ...silent.map(({ server, failure }) => `${server}: ${plainMessage(failure as Failure)}`),
      ...registered.problems.map(plainMessage),
      ...chosen.flatMap((one) => (one.state === "first" ? [] : reviewLines(one, "accepted"))),
      ...held.flatMap((one) => reviewLines(one, "held")),
      ...registered.keptManifests.map((name) => `${name} was edited, and stays as it is.`),
      summary(outcome),
    ].join("\n"),
  );
  if (held.length > 0) context.exitWith(HELD);
  else if (silent.length > 0) context.exitWith(SILENT_SERVER);
}

/** A tool and all that a person has to know to decide about it. */
function reviewLines(one: ToolReview, what: string): readonly string[] {
  const { provider, tool, state, changes, hidden, failure } = one;
  const lines =
    state === "changed"
      ? changes.flatMap(changeLines)
      : [
          ...(failure === null ? [] : [plainMessage(failure)]),
          `description: ${visible(tool.description).slice(0, 4000)}`,
          `arguments: ${visible(JSON.stringify(tool.inputSchema)).slice(0, 4000)}`,
        ];
  return [
    `${visible(`${provider}/${tool.name}`)}  ${state}, ${what}`,
    ...lines.map((line) => `  ${line}`),
    ...(what === "held" ? [`  --accept ${visible(nameOf(one))}`] : []),
    ...hidden.map((field) => `  ${field} has characters that nobody sees`),
  ];
}

function summary({ reviews, held, registered, isReview }: Outcome): string {
  const first = reviews.filter(({ state }) => state === "first").length;
  const same = reviews.filter(({ state }) => state === "same").length;
  const parts = [
    `${reviews.length} tools`,
    `${registered.addresses.length} registered`,
    `${same} as reviewed`,
    ...(isReview && first > 0 ? [`${first} of servers that nobody has reviewed`] : []),
    `${held.length} held`,
  ];
  const [one] = held;
  const hint =
    one === undefined
      ? ""
      : ` \`rtt tools review --accept ${visible(nameOf(one))}\` lets through what is shown here.`;
  return `${parts.join(", ")}.${hint}`;
}

/** What accepts exactly this. */
function nameOf({ provider, tool }: ToolReview): string {
  const mark = markOf(tool);
  return `${provider}/${tool.name}${mark === null ? "" : `#${mark}`}`;
}

function unknownTool(pattern: string): Failure {
  return new Failure("tool-unknown", `no server announces "${pattern.slice(0, 160)}" now`, {
    origin: "local",
    remedy: "`rtt tools review` shows what they announce, and how to accept it.",
  });
}
