/** `rtt join`: pairs this node with the host that made the code. */
import type { Command } from "commander";
import { joinOver } from "../../shared/gateway/pairing.ts";
import { PeerBook } from "../../shared/gateway/peer-book.ts";
import { Failure } from "../../shared/ports/failure.ts";
import { formatAddress } from "../../shared/trust/address.ts";
import { peerId } from "../../shared/trust/identity.ts";
import { type Invitation, parseInvitation } from "../../shared/trust/invitation.ts";
import { askNode, readControl } from "../control.ts";
import { dial, openNetwork } from "../network.ts";
import { readPassphrase } from "../passphrase.ts";
import { openHome } from "../state.ts";
import { openIdentity, trustPorts } from "../trust-ports.ts";
import { configurationOf } from "./configuration.ts";
import type { CommandContext } from "./context.ts";

interface JoinOptions {
  readonly name?: string;
  readonly passphraseFile?: string;
}

export function addJoin(program: Command, context: CommandContext): void {
  program
    .command("join")
    .summary("pair this node with a host")
    .description("Proves the code to the host that made it; both nodes then know each other.")
    .argument("<code>", "what `rtt invite` printed there")
    .option("--name <name>", "the name that the host shows for this node")
    .option("--passphrase-file <file>", "the passphrase of the identity")
    .action((code: string, options: JoinOptions) => join(code, options, context));
}

async function join(code: string, options: JoinOptions, context: CommandContext): Promise<void> {
  const paths = openHome(context.home);
  const ports = trustPorts();
  const config = configurationOf(paths.config, context.environment, { name: options.name });
  const invitation = parseInvitation(ports.digest, code, ports.clock.wallMs());
  const passphrase = await readPassphrase(ports.files, options.passphraseFile);
  const identity = await openIdentity(ports, paths.identity, passphrase);
  const name = config.name === "" ? identity.id.slice(-8) : config.name;
  const address = addressIn(invitation);
  const id = peerId(invitation.identity);
  const transport = await openNetwork({
    identity,
    name,
    ports,
    listen: invitation.host.includes(":") ? "[::]:0" : "0.0.0.0:0",
    acceptsConnections: false,
    pinned: [invitation.identity],
    isOpenToStrangers: () => false,
    onLane: () => {},
    log: context.log,
  });
  try {
    const lane = await dial(transport, address, id).catch((thrown: unknown) => {
      throw explain(Failure.from(thrown), invitation);
    });
    const joiner = { publicKey: identity.publicKey, name };
    const welcome = await joinOver(lane, invitation, joiner, ports);
    await lane.close("paired");
    const peers = await PeerBook.open(ports.files, paths.peers);
    const pairedMs = ports.clock.wallMs();
    const peer = await peers.add({ id, name: welcome.name, role: "host", address, pairedMs });
    // A node that runs already takes the host in at once.
    const isRunning = readControl(paths.control) !== null;
    if (isRunning) await askNode(paths.control, { method: "POST", path: "/v1/reload" });
    const next = isRunning
      ? "This node is dialling it now."
      : "Start this node with: rtt up --device --folder <folder>";
    context.answer(
      { paired: true, peer, as: welcome.your_name, tenant: welcome.tenant },
      `Paired with ${peer.name} (${id}); it knows this node as ${welcome.your_name}.\n${next}`,
    );
  } finally {
    await transport.close("paired");
  }
}

function addressIn(invitation: Invitation): string {
  const { staticKey, host, port } = invitation;
  return formatAddress({ key: staticKey, keyKind: "static", host, port, agent: "" });
}

/** A host without any invitation refuses strangers in the handshake and cannot say more. */
function explain(failure: Failure, invitation: Invitation): Failure {
  if (failure.code !== "peer-unknown" && failure.code !== "peer-refused") return failure;
  return new Failure("invitation-unknown", "the host knows of no invitation", {
    origin: "peer",
    context: { host: invitation.host, port: invitation.port },
    remedy: "Ask the other side for a new code from `rtt invite`.",
    cause: failure,
  });
}
