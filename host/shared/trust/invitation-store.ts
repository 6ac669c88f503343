/**
 * The inviter's side: outstanding invitations in `<state>/invitations.json` (mode 0600), each good for one join.
 *
 * A used or expired one is remembered for a week, so that a late joiner learns why it is refused.
 */
import { Failure } from "../ports/failure.ts";
import { decodeBase64Url, encodeBase64Url } from "./base64.ts";
import { equalBytes } from "./bytes.ts";
import { documentBytes, type Json, parseOwnDocument } from "./canonical-json.ts";
import { INVITATION_SECRET_BYTES, invitationFailure, invitationProof } from "./invitation.ts";
import type { TrustPorts } from "./ports.ts";
import { Shape } from "./shape.ts";

const OWNER_ONLY = 0o600;
const KEPT_MS = 7 * 24 * 3_600_000;
const OUTSTANDING_MAX = 256;
const KIND = "mxp.invitations/v1";

/** What the inviter remembers of an invitation. */
export interface OutstandingInvitation {
  readonly secret: Uint8Array<ArrayBuffer>;
  readonly expiresMs: number;
  readonly policyId: string;
  readonly isUsed: boolean;
}

type StorePorts = Pick<TrustPorts, "files" | "digest" | "clock">;

function damaged(where: string, problem: string): Failure {
  return new Failure("config-invalid", `The list of invitations: ${where} ${problem}`, {
    origin: "host",
    remedy: "Remove invitations.json; outstanding invitations are lost and can be made again.",
  });
}

const shape = new Shape(damaged, { listMax: OUTSTANDING_MAX, textMax: 256 });

export class InvitationStore {
  readonly #ports: StorePorts;
  readonly #path: string;
  /** One change at a time: two joiners with one code must not both find it unused. */
  #turn: Promise<unknown> = Promise.resolve();

  constructor(ports: StorePorts, state: string) {
    this.#ports = ports;
    this.#path = `${state}/invitations.json`;
  }

  /** Remembers a new invitation. */
  add(invitation: Omit<OutstandingInvitation, "isUsed">): Promise<void> {
    return this.#exclusively(async () => {
      const { secret, expiresMs, policyId } = invitation;
      const kept = await this.#read();
      if (kept.length >= OUTSTANDING_MAX) {
        throw new Failure("memory-limit", `There are ${OUTSTANDING_MAX} invitations already`, {
          origin: "local",
          remedy: "Wait until some have expired.",
        });
      }
      await this.#write([...kept, { secret, expiresMs, policyId, isUsed: false }]);
    });
  }

  /** All that are remembered. */
  list(): Promise<readonly OutstandingInvitation[]> {
    return this.#exclusively(() => this.#read());
  }

  /**
   * Lets a joiner in if its proof is that of an unused invitation, which is then used. Fails with
   * `invitation-unknown`, `invitation-used` or `invitation-expired`.
   */
  redeem(
    proof: Uint8Array,
    channelBinding: Uint8Array,
    joiner: Uint8Array,
  ): Promise<OutstandingInvitation> {
    return this.#exclusively(async () => {
      const kept = await this.#read();
      // Every secret is tried, so that the time does not tell which one came close.
      const found = kept.filter(({ secret }) =>
        equalBytes(invitationProof(this.#ports.digest, secret, channelBinding, joiner), proof),
      )[0];
      if (found === undefined) {
        throw invitationFailure("invitation-unknown", "No invitation of this node has this secret");
      }
      if (found.isUsed) {
        throw invitationFailure("invitation-used", "The invitation has been used already");
      }
      if (!(this.#ports.clock.wallMs() < found.expiresMs)) {
        throw invitationFailure("invitation-expired", "The invitation has expired");
      }
      // Written before the joiner is let in: a crash in between costs a code, never lets two in.
      const used = { ...found, isUsed: true };
      await this.#write(kept.map((invitation) => (invitation === found ? used : invitation)));
      return used;
    });
  }

  #exclusively<T>(task: () => Promise<T>): Promise<T> {
    const result = this.#turn.then(task, task);
    this.#turn = result.catch(() => undefined);
    return result;
  }

  async #read(): Promise<readonly OutstandingInvitation[]> {
    const bytes = await this.#ports.files.read(this.#path);
    if (bytes === null) return [];
    const object = shape.object(parseOwnDocument(bytes, damaged), "file", ["kind", "invitations"]);
    shape.oneOf(object["kind"], "kind", [KIND]);
    const list = object["invitations"];
    if (!Array.isArray(list)) throw damaged("invitations", "is not a list");
    const forgetMs = this.#ports.clock.wallMs() - KEPT_MS;
    return (list as readonly Json[])
      .map(readOutstanding)
      .filter(({ expiresMs }) => expiresMs > forgetMs);
  }

  async #write(invitations: readonly OutstandingInvitation[]): Promise<void> {
    const list = invitations.map(({ secret, expiresMs, policyId, isUsed }) => ({
      secret: encodeBase64Url(secret),
      expiresMs,
      policyId,
      isUsed,
    }));
    const bytes = documentBytes({ kind: KIND, invitations: list });
    await this.#ports.files.write(this.#path, bytes, OWNER_ONLY);
  }
}

function readOutstanding(value: Json): OutstandingInvitation {
  const entry = shape.object(value, "invitation", ["secret", "expiresMs", "policyId", "isUsed"]);
  const secret = decodeBase64Url(shape.text(entry["secret"], "secret"));
  if (secret?.length !== INVITATION_SECRET_BYTES) throw damaged("secret", "is not 16 bytes");
  return {
    secret,
    expiresMs: shape.count(entry["expiresMs"], "expiresMs", 0),
    policyId: shape.text(entry["policyId"], "policyId"),
    isUsed: shape.boolean(entry["isUsed"], "isUsed"),
  };
}
