/** `rtt peers`: whom this node is paired with, and how to end a pairing at once. */
import type { Command } from "commander";
import { PeerBook } from "../../shared/gateway/peer-book.ts";
import { Failure } from "../../shared/ports/failure.ts";
import { askNode, readControl } from "../control.ts";
import { nodeFiles } from "../files.ts";
import { statePaths } from "../state.ts";
import type { CommandContext } from "./context.ts";
import { JSON_FLAG } from "./input.ts";

export function addPeers(program: Command, context: CommandContext): void {
  const peers = program.command("peers").description("list or end the pairings of this node");
  peers
    .command("list", { isDefault: true })
    .description("the nodes that this node is paired with (default)")
    .option(...JSON_FLAG)
    .action(() => list(context));
  peers
    .command("remove <name>")
    .description("end a pairing: the other node is let in no more, and its connection is cut")
    .option(...JSON_FLAG)
    .action((name: string) => remove(name, context));
}

async function list(context: CommandContext): Promise<void> {
  const book = await PeerBook.open(nodeFiles, statePaths(context.home).peers);
  const lines = book
    .list()
    .map(({ name, role, id, address }) => `${name.padEnd(16)} ${role.padEnd(7)} ${address ?? id}`);
  context.answer(
    { peers: book.list() },
    lines.length === 0 ? "This node is paired with nobody." : lines.join("\n"),
  );
}

async function remove(name: string, context: CommandContext): Promise<void> {
  const paths = statePaths(context.home);
  const book = await PeerBook.open(nodeFiles, paths.peers);
  const peer = book.list().find((one) => one.name === name || one.id === name);
  if (peer === undefined) {
    throw new Failure("peer-unknown", `this node is not paired with "${name}"`, {
      origin: "local",
      remedy: "`rtt peers` lists the pairings.",
    });
  }
  await book.remove(peer.id);
  if (readControl(paths.control) !== null) {
    await askNode(paths.control, { method: "POST", path: "/v1/reload" });
  }
  context.answer({ removed: peer }, `No longer paired with ${peer.name} (${peer.id}).`);
}
