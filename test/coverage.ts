/**
 * Coverage of both halves against what docs/coverage.md demands: `npm run coverage -- [host] [engine]`.
 *
 *   --group NAME   runs only these tests of the hosts (repeatable); what was recorded before is kept
 *   --report       runs nothing and reads what was recorded last
 *   --missing P    names every line and arm of the hosts that was not executed, in files that begin with P
 *
 * Exits with 1 when an area has less than it must have, or when a test fails.
 */
import { spawnSync } from "node:child_process";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { exerciseHost, forgetHost, measureHost } from "./support/host-coverage/host.ts";
import {
  type FileCoverage,
  missingPlaces,
  percent,
  table,
  total,
} from "./support/wasm-coverage/report.ts";

const ROOT = join(import.meta.dirname, "..");

/** What an area must have, in percent of its lines and of its branches. */
interface Demand {
  readonly lines: number;
  readonly branches: number;
}

const SECURITY: Demand = { lines: 100, branches: 95 };
const CRITICAL: Demand = { lines: 95, branches: 85 };
const OTHER: Demand = { lines: 90, branches: 75 };

/** Tests that reach the hosts, in groups that run one after the other. */
const GROUPS: Readonly<Record<string, readonly string[]>> = {
  small: ["config", "endpoint", "engine", "telemetry", "transport"].map(
    (name) => `test/unit/${name}/`,
  ),
  node: ["test/unit/node/"],
  gateway: ["test/unit/gateway/"],
  trust: ["unit/trust/", "conformance/jcs", "conformance/sigstore", "conformance/tlog"].map(
    (name) => `test/${name}`,
  ),
  registry: ["test/unit/fabric/registry/", "test/conformance/oci-layout"],
  discovery: ["test/unit/fabric/discovery/"],
  planner: ["planner", "plan-file", "generation-file"].map((name) => `test/unit/fabric/${name}/`),
  configuration: ["configuration", "drafting", "migrate"].map(
    (name) => `test/unit/fabric/${name}/`,
  ),
  apply: ["test/unit/fabric/apply/", "test/conformance/model/trace"],
  view: ["test/unit/fabric/view/"],
  bridge: ["test/unit/fabric/bridge/", "test/unit/fabric/release/"],
  scenario: ["test/scenario/", "test/docs/"],
};

/** Everything between a request and its answer that decides about it, or writes down what was decided. */
const DECISION =
  /^host\/shared\/gateway\/(call-record|countersign|device-call|host-call|host|outcome|permission|receipt-book|settle|tool-path)\.ts$/;

/** What of the fabric is believed only once it was verified, and what decides that a tool is the reviewed one. */
const VERIFIED =
  /^host\/shared\/fabric\/(?:registry\/|plan-file\/|generation-file\/|bridge\/review\.ts$)/;

/** What makes a change of many files all or nothing, and the log that it goes on from. */
const APPLIED =
  /^host\/shared\/fabric\/apply\/(?:apply-lock|apply-log|coordinator|history|log-check|log-record|machine|run)\.ts$/;

const HOST_AREAS: readonly (readonly [string, RegExp, Demand])[] = [
  ["host/shared/trust", /^host\/shared\/trust\//, SECURITY],
  ["host/shared/transport", /^host\/shared\/transport\//, CRITICAL],
  ["host/shared/gateway, decisions and receipts", DECISION, CRITICAL],
  ["host/shared/gateway", /^host\/shared\/gateway\//, OTHER],
  ["host/shared/engine", /^host\/shared\/engine\//, OTHER],
  ["host/shared/config", /^host\/shared\/config\//, OTHER],
  ["host/shared/fabric, signed and verified", VERIFIED, SECURITY],
  ["host/shared/fabric, all or nothing", APPLIED, CRITICAL],
  ["host/shared/fabric/view/files", /^host\/shared\/fabric\/view\/files\//, CRITICAL],
  ["host/shared/fabric", /^host\/shared\/fabric\//, OTHER],
  ["host/shared/ports", /^host\/shared\/ports\//, OTHER],
  ["host/shared/telemetry", /^host\/shared\/telemetry\//, OTHER],
  ["host/node", /^host\/node\//, OTHER],
  ["host", /^host\//, OTHER],
];

const ENGINE_AREAS: Readonly<Record<string, Demand>> = {
  crypto: SECURITY,
  noise: SECURITY,
  certificate: SECURITY,
  wire: SECURITY,
  recovery: CRITICAL,
  stream: CRITICAL,
  connection: CRITICAL,
  endpoint: CRITICAL,
  base: OTHER,
};

const { values: options, positionals } = parseArgs({
  args: process.argv.slice(2),
  allowPositionals: true,
  options: {
    group: { type: "string", multiple: true },
    report: { type: "boolean", default: false },
    missing: { type: "string" },
  },
});
const wants = (half: string): boolean => positionals.length === 0 || positionals.includes(half);
const problems: string[] = [];

/** Notes when an area has less than it must have. */
function judge(name: string, lines: number, branches: number, demand: Demand): void {
  if (lines < demand.lines) problems.push(`${name}: ${lines} % of lines, not ${demand.lines}`);
  if (branches < demand.branches) {
    problems.push(`${name}: ${branches} % of branches, not ${demand.branches}`);
  }
}

function runHost(): void {
  if (options.group === undefined) forgetHost();
  for (const name of options.group ?? Object.keys(GROUPS)) {
    const tests = GROUPS[name];
    if (tests === undefined) {
      throw new Error(`no group "${name}"; the groups are ${Object.keys(GROUPS).join(", ")}`);
    }
    if (!exerciseHost(tests)) problems.push(`a test of the group ${name} failed`);
  }
}

function reportHost(): void {
  const files = measureHost();
  const areas: FileCoverage[] = [];
  for (const [name, pattern, demand] of HOST_AREAS) {
    const area = total(
      files.filter(({ file }) => pattern.test(file)),
      name,
    );
    areas.push(area);
    judge(name, percent(area.linesHit, area.lines), percent(area.armsHit, area.arms), demand);
  }
  console.log(table(files, areas));
  const { missing } = options;
  if (missing === undefined) return;
  const wanted = files.filter(({ file }) => file.startsWith(missing));
  for (const place of missingPlaces(wanted)) console.log(place);
}

/** The engine's own tool measures one area after the other. */
function runEngine(): void {
  for (const [name, demand] of Object.entries(ENGINE_AREAS)) {
    const argv = ["test/support/coverage.ts", "--json", name];
    const { stdout, status } = spawnSync(process.execPath, argv, {
      cwd: ROOT,
      encoding: "utf8",
      stdio: ["ignore", "pipe", "inherit"],
    });
    const area = `assembly/${name}`;
    if (status !== 0) {
      problems.push(`${area} could not be measured`);
      continue;
    }
    const { areas } = JSON.parse(stdout) as { areas: Record<string, Demand> };
    const { lines = 0, branches = 0 } = areas[area] ?? {};
    console.log(
      `${area.padEnd(44)}${lines.toFixed(1).padStart(6)}${branches.toFixed(1).padStart(18)}`,
    );
    judge(area, lines, branches, demand);
  }
}

if (wants("host")) {
  if (!options.report) runHost();
  reportHost();
}
if (wants("engine") && !options.report) runEngine();
for (const problem of problems) console.error(`coverage: ${problem}`);
process.exit(problems.length === 0 ? 0 : 1);
