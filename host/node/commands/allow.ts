/**
 * `rtt allow`: the short way to a policy. Adds a rule to this node's own policy, signs it with this node's key and puts
 * it in force; what an organisation signs elsewhere is left alone.
 */
import { realpathSync } from "node:fs";
import { resolve } from "node:path";
import type { Command } from "commander";
import { CALL_ACTION } from "../../shared/gateway/permission.ts";
import { Failure } from "../../shared/ports/failure.ts";
import {
  type Json,
  type JsonObject,
  parseDocument,
  parseJson,
} from "../../shared/trust/canonical-json.ts";
import { parseEnvelope } from "../../shared/trust/dsse.ts";
import type { Identity } from "../../shared/trust/identity.ts";
import { formatIdentityKey } from "../../shared/trust/key-text.ts";
import { openPolicy, signPolicy } from "../../shared/trust/policy/bundle.ts";
import { POLICY_KIND, readPolicyDocument } from "../../shared/trust/policy/document.ts";
import type { Policy, PolicyRule } from "../../shared/trust/policy/model.ts";
import { type Enforcer, type PolicyRole, PolicyStore } from "../../shared/trust/policy/store.ts";
import { addSigner } from "../../shared/trust/signers.ts";
import { readPassphrase } from "../passphrase.ts";
import { openHome } from "../state.ts";
import { openIdentity, trustPorts } from "../trust-ports.ts";
import { collect, configurationOf } from "./configuration.ts";
import type { CommandContext } from "./context.ts";

interface AllowOptions {
  readonly role?: PolicyRole;
  readonly client: string;
  readonly folder?: readonly string[];
  readonly days: string;
  readonly passphraseFile?: string;
}

const DAY_MS = 86_400_000;
/** Other clocks may be a little behind. */
const SKEW_MS = 60_000;

export function addAllow(program: Command, context: CommandContext): void {
  program
    .command("allow")
    .summary("permit a tool in this node's own policy")
    .description(
      "Adds a rule to this node's own policy, signs it and puts it in force at once. Both nodes " +
        "have to allow a call: the host asks its policy for the client, the device for the host.",
    )
    .argument("<tools...>", "names or prefixes, with a version range: fs.read@^1, files.*")
    .option("--role <role>", "only for this role, host or device; both without it")
    .option("--client <principal>", "who may: mcp:claude, local, a node's id, or a prefix", "*")
    .option("--folder <path>", "only below this folder; may be repeated", collect)
    .option("--days <count>", "how long the policy is valid from now on", "90")
    .option("--passphrase-file <file>", "the passphrase of the identity")
    .action((tools: readonly string[], options: AllowOptions) => allow(tools, options, context));
}

async function allow(
  tools: readonly string[],
  options: AllowOptions,
  context: CommandContext,
): Promise<void> {
  const ports = trustPorts();
  const paths = openHome(context.home);
  const passphrase = await readPassphrase(ports.files, options.passphraseFile);
  const identity = await openIdentity(ports, paths.identity, passphrase);
  await addSigner(ports.files, context.home, identity.publicKey);
  const { tenant } = configurationOf(paths.config, context.environment, {});
  const enforcer = { tenant, device: identity.id };
  const store = new PolicyStore(ports, context.home);
  const installed: object[] = [];
  for (const role of rolesOf(options)) {
    const file = await ports.files.read(store.path(role));
    const before = await ownPolicy(file, identity, enforcer);
    const rules = [...(before?.rules ?? []).map(ruleJson), newRule(tools, options, before)];
    const nowMs = ports.clock.wallMs();
    const document = {
      kind: POLICY_KIND,
      id: before?.id ?? `${role}-of-${identity.id.slice(-8)}`,
      version: (before?.version ?? 0) + 1,
      notBefore: nowMs - SKEW_MS,
      notAfter: nowMs + daysOf(options.days) * DAY_MS,
      rules,
    };
    const policy = await store.install(role, signPolicy(ports, document, identity.seed), enforcer);
    installed.push({ role, id: policy.id, version: policy.version, rules: policy.rules.length });
  }
  const where = options.folder === undefined ? "" : ` below ${options.folder.join(", ")}`;
  const who = options.client === "*" ? "everyone" : options.client;
  context.answer(
    { installed },
    `${who} may call ${tools.join(", ")}${where}; see \`rtt policy explain\`.`,
  );
}

function rolesOf({ role }: AllowOptions): readonly PolicyRole[] {
  if (role === undefined) return ["host", "device"];
  if (role === "host" || role === "device") return [role];
  throw usage(`"${String(role)}" is no role`, "Give --role host or --role device.");
}

/** The role's present policy, also when it has expired; null when there is none. It must be this node's own. */
async function ownPolicy(
  file: Uint8Array<ArrayBuffer> | null,
  identity: Identity,
  enforcer: Enforcer,
): Promise<Policy | null> {
  if (file === null) return null;
  const { payload, keyId } = parseEnvelope(parseDocument(file));
  if (keyId !== formatIdentityKey(identity.publicKey)) throw notOurs(keyId);
  return openPolicy(trustPorts(), file, {
    ...enforcer,
    signers: [identity.publicKey],
    wallMs: readPolicyDocument(parseJson(payload)).notBeforeMs,
    accepted: () => undefined,
  });
}

function notOurs(signer: string): Failure {
  return new Failure("signer-untrusted", "the policy here was signed by somebody else", {
    origin: "policy",
    context: { signer },
    remedy: "Let its signer change it, and install what comes back with `rtt policy install`.",
  });
}

function newRule(
  tools: readonly string[],
  options: AllowOptions,
  before: Policy | null,
): JsonObject {
  const folders = options.folder?.map(realFolder);
  return {
    id: freeId(`allow-${tools[0]?.replace(/@.*/, "") ?? ""}`, before),
    effect: "allow",
    principals: [options.client],
    actions: [CALL_ACTION],
    resources: tools,
    ...(folders === undefined ? {} : { paths: folders }),
    reason: `Allowed here by hand: ${tools.join(", ")}`.slice(0, 500),
  };
}

/** The folder as policies name it. One that is not here may be on the device, so it stays as it is written. */
function realFolder(folder: string): string {
  const full = resolve(folder);
  try {
    return realpathSync(full);
  } catch {
    return full;
  }
}

function freeId(name: string, before: Policy | null): string {
  const taken = new Set(before?.rules.map(({ id }) => id));
  if (!taken.has(name)) return name;
  let number = 2;
  while (taken.has(`${name}-${number}`)) number += 1;
  return `${name}-${number}`;
}

/** A rule as it stands in a document. */
function ruleJson(rule: PolicyRule): Json {
  const { paths, egress, resources, caps, effect, ...same } = rule;
  const resourceTexts = resources.map(({ name, range }) =>
    range === null ? name : `${name}@${range}`,
  );
  return {
    ...same,
    effect,
    resources: resourceTexts,
    ...(effect === "allow" ? { caps: { ...caps } } : {}),
    ...(paths === null ? {} : { paths }),
    ...(egress === null ? {} : { egress }),
  };
}

function daysOf(text: string): number {
  const days = /^\d{1,4}$/.test(text) ? Number(text) : 0;
  if (days > 0) return days;
  throw usage(`"${text}" is no number of days`, "Give --days a number from 1 to 9999.");
}

function usage(problem: string, remedy: string): Failure {
  return new Failure("argument-invalid", problem, { origin: "local", remedy });
}
