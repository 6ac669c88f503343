/**
 * At most three times as many bytes go to an address as came from it, until the address has proven itself
 * (RFC 9000 §8.1). It has when a packet that only the true peer can make arrives from it whole: anything but a
 * first handshake message.
 */
import { addressKey } from "../address.ts";
import { require } from "../failure.ts";
import type { Datagram } from "../link.ts";
import { PACKET_TYPE, intactPackets } from "../packets.ts";

const FACTOR = 3;

interface Account {
  receivedBytes: number;
  sentBytes: number;
  isValidated: boolean;
}

export class AmplificationOracle {
  readonly #accounts = new Map<number, Account>();

  #account(key: number): Account {
    let account = this.#accounts.get(key);
    if (account === undefined) {
      account = { receivedBytes: 0, sentBytes: 0, isValidated: false };
      this.#accounts.set(key, account);
    }
    return account;
  }

  /** The accepting endpoint is about to see `datagram`. */
  received(datagram: Datagram): void {
    const account = this.#account(addressKey(datagram.from));
    account.receivedBytes += datagram.bytes.length;
    if (datagram.original === null || account.isValidated) return;
    account.isValidated = intactPackets(datagram.original, datagram.bytes).some(
      (packet) => packet.type !== PACKET_TYPE.initial,
    );
  }

  /** The accepting endpoint sends `datagram`. */
  sent(datagram: Datagram): void {
    const account = this.#account(addressKey(datagram.to));
    if (account.isValidated) return;
    account.sentBytes += datagram.bytes.length;
    const { sentBytes, receivedBytes } = account;
    require(sentBytes <= FACTOR * receivedBytes, "amplification", () =>
      `${sentBytes} bytes sent to an unproven address for ${receivedBytes} received`);
  }
}
