/** `rtt policy`: sign policies, check them, put them in force and ask what they decide. */
import { resolve } from "node:path";
import { Option } from "commander";
import { Failure } from "../../shared/ports/failure.ts";
import { parseJson } from "../../shared/trust/canonical-json.ts";
import { publicKeyOfPeerId } from "../../shared/trust/identity.ts";
import { readIdentity, readPublicIdentity } from "../../shared/trust/key-file.ts";
import { formatIdentityKey, parseKeyText } from "../../shared/trust/key-text.ts";
import { openPolicy, signPolicy } from "../../shared/trust/policy/bundle.ts";
import { explainPolicy, type PolicyExplanation } from "../../shared/trust/policy/explain.ts";
import type { Policy, PolicyRequest } from "../../shared/trust/policy/model.ts";
import { type Enforcer, type PolicyRole, PolicyStore } from "../../shared/trust/policy/store.ts";
import { lexicalPath } from "../../shared/trust/policy/paths.ts";
import { normalizeVersion } from "../../shared/trust/policy/versions.ts";
import { addSigner, readSigners } from "../../shared/trust/signers.ts";
import { readPassphrase } from "../passphrase.ts";
import { openHome, statePaths } from "../state.ts";
import { trustPorts } from "../trust-ports.ts";
import type { CommandContext, Verb } from "./context.ts";
import { JSON_FLAG } from "./input.ts";
import { readInput } from "./input.ts";

interface SignOptions {
  readonly out?: string;
  readonly passphraseFile?: string;
}

interface VerifyOptions {
  readonly signer?: readonly string[];
  readonly tenant?: string;
}

interface ExplainOptions {
  readonly role: PolicyRole;
  readonly toolVersion?: string;
  readonly principal: string;
  readonly action: string;
  readonly path?: readonly string[];
  readonly egress?: readonly string[];
  readonly depth: string;
  readonly tenant?: string;
}

const DENIED = 3;

export const addPolicy: Verb = (program, context) => {
  const policy = program.command("policy").description("sign, check, install and explain policies");
  const role = () => new Option("--role <role>", "whose policy").choices(["host", "device"]);
  policy
    .command("sign <document>")
    .description("sign a policy document (JSON) with this node's identity")
    .option("--out <path>", "write the signed policy here instead of printing it")
    .option("--passphrase-file <path>", "the passphrase of the identity")
    .option(...JSON_FLAG)
    .action((document: string, options: SignOptions) => sign(context, document, options));
  policy
    .command("verify <file>")
    .description("check signature, validity, scope and content of a signed policy")
    .option("--signer <key...>", "accept these keys instead of the trusted ones")
    .option("--tenant <name>", "the tenant that the scope has to name")
    .option(...JSON_FLAG)
    .action((file: string, options: VerifyOptions) => verify(context, file, options));
  policy
    .command("install <file>")
    .description("check a signed policy and put it in force")
    .addOption(role().makeOptionMandatory())
    .option("--tenant <name>", "the tenant that the scope has to name")
    .option(...JSON_FLAG)
    .action((file: string, options: { readonly role: PolicyRole; readonly tenant?: string }) =>
      install(context, file, options),
    );
  policy
    .command("trust <key>")
    .description("accept policies that this key signs (z6Mk…, or the id of a node)")
    .option(...JSON_FLAG)
    .action((key: string) => trust(context, key));
  policy
    .command("explain <tool>")
    .description("show what the policy in force decides about a call, rule by rule")
    .usage("[options] <tool>@<version>")
    .addOption(role().default("host"))
    .option("--tool-version <version>", "version of the tool, when it does not follow the name")
    .option("--principal <id>", "who asks", "local")
    .option("--action <action>", "what is asked", "tool.call")
    .option("--path <path...>", "paths that the call names")
    .option("--egress <host...>", "hosts that the call reaches")
    .option("--depth <count>", "how many calls deep", "1")
    .option("--tenant <name>", "the tenant that the scope has to name")
    .option(...JSON_FLAG)
    .action((tool: string, options: ExplainOptions) => explain(context, tool, options));
};

async function sign(context: CommandContext, path: string, options: SignOptions): Promise<void> {
  const ports = trustPorts();
  const document = parseJson(await readInput(trustPorts().files, path));
  const passphrase = await readPassphrase(ports.files, options.passphraseFile);
  const identity = await readIdentity(ports, statePaths(context.home).identity, passphrase);
  const file = signPolicy(ports, document, identity.seed);
  const signer = formatIdentityKey(identity.publicKey);
  if (options.out === undefined) {
    const text = new TextDecoder().decode(file).trimEnd();
    context.answer(JSON.parse(text) as object, text);
    return;
  }
  const out = resolve(options.out);
  await ports.files.write(out, file, 0o644);
  context.answer({ path: out, signer }, `Signed by ${signer}: ${out}`);
}

async function verify(
  context: CommandContext,
  path: string,
  options: VerifyOptions,
): Promise<void> {
  const ports = trustPorts();
  const signers =
    options.signer === undefined
      ? await readSigners(ports.files, context.home)
      : options.signer.map(signerOf);
  const policy = openPolicy(ports, await readInput(trustPorts().files, path), {
    ...(await enforcerOf(context, options.tenant)),
    signers,
    wallMs: ports.clock.wallMs(),
    accepted: () => undefined,
  });
  answerPolicy(context, policy, "is valid");
}

async function install(
  context: CommandContext,
  path: string,
  options: { readonly role: PolicyRole; readonly tenant?: string },
): Promise<void> {
  openHome(context.home);
  const store = new PolicyStore(trustPorts(), context.home);
  const file = await readInput(trustPorts().files, path);
  const policy = await store.install(options.role, file, await enforcerOf(context, options.tenant));
  answerPolicy(context, policy, `is in force for the ${options.role}`);
}

function answerPolicy(context: CommandContext, policy: Policy, what: string): void {
  const { id, version, digest } = policy;
  const signer = formatIdentityKey(policy.signer);
  const validUntil = new Date(policy.notAfterMs).toISOString();
  context.answer(
    { id, version, digest, signer, validUntil },
    `Policy "${id}" version ${version} ${what} until ${validUntil}, signed by ${signer}`,
  );
}

async function trust(context: CommandContext, text: string): Promise<void> {
  openHome(context.home);
  const key = signerOf(text);
  await addSigner(trustPorts().files, context.home, key);
  const signer = formatIdentityKey(key);
  context.answer({ signer }, `Policies signed by ${signer} are accepted`);
}

/** A key from "z6Mk…" or from the id of a node. */
function signerOf(text: string): Uint8Array {
  const key = parseKeyText(text);
  const publicKey = key?.kind === "identity" ? key.key : publicKeyOfPeerId(text);
  if (publicKey !== null) return publicKey;
  throw new Failure("argument-invalid", `"${text}" is neither a z6Mk… key nor the id of a node`, {
    origin: "local",
    remedy: "Take the key that `rtt id` prints on the signer's machine.",
  });
}

/** Who enforces: this node, in the tenant that is asked for or configured. */
async function enforcerOf(context: CommandContext, tenant: string | undefined): Promise<Enforcer> {
  const { id } = await readPublicIdentity(trustPorts(), statePaths(context.home).identity);
  return { tenant: tenant ?? context.environment["RTT_TENANT"] ?? "default", device: id };
}

async function explain(
  context: CommandContext,
  tool: string,
  options: ExplainOptions,
): Promise<void> {
  const ports = trustPorts();
  const store = new PolicyStore(ports, context.home);
  const policy = await store.load(options.role, await enforcerOf(context, options.tenant));
  // As `rtt tools` prints it: "fs.read@1.0.0". A scoped name begins with an "@" of its own.
  const at = tool.lastIndexOf("@");
  const [name, version] = at <= 0 ? [tool, undefined] : [tool.slice(0, at), tool.slice(at + 1)];
  const request: PolicyRequest = {
    principal: options.principal,
    action: options.action,
    resource: { name, version: normalizeVersion(options.toolVersion ?? version) },
    // What is not absolute stays as it is, and the evaluator refuses it.
    paths: (options.path ?? []).map((path) => lexicalPath(path) ?? path),
    egress: options.egress ?? [],
    depth: Number(options.depth),
  };
  const explanation = explainPolicy(policy, request, ports.clock.wallMs());
  context.answer(explanation, explanationText(request, explanation));
  if (explanation.decision.effect === "deny") context.exitWith(DENIED);
}

function explanationText(request: PolicyRequest, { decision, rules }: PolicyExplanation): string {
  const { effect, ruleId, reason, policy } = decision;
  const by = ruleId === null ? "no rule" : `rule "${ruleId}"`;
  const { name, version } = request.resource;
  return [
    `${effect} by ${by} of policy "${policy.id}" version ${policy.version}: ${reason}`,
    `  asked: ${request.action} of ${name}@${version} by ${request.principal}`,
    ...rules.map(
      (rule) => `  ${rule.applies ? "*" : " "} ${rule.effect} "${rule.ruleId}": ${rule.because}`,
    ),
  ].join("\n");
}
