/**
 * What a wire-tap sees: a decorator of the datagram port that keeps the last datagrams exactly as they leave and
 * arrive. For the page and for checks that nothing readable is in them; a node records only when it is told to.
 */
import type { Datagrams, DatagramSocket, SocketAddress } from "../shared/ports/datagrams.ts";
import { nodeClock } from "./clock.ts";

/** Datagrams kept, the newest. One that the system merged from many counts once. */
const KEPT_MAX = 256;

export interface TappedDatagram {
  readonly atMs: number;
  readonly direction: "in" | "out";
  readonly remote: string;
  readonly bytes: Uint8Array;
}

export class WireTap {
  readonly #kept: TappedDatagram[] = [];
  #seen = 0;

  /** How many datagrams went by since the start. */
  get seen(): number {
    return this.#seen;
  }

  /** The last datagrams, oldest first. */
  list(): readonly TappedDatagram[] {
    return this.#kept;
  }

  /** The port with the tap on it. */
  over(datagrams: Datagrams): Datagrams {
    return {
      ...datagrams,
      bind: async (local, onDatagram) => {
        const socket = await datagrams.bind(local, (bytes, remote) => {
          this.#keep("in", bytes, remote);
          onDatagram(bytes, remote);
        });
        return this.#tapped(socket);
      },
    };
  }

  #tapped(socket: DatagramSocket): DatagramSocket {
    return {
      local: socket.local,
      capabilities: socket.capabilities,
      close: () => socket.close(),
      send: (bytes, segmentBytes, remote) => {
        for (let at = 0; at < bytes.length; at += segmentBytes) {
          this.#keep("out", bytes.subarray(at, at + segmentBytes), remote);
        }
        return socket.send(bytes, segmentBytes, remote);
      },
    };
  }

  #keep(direction: "in" | "out", bytes: Uint8Array, remote: SocketAddress): void {
    this.#seen += 1;
    if (this.#kept.length >= KEPT_MAX) this.#kept.shift();
    const from = `${remote.host}:${remote.port}`;
    // The port may use its buffer again, so a copy is kept.
    this.#kept.push({ atMs: nodeClock.wallMs(), direction, remote: from, bytes: bytes.slice() });
  }
}
