/**
 * The nodes that this node is paired with, in `peers.json` (0600): whom its transport lets in, under which name their
 * tools are shown, and, for hosts, where a device dials.
 */
import { Failure } from "../ports/failure.ts";
import type { Files } from "../ports/files.ts";
import { documentBytes, type Json, parseOwnDocument } from "../trust/canonical-json.ts";
import { publicKeyOfPeerId } from "../trust/identity.ts";
import { Shape } from "../trust/shape.ts";

const KIND = "mxp.peers/v1";
const OWNER_ONLY = 0o600;
const PEERS_MAX = 4096;

/** What the other node is to this one. */
export type PeerRole = "host" | "device";

export interface PairedPeer {
  /** PeerId. */
  readonly id: string;
  /** Unique among this node's peers. */
  readonly name: string;
  readonly role: PeerRole;
  /** "mxp://<static key>@host:port" of a host; null for a device, which nobody dials. */
  readonly address: string | null;
  readonly pairedMs: number;
}

export class PeerBook {
  readonly #files: Files;
  readonly #path: string;
  #peers: readonly PairedPeer[];

  private constructor(files: Files, path: string, peers: readonly PairedPeer[]) {
    this.#files = files;
    this.#path = path;
    this.#peers = peers;
  }

  static async open(files: Files, path: string): Promise<PeerBook> {
    return new PeerBook(files, path, await readPeers(files, path));
  }

  list(): readonly PairedPeer[] {
    return this.#peers;
  }

  nameOf(id: string): string | null {
    return this.#peers.find((peer) => peer.id === id)?.name ?? null;
  }

  /** Adds a peer, or renews one that is paired already. The name gets a number when another peer has it. */
  async add(peer: PairedPeer): Promise<PairedPeer> {
    // Another process (`rtt join`) may have written since.
    const others = (await readPeers(this.#files, this.#path)).filter(({ id }) => id !== peer.id);
    if (others.length >= PEERS_MAX) throw damaged("peers", `has ${PEERS_MAX} entries already`);
    const named = { ...peer, name: freeName(peer.name, others) };
    await this.#write([...others, named]);
    return named;
  }

  /** Removes a peer; false when it was none. */
  async remove(id: string): Promise<boolean> {
    const all = await readPeers(this.#files, this.#path);
    const kept = all.filter((peer) => peer.id !== id);
    await this.#write(kept);
    return kept.length < all.length;
  }

  /** Takes in what another process wrote. */
  async reload(): Promise<void> {
    this.#peers = await readPeers(this.#files, this.#path);
  }

  async #write(peers: readonly PairedPeer[]): Promise<void> {
    const bytes = documentBytes({ kind: KIND, peers: peers.map((peer) => ({ ...peer })) });
    await this.#files.write(this.#path, bytes, OWNER_ONLY);
    this.#peers = peers;
  }
}

function damaged(where: string, problem: string): Failure {
  return new Failure("config-invalid", `The list of paired nodes: ${where} ${problem}`, {
    origin: "host",
    remedy: "Correct or remove peers.json and pair again with `rtt invite` and `rtt join`.",
  });
}

const shape = new Shape(damaged, { listMax: PEERS_MAX, textMax: 512 });

async function readPeers(files: Files, path: string): Promise<readonly PairedPeer[]> {
  const bytes = await files.read(path);
  if (bytes === null) return [];
  const object = shape.object(parseOwnDocument(bytes, damaged), "file", ["kind", "peers"]);
  shape.oneOf(object["kind"], "kind", [KIND]);
  const peers = object["peers"];
  if (!Array.isArray(peers)) throw damaged("peers", "is not a list");
  return (peers as readonly Json[]).map(readPeer);
}

function readPeer(value: Json): PairedPeer {
  const entry = shape.object(value, "peer", ["id", "name", "role", "address", "pairedMs"]);
  const id = shape.text(entry["id"], "id");
  if (publicKeyOfPeerId(id) === null) throw damaged(id, "is not the id of a node");
  return {
    id,
    name: shape.text(entry["name"], "name"),
    role: shape.oneOf(entry["role"], "role", ["host", "device"]),
    address: shape.nullable(entry["address"], (text) => shape.text(text, "address")),
    pairedMs: shape.count(entry["pairedMs"], "pairedMs", 0),
  };
}

function freeName(name: string, others: readonly PairedPeer[]): string {
  const clean = name.replace(/[^A-Za-z0-9._-]/g, "-").slice(0, 56) || "node";
  const taken = new Set(others.map((peer) => peer.name));
  if (!taken.has(clean)) return clean;
  let number = 2;
  while (taken.has(`${clean}-${number}`)) number += 1;
  return `${clean}-${number}`;
}
