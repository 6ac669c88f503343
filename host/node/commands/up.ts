/** `rtt up`: starts a node with its roles and runs until it is told to stop. */
import type { Command } from "commander";
import { Failure } from "../../shared/ports/failure.ts";
import type { Logger } from "../../shared/telemetry/logger.ts";
import { readMcpServers } from "../tool-servers.ts";
import { nodeFiles } from "../files.ts";
import { openLog } from "../log.ts";
import { type RunningNode, startNode } from "../node.ts";
import { PAGE } from "../page/page.ts";
import { readPassphrase } from "../passphrase.ts";
import { projectOrNull } from "../project.ts";
import { recoverProject } from "../project-apply.ts";
import { openHome } from "../state.ts";
import { collect, configurationOf } from "./configuration.ts";
import type { CommandContext } from "./context.ts";

interface UpOptions {
  readonly host?: true;
  readonly device?: true;
  readonly name?: string;
  readonly tenant?: string;
  readonly listen?: string;
  readonly dial?: readonly string[];
  readonly folder?: readonly string[];
  readonly import?: string;
  readonly project: boolean;
  readonly httpPort?: string;
  readonly logLevel?: string;
  readonly passphraseFile?: string;
  readonly tap?: true;
  readonly whileInput?: true;
}

export function addUp(program: Command, context: CommandContext): void {
  program
    .command("up")
    .summary("start this node")
    .description(
      "Starts a node with its roles. A host calls tools; a device offers them and dials its hosts. In a project " +
        "(the current folder, or RTT_PROJECT) a device also runs the servers that the generation in force wires.",
    )
    .option("--host", "be a host")
    .option("--device", "be a device")
    .option("--name <name>", "the name that other nodes show")
    .option("--tenant <name>", "the tenant that this node serves")
    .option("--listen <host:port>", "where a host listens for devices (UDP)")
    .option("--dial <address>", "a host to dial, mxp://<key>@host:port; may be repeated", collect)
    .option("--folder <path>", "a folder that the file server offers; may be repeated", collect)
    .option("--import <file>", "run the mcpServers of this file, such as .mcp.json")
    .option("--no-project", "run nothing of the project that the current folder is in")
    .option("--http-port <port>", "port of the local HTTP door; 0 takes any")
    .option("--log-level <level>", "debug, info, warn, error or silent")
    .option("--passphrase-file <file>", "the passphrase of the identity")
    .option("--while-input", "stop when standard input ends, as whoever started this has")
    .option("--tap", "keep the last datagrams, so that the page shows what a wire-tap sees")
    .action((options: UpOptions) => up(options, context));
}

async function up(options: UpOptions, context: CommandContext): Promise<void> {
  const paths = openHome(context.home);
  const roles = [options.host ? "host" : "", options.device ? "device" : ""].filter(
    (role) => role !== "",
  );
  const config = configurationOf(paths.config, context.environment, {
    name: options.name,
    tenant: options.tenant,
    roles: roles.length === 0 ? undefined : roles,
    listen: options.listen,
    dial: options.dial,
    "device.folders": options.folder,
    "http.port": options.httpPort,
    "log.level": options.logLevel,
  });
  const log = openLog(config["log.level"]);
  const project = options.project ? projectOrNull(context) : null;
  if (project !== null) await endWhatIsOpen(context, options, log);
  const node = await startNode({
    config,
    paths,
    environment: context.environment,
    log,
    imported: options.import === undefined ? {} : readMcpServers(options.import),
    project,
    passphrase: await readPassphrase(nodeFiles, options.passphraseFile),
    page: PAGE,
    isTapped: options.tap === true,
  });
  await announce(node, context);
  stopOnSignals(node);
  if (options.whileInput) stopWithInput(node);
  await node.closed;
}

/** What a crash left open of a change is ended before its generation is read. What is in force is whole without it. */
async function endWhatIsOpen(
  context: CommandContext,
  { passphraseFile }: UpOptions,
  log: Logger,
): Promise<void> {
  try {
    await recoverProject(context, { passphraseFile });
  } catch (thrown) {
    const failure = Failure.from(thrown);
    // A node without an identity makes one, and has never changed anything.
    if (failure.code !== "identity-missing") log.warn("apply.unfinished", { failure });
  }
}

async function announce(node: RunningNode, context: CommandContext): Promise<void> {
  const status = await node.status();
  const { problems } = node.health();
  const answer = { ready: true, ...status, page: node.pageUrl, problems };
  context.answer(
    answer,
    [
      `${status.name} is up as ${status.roles.join(" and ")}: ${status.id}`,
      ...(status.roles.includes("host") ? [`  listens on   ${status.udp.address}`] : []),
      `  page         ${node.pageUrl}`,
      ...projectLine(node),
      ...problems.map((problem) => `  not ready    ${problem}`),
    ].join("\n"),
  );
}

/** What the node runs of its project, or why it runs nothing of it. */
function projectLine({ wiring, parts }: RunningNode): readonly string[] {
  const { project } = parts.options;
  if (wiring !== null) {
    const { root, generation } = wiring.shown();
    return [`  project      ${root}, generation ${generation}`];
  }
  if (project === undefined || project === null) return [];
  return [
    `  project      ${project.root}: only a device runs its servers (rtt up --host --device)`,
  ];
}

/** The first signal stops the node in good order, a second one at once. */
function stopOnSignals(node: RunningNode): void {
  let isStopping = false;
  const stop = (): void => {
    if (isStopping) process.exit(130);
    isStopping = true;
    void node.close();
  };
  for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const) process.on(signal, stop);
}

/** Whoever holds the other end of standard input may be killed without a word; then its end is the word. */
function stopWithInput(node: RunningNode): void {
  process.stdin.once("end", () => void node.close());
  process.stdin.resume();
  // The open input alone must not keep the process when the node is stopped otherwise.
  void node.closed.then(() => process.stdin.destroy());
}
