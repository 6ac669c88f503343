/** `rtt id`: who this node is. `rtt id new` makes its identity. */
import { createIdentity } from "../../shared/trust/identity.ts";
import {
  type PublicIdentity,
  readPublicIdentity,
  writeIdentity,
} from "../../shared/trust/key-file.ts";
import { formatIdentityKey, formatStaticKey } from "../../shared/trust/key-text.ts";
import { readPassphrase } from "../passphrase.ts";
import { openHome, statePaths } from "../state.ts";
import { trustPorts } from "../trust-ports.ts";
import type { CommandContext, Verb } from "./context.ts";
import { JSON_FLAG } from "./input.ts";

interface NewOptions {
  readonly passphraseFile?: string;
}

export const addId: Verb = (program, context) => {
  const id = program.command("id").description("show or make this node's identity");
  id.command("show", { isDefault: true })
    .description("print the id and the public keys (default)")
    .option(...JSON_FLAG)
    .action(() => show(context));
  id.command("new")
    .description("make an identity; an existing one is never overwritten")
    .option("--passphrase-file <path>", "protect the keys with the first line of this file")
    .option(...JSON_FLAG)
    .action((options: NewOptions) => make(context, options));
};

async function show(context: CommandContext): Promise<void> {
  const path = statePaths(context.home).identity;
  answer(context, await readPublicIdentity(trustPorts(), path), path);
}

async function make(context: CommandContext, options: NewOptions): Promise<void> {
  const ports = trustPorts();
  const passphrase = await readPassphrase(ports.files, options.passphraseFile);
  const { identity: path } = openHome(context.home);
  const identity = createIdentity(ports.random, ports.signatures);
  await writeIdentity(ports, path, identity, passphrase);
  answer(context, identity, path);
}

function answer(context: CommandContext, identity: PublicIdentity, path: string): void {
  const key = formatIdentityKey(identity.publicKey);
  const staticKey = formatStaticKey(identity.staticPublicKey);
  context.answer(
    { id: identity.id, key, staticKey, path },
    [`id      ${identity.id}`, `key     ${key}`, `static  ${staticKey}`, `file    ${path}`].join(
      "\n",
    ),
  );
}
