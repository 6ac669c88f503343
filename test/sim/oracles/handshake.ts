/**
 * A handshake message that is sent again is sent as it was: another payload under the same ephemeral key would
 * reuse a key and nonce (docs/protocol.md, "Handshake"). Only the initiator is judged: a responder may answer two
 * copies of one Initial, of which the network damaged one, by two handshakes.
 */
import { require } from "../failure.ts";
import { PACKET_TYPE, packetSpans } from "../packets.ts";

const CONNECTION_ID_SIZE = 8;

export class HandshakeOracle {
  readonly #messages = new Map<string, Uint8Array>();

  /** An initiator sends `bytes`. */
  sent(bytes: Uint8Array): void {
    const type = (bytes[8] ?? 0) & 7;
    // A hint is no Noise message.
    if (type !== PACKET_TYPE.initial && type !== PACKET_TYPE.handshake) return;
    for (const { type: of, start, end } of packetSpans(bytes)) {
      if (of !== type) continue;
      const message = bytes.subarray(start, end);
      const id = Buffer.from(message.subarray(0, CONNECTION_ID_SIZE)).toString("hex");
      const key = `${id} ${type} ${message[9]}`;
      const first = this.#messages.get(key);
      const isSame = first === undefined || Buffer.compare(first, message) === 0;
      require(isSame, "handshake-resend", () => `message ${message[9]} of ${id} changed`);
      this.#messages.set(key, message);
    }
  }
}
