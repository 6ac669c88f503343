/** `rtt demo`: the main job on one machine, without configuration. `npm start` runs it. */
import type { Command } from "commander";
import { once } from "node:events";
import { askNodeJson } from "../control.ts";
import {
  hasRecovered,
  isDeniedBy,
  MainJob,
  type MainJobReport,
  type Narrator,
  runMainJob,
} from "../demo/main-job.ts";
import type { InviteAnswer } from "../node-face.ts";
import type { CommandContext } from "./context.ts";

interface DemoOptions {
  readonly once?: true;
}

const FAILED = 1;
const INTERRUPTED = 130;
/** How long the code on the last line is good for. */
const INVITATION_MS = 3_600_000;

export function addDemo(program: Command, context: CommandContext): void {
  program
    .command("demo")
    .summary("show the main job on this machine")
    .description(
      "Starts a host and a device as processes of their own, lets an MCP client make four calls " +
        "through `rtt mcp`, verifies the receipts, and shows it all on a page.",
    )
    .option("--once", "end after the calls, with exit code 0 when all came out as it has to")
    .action((options: DemoOptions) => demo(options, context));
}

async function demo(options: DemoOptions, context: CommandContext): Promise<void> {
  const tell: Narrator = context.isJson() ? () => {} : printStep;
  // A second machine can only join a host that it can reach; a single run stays on this one.
  const job = await MainJob.start(options.once ? "127.0.0.1:0" : "0.0.0.0:0");
  const stopped = stopSignal();
  try {
    const { host, device } = job;
    tell("Two nodes, processes of their own", [
      `host    ${host.ready.name}, process ${host.pid}, ${host.ready.udp.address}`,
      `device  ${device.ready.name}, process ${device.pid}, with a real MCP file server`,
      `state   ${job.world.root}`,
    ]);
    const report = await Promise.race([runMainJob(job, tell), stopped.then(() => null)]);
    if (report === null) {
      context.exitWith(INTERRUPTED);
      return;
    }
    if (!report.isOk) context.exitWith(FAILED);
    if (options.once) context.answer(summary(job, report), lastLines(report, HOW_TO_JOIN));
    else await stay(job, report, context, stopped);
  } finally {
    await job.close();
  }
}

/** Keeps the nodes and the page up until somebody ends it. */
async function stay(
  job: MainJob,
  report: MainJobReport,
  context: CommandContext,
  stopped: Promise<void>,
): Promise<void> {
  const invitation = await askNodeJson<InviteAnswer>(job.world.host.paths.control, {
    method: "POST",
    path: "/v1/invitations",
    body: JSON.stringify({ validMs: INVITATION_MS, host: null }),
  });
  const { page } = job.host.ready;
  const join = `To join a second machine, run there: rtt join ${invitation.code}`;
  const lines = lastLines(report, `Page: ${page}\nCtrl+C ends it.\n${join}`);
  context.answer({ ...summary(job, report), page, join: invitation.code }, lines);
  await stopped;
}

const HOW_TO_JOIN =
  "To join a second machine: here `rtt allow fs.read@^1`, `rtt up --host` and `rtt invite`; there " +
  "`rtt join <code>`, `rtt allow fs.read@^1 --folder <folder>` and `rtt up --device --folder <folder>`.";

function lastLines(report: MainJobReport, end: string): string {
  const verdict = report.isOk
    ? "All came out as it has to."
    : "SOMETHING CAME OUT WRONG; see above.";
  return `\n${verdict}\n${end}`;
}

/** The main job in one object: what scripts and tests look at. */
function summary(job: MainJob, report: MainJobReport): object {
  const { allowed, deniedByHost, deniedByDevice, recovered, receipts, tampering, wire } = report;
  const { host, device } = allowed.meta["rtt/elapsedUs"];
  const decision = allowed.meta["rtt/decision"].host;
  return {
    ok: report.isOk,
    carrier: "udp",
    handshake: report.handshake,
    mcp: report.revision,
    tool: "fs.read",
    bytes: Buffer.byteLength(allowed.text),
    sha256: report.sha256,
    receipt: {
      path: allowed.meta["rtt/receipt"]?.path ?? null,
      verified: receipts[0]?.isVerified === true,
      signers: receipts[0]?.signers ?? [],
    },
    policy: { id: decision?.policy.id ?? null, decision: decision?.effect ?? null },
    denied: {
      host: isDeniedBy("host", deniedByHost),
      device: isDeniedBy("device", deniedByDevice),
    },
    recovered: hasRecovered(job.world, recovered),
    tamperDetected: tampering.isDetected,
    wire: { datagrams: wire.datagrams, readable: wire.found },
    timingsUs: { client: allowed.elapsedUs, host, device },
    state: job.world.root,
  };
}

function printStep(step: string, lines: readonly string[]): void {
  process.stdout.write(`\n${step}\n${lines.map((line) => `   ${line}\n`).join("")}`);
}

/** Resolves at the first signal to stop. */
function stopSignal(): Promise<void> {
  const signals = (["SIGINT", "SIGTERM", "SIGHUP"] as const).map((name) => once(process, name));
  return Promise.race(signals).then(() => {});
}
