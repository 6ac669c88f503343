/** `rtt doctor`: checks everything that a node needs, one line each, with what to do where something is missing. */
import { existsSync } from "node:fs";
import type { Command } from "commander";
import { loadConfig } from "../../shared/config/load.ts";
import { ERROR_CODES, Failure } from "../../shared/ports/failure.ts";
import { checkIdentityFile, readPublicIdentity } from "../../shared/trust/key-file.ts";
import { plainMessage } from "../../shared/gateway/frames.ts";
import { PolicyStore } from "../../shared/trust/policy/store.ts";
import { askNodeJson, readControl } from "../control.ts";
import { datagrams } from "../datagrams.ts";
import { loadEngine } from "../engine.ts";
import { exitCodeOf } from "../exit-codes.ts";
import type { NodeStatus, ShownWiring } from "../node-face.ts";
import { openHome, type StatePaths } from "../state.ts";
import { defaultServerProgram } from "../tool-servers.ts";
import { trustPorts } from "../trust-ports.ts";
import type { ShownServerTools } from "../wiring/wiring-face.ts";
import { configurationOf } from "./configuration.ts";
import type { CommandContext } from "./context.ts";

interface Check {
  readonly name: string;
  readonly isOk: boolean;
  readonly detail: string;
  readonly remedy: string | null;
  readonly code: Failure["code"] | null;
}

const OFFLINE = {
  problem: null,
  remedy: "Start `rtt up` on it; `rtt doctor` there says why it does not connect.",
};

const REVIEW = "Look at it with `rtt tools review`, and accept it if it is meant.";

export function addDoctor(program: Command, context: CommandContext): void {
  program
    .command("doctor")
    .summary("check what this node needs")
    .description("Checks program, state folder, identity, policies, network and the running node.")
    .action(() => doctor(context));
}

async function doctor(context: CommandContext): Promise<void> {
  const checks = [...(await machineChecks(context)), ...(await nodeChecks(context))];
  const failed = checks.find(({ isOk }) => !isOk);
  context.answer({ ok: failed === undefined, checks }, checks.map(lineOf).join("\n"));
  if (failed !== undefined) context.exitWith(exitCodeOf(failed.code ?? "internal"));
}

/** What is true of this machine whether or not a node runs. */
async function machineChecks(context: CommandContext): Promise<readonly Check[]> {
  let paths: StatePaths | null = null;
  return [
    await check("node", () => `${process.version} on ${process.platform}-${process.arch}`),
    await check("engine", () => {
      loadEngine();
      return "build/engine.wasm is there and compiles";
    }),
    await check("state", () => {
      paths = openHome(context.home);
      return context.home;
    }),
    await check("configuration", () => {
      const path = paths?.config ?? "";
      const config = existsSync(path)
        ? configurationOf(path, context.environment, {})
        : loadConfig({ yaml: null, environment: context.environment, flags: {} });
      return `roles ${config.roles.join(", ")}; ${existsSync(path) ? path : "defaults, no file"}`;
    }),
    await check("identity", async () => {
      const path = paths?.identity ?? "";
      await checkIdentityFile(trustPorts(), path);
      return (await readPublicIdentity(trustPorts(), path)).id;
    }),
    await check("file server", () => defaultServerProgram()),
    await check("udp", udpReport),
  ];
}

/** Binds a socket for a moment, to see what the system can do. */
async function udpReport(): Promise<string> {
  const socket = await datagrams.bind({ host: "127.0.0.1", port: 0 }, () => {});
  const { gso, gro, ecn, df, pktinfo } = socket.capabilities;
  await socket.close();
  const can = Object.entries({ gso, gro, ecn, df, pktinfo });
  const has = can.filter(([, isThere]) => isThere).map(([name]) => name);
  const lacks = can.filter(([, isThere]) => !isThere).map(([name]) => name);
  return `has ${has.join(", ") || "plain datagrams only"}; lacks ${lacks.join(", ") || "nothing"}`;
}

/** What is true of the node that runs, or would run. */
async function nodeChecks(context: CommandContext): Promise<readonly Check[]> {
  const paths = openHome(context.home);
  if (readControl(paths.control) === null) {
    return [
      await check("policies", () => policyReport(context.home)),
      await check("running", () => {
        throw new Failure("not-running", "no node runs for this state folder", {
          origin: "local",
          remedy: "Start one with `rtt up`.",
        });
      }),
    ];
  }
  const request = { method: "GET", path: "/v1/status" } as const;
  const status = await askNodeJson<NodeStatus>(paths.control, request);
  const checks = [
    await check("running", () => `${status.name}, process ${status.pid}, ${status.udp.address}`),
  ];
  for (const [role, policy] of Object.entries(status.policies)) {
    const detail = `${policy.id} version ${policy.version}`;
    checks.push(fact(`${role} policy`, policy.problem !== null, policy, detail, "policy-missing"));
  }
  for (const server of status.servers) {
    const isAway = server.state !== "ready";
    const detail = isAway ? server.state : `${server.tools} tools`;
    checks.push(fact(`server ${server.name}`, isAway, server, detail, "tool-crashed"));
  }
  for (const host of status.hosts) {
    const name = `host ${host.address.replace(/^.*@/, "")}`;
    const isAway = host.state !== "connected";
    checks.push(fact(name, isAway, host, host.state, "address-unreachable"));
  }
  for (const { name, isOnline, tools, handshake } of status.devices) {
    const detail = isOnline ? `${tools} tools, ${handshake}` : "it is not connected";
    checks.push(fact(`device ${name}`, !isOnline, OFFLINE, detail, "device-offline"));
  }
  return [...checks, ...(await wiringChecks(paths.control))];
}

/** What the node makes of its project; nothing for a node in none. */
async function wiringChecks(control: string): Promise<readonly Check[]> {
  const ask = <T>(path: string): Promise<T> => askNodeJson<T>(control, { method: "GET", path });
  const { wiring } = await ask<{ wiring: ShownWiring | null }>("/v1/wiring");
  if (wiring === null) return [];
  const { servers } = await ask<{ servers: readonly ShownServerTools[] }>("/v1/wiring/servers");
  const detail = `generation ${wiring.generation} of ${wiring.root}`;
  const troubles = wiring.problems.map(({ code, message, remedy }) =>
    fact("wiring", true, { problem: `${code}: ${message}`, remedy }, detail, code),
  );
  const held = servers.flatMap(({ tools }) =>
    tools.flatMap((tool) => (tool.held === null ? [] : [tool.held])),
  );
  return [
    ...(troubles.length === 0 ? [fact("wiring", false, OFFLINE, detail, "internal")] : troubles),
    ...held.map((problem) => fact("held tool", true, { problem, remedy: REVIEW }, "", "tool-held")),
  ];
}

/** Which policies of a stopped node would be in force. */
async function policyReport(home: string): Promise<string> {
  const ports = trustPorts();
  const store = new PolicyStore(ports, home);
  const roles = (["host", "device"] as const).filter((role) => existsSync(store.path(role)));
  if (roles.length === 0) {
    throw new Failure("policy-missing", "no policy is installed, so everything is denied", {
      origin: "policy",
      remedy: "Permit a tool with `rtt allow`, or install a policy with `rtt policy install`.",
    });
  }
  return `installed for ${roles.join(" and ")}; \`rtt up\` checks signature and validity`;
}

async function check(name: string, look: () => Promise<string> | string): Promise<Check> {
  try {
    return { name, isOk: true, detail: await look(), remedy: null, code: null };
  } catch (thrown) {
    const failure = Failure.from(thrown);
    const { code, remedy } = failure;
    return { name, isOk: false, detail: `${code}: ${plainMessage(failure)}`, remedy, code };
  }
}

/** What the node says of one of its parts; `code` names the kind of trouble where the node named none. */
function fact(
  name: string,
  isAmiss: boolean,
  told: { readonly problem: string | null; readonly remedy: string | null },
  detail: string,
  code: Failure["code"],
): Check {
  if (!isAmiss) return { name, isOk: true, detail, remedy: null, code: null };
  const named = ERROR_CODES.find((known) => told.problem?.startsWith(`${known}: `) === true);
  const remedy = told.remedy ?? "Wait a moment and look again.";
  return { name, isOk: false, detail: told.problem ?? detail, remedy, code: named ?? code };
}

function lineOf({ name, isOk, detail, remedy }: Check): string {
  const line = `${isOk ? "ok  " : "FAIL"}  ${name.padEnd(16)} ${detail}`;
  return remedy === null ? line : `${line}\n      ${"".padEnd(16)} → ${remedy}`;
}
