/**
 * Pairing two nodes by an invitation, over a lane that nobody vouches for yet, on the agent "pair".
 *
 *   joiner → inviter   pair.join { proof, name }        inviter → joiner   pair.welcome { host_id, name, tenant }
 *
 * The proof shows that the joiner has the code, and is good for this connection and this joiner only. Until it is
 * redeemed a stranger reaches nothing but this agent, and not even this one when no invitation is open.
 */
import { Failure } from "../ports/failure.ts";
import type { IncomingCall, Lane } from "../ports/lane.ts";
import { decodeBase64Url, encodeBase64Url } from "../trust/base64.ts";
import { type Invitation, INVITATION_SECRET_BYTES, invitationProof } from "../trust/invitation.ts";
import type { InvitationStore } from "../trust/invitation-store.ts";
import type { TrustPorts } from "../trust/ports.ts";
import type { Logger } from "../telemetry/logger.ts";
import { makeCallRecord } from "./call-record.ts";
import { decodeFrame, encodeFrame, readFields, violation } from "./frames.ts";
import type { PairedPeer, PeerBook } from "./peer-book.ts";

export const PAIR_AGENT = "pair";
const JOIN_MS = 10_000;

export interface PairWelcome {
  readonly host_id: string;
  /** The inviter's own name. */
  readonly name: string;
  /** The name under which the joiner is known there. */
  readonly your_name: string;
  readonly tenant: string;
}

export interface PairingOptions {
  readonly id: string;
  readonly name: string;
  readonly tenant: string;
  readonly ports: Pick<TrustPorts, "clock" | "random">;
  readonly invitations: InvitationStore;
  readonly peers: PeerBook;
  /** A node was paired: the transport may let it in from now on. */
  readonly onPaired: (publicKey: Uint8Array, peer: PairedPeer) => void;
  readonly log: Logger;
}

/** The inviter's side. */
export class PairingDesk {
  readonly #options: PairingOptions;
  #isOpen = false;

  constructor(options: PairingOptions) {
    this.#options = options;
  }

  /**
   * Whether a stranger's handshake is accepted at all: only while invitations are remembered. Used and expired ones
   * count, so that a late joiner learns why its code is refused.
   */
  get isOpen(): boolean {
    return this.#isOpen;
  }

  /** Looks up what is remembered, at the start and after each change. */
  async refresh(): Promise<void> {
    this.#isOpen = (await this.#options.invitations.list()).length > 0;
  }

  /** Makes an invitation and returns its secret. */
  async invite(expiresMs: number, policyId: string): Promise<Uint8Array<ArrayBuffer>> {
    const secret = this.#options.ports.random.bytes(INVITATION_SECRET_BYTES);
    await this.#options.invitations.add({ secret, expiresMs, policyId });
    await this.refresh();
    return secret;
  }

  /** Answers the agent "pair". */
  async *handle(call: IncomingCall): AsyncGenerator<Uint8Array> {
    const { invitations, peers, ports, log } = this.#options;
    const frame = decodeFrame(call.payload);
    if (frame.type !== "pair.join") throw violation("the agent pair takes pair.join");
    const join = readFields<{ proof: string; name: string }>(frame, {
      proof: "string",
      name: "string",
    });
    const proof = decodeBase64Url(join.proof);
    if (proof === null || call.peer.id === "")
      throw violation("a joiner proves itself and its code");
    const { channelBinding, publicKey, id } = call.peer;
    await invitations.redeem(proof, channelBinding, publicKey);
    await this.refresh();
    const peer = await peers.add({
      id,
      name: join.name,
      role: "device",
      address: null,
      pairedMs: ports.clock.wallMs(),
    });
    this.#options.onPaired(publicKey, peer);
    log.info("peer.paired", { peer: id, name: peer.name, remote: call.peer.remote });
    const { id: host_id, name, tenant } = this.#options;
    yield encodeFrame({ type: "pair.welcome", host_id, name, your_name: peer.name, tenant });
  }
}

/** The joiner's side: proves the code over a lane to the inviter. */
export async function joinOver(
  lane: Lane,
  invitation: Invitation,
  joiner: { readonly publicKey: Uint8Array; readonly name: string },
  ports: Pick<TrustPorts, "random" | "digest">,
): Promise<PairWelcome> {
  const { channelBinding } = lane.peer;
  const proof = invitationProof(ports.digest, invitation.secret, channelBinding, joiner.publicKey);
  const record = makeCallRecord(ports.random, {
    tenant: "none",
    timeoutMs: JOIN_MS,
    depth: 1,
    isIdempotent: false,
  });
  const frame = { type: "pair.join", proof: encodeBase64Url(proof), name: joiner.name };
  for await (const payload of lane.call(PAIR_AGENT, record, encodeFrame(frame))) {
    const answer = decodeFrame(payload);
    if (answer.type !== "pair.welcome") break;
    return readFields<PairWelcome>(answer, {
      host_id: "string",
      name: "string",
      your_name: "string",
      tenant: "string",
    });
  }
  throw new Failure("protocol-violation", "the inviter did not answer with a welcome", {
    origin: "peer",
    remedy: "Run the same version of rtt on both machines.",
  });
}
