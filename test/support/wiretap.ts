/**
 * A forwarder on the wire between two UDP endpoints: it sees every datagram, and may change, drop or swallow them.
 *
 * The client dials the forwarder; the forwarder sends on to the server, and back, from one socket for each side.
 */
import dgram from "node:dgram";
import type { AddressInfo } from "node:net";

export type Direction = "to-server" | "to-client";

/** What becomes of a datagram: itself, a changed copy, or null for a loss. */
export type Meddle = (datagram: Buffer, direction: Direction) => Buffer | null;

/** Packet types in the low three bits of byte 8 (docs/protocol.md, "Packets"). */
export const PACKET_TYPE = { initial: 1, handshake: 2, oneRtt: 4 } as const;

/** Changes one bit of the first packet of a type that passes in one direction; `onChange` hears of it. */
export function flipOnce(
  type: number,
  direction: Direction,
  at: (length: number) => number,
  onChange: () => void = () => undefined,
): Meddle {
  let isDone = false;
  return (datagram, way) => {
    if (isDone || way !== direction || typeOf(datagram) !== type) return datagram;
    isDone = true;
    onChange();
    const index = at(datagram.length);
    datagram[index] = (datagram[index] ?? 0) ^ 0x10;
    return datagram;
  };
}

export const typeOf = (datagram: Buffer): number => (datagram[8] ?? 0) & 7;

export class Wiretap {
  readonly seen: { readonly datagram: Buffer; readonly direction: Direction }[] = [];
  meddle: Meddle = (datagram) => datagram;
  readonly #front = dgram.createSocket("udp4");
  readonly #back = dgram.createSocket("udp4");
  readonly #serverPort: number;
  #clientPort = 0;

  constructor(serverPort: number) {
    this.#serverPort = serverPort;
    this.#front.on("message", (datagram, { port }) => {
      this.#clientPort = port;
      this.#forward(datagram, "to-server");
    });
    this.#back.on("message", (datagram) => this.#forward(datagram, "to-client"));
  }

  /** Listens on loopback, on any port unless one is given, and returns the port to dial. */
  async listen(port = 0): Promise<number> {
    const bind = (socket: dgram.Socket, at: number): Promise<void> =>
      new Promise((resolve) => socket.bind(at, "127.0.0.1", resolve));
    await Promise.all([bind(this.#front, port), bind(this.#back, 0)]);
    const address: AddressInfo = this.#front.address();
    return address.port;
  }

  close(): void {
    this.#front.close();
    this.#back.close();
  }

  #forward(datagram: Buffer, direction: Direction): void {
    this.seen.push({ datagram: Buffer.from(datagram), direction });
    const changed = this.meddle(Buffer.from(datagram), direction);
    if (changed === null) return;
    if (direction === "to-server") this.#back.send(changed, this.#serverPort, "127.0.0.1");
    else this.#front.send(changed, this.#clientPort, "127.0.0.1");
  }
}
