/**
 * UDP by node:dgram, with segmentation offload where the system has it.
 *
 * Linux cuts one large send into segments (UDP_SEGMENT) and merges received ones (UDP_GRO); both are plain socket
 * options that node:dgram does not offer, so they are set on its file descriptor through one native call. Where that
 * fails, every segment is sent by itself. The option fixes the segment size for the whole socket, so sends with other
 * sizes are cut here. Cannot: explicit congestion notification, path-MTU discovery, per-packet addresses.
 */
import dgram from "node:dgram";
import { lookup as lookupWithCallback } from "node:dns";
import { lookup } from "node:dns/promises";
import { isIP } from "node:net";
import type {
  DatagramCapabilities,
  Datagrams,
  DatagramSocket,
  SocketAddress,
} from "../shared/ports/datagrams.ts";
import { Failure } from "../shared/ports/failure.ts";
import { setSocketOption } from "./libc.ts";

// --- types ---

/** The one segment size that the socket option can hold: that of a full packet. */
const SEGMENT_BYTES = 1_200;
/** The most bytes that UDP over IPv4 carries in one send (65,535 − 20 − 8). */
const SEND_MAX_BYTES = 65_507;
/** Segments in one send: the kernel takes 64, and 54 of 1,200 bytes fit. */
const SEGMENTS_MAX = Math.floor(SEND_MAX_BYTES / SEGMENT_BYTES);
/** Asked of the system; short enough that priorities mean something, long enough for a burst. */
const BUFFER_BYTES = 4 * 1024 * 1024;

const SOL_UDP = 17;
const UDP_SEGMENT = 103;
const UDP_GRO = 104;

// --- port ---

export const datagrams: Datagrams = {
  async bind(local, onDatagram) {
    const family = local.host.includes(":") ? 6 : 4;
    const socket = dgram.createSocket({
      type: family === 6 ? "udp6" : "udp4",
      recvBufferSize: BUFFER_BYTES,
      sendBufferSize: BUFFER_BYTES,
      lookup: lookUp,
    });
    await bound(socket, local);
    // Errors of single sends (an unreachable peer) are losses, which the engine repairs.
    socket.on("error", () => undefined);
    let last: SocketAddress = { family, host: "", port: 0 };
    socket.on("message", (bytes, { address, port }) => {
      // Datagrams come in trains from one peer: the same object saves the reader from looking it up again.
      if (address !== last.host || port !== last.port) last = { family, host: address, port };
      onDatagram(bytes, last);
    });
    return new NodeDatagramSocket(socket, family);
  },

  async resolve(host) {
    try {
      return (await lookup(host)).address;
    } catch (cause) {
      throw new Failure("address-unreachable", `the host name ${host} has no address`, {
        origin: "host",
        remedy: "Check the name, or give an IP address.",
        context: { host },
        cause,
      });
    }
  },
};

// --- helpers ---

class NodeDatagramSocket implements DatagramSocket {
  readonly local: SocketAddress;
  readonly capabilities: DatagramCapabilities;
  readonly #socket: dgram.Socket;
  #pendingCount = 0;
  #onSent: (() => void) | null = null;

  constructor(socket: dgram.Socket, family: 4 | 6) {
    const { address, port } = socket.address();
    this.#socket = socket;
    this.local = { family, host: address, port };
    const descriptor = descriptorOf(socket);
    this.capabilities = {
      gso: setSocketOption(descriptor, SOL_UDP, UDP_SEGMENT, SEGMENT_BYTES),
      gro: setSocketOption(descriptor, SOL_UDP, UDP_GRO, 1),
      ecn: false,
      df: false,
      pktinfo: false,
    };
  }

  send(bytes: Uint8Array, segmentBytes: number, remote: SocketAddress): boolean {
    const isOffloaded = this.capabilities.gso && segmentBytes === SEGMENT_BYTES;
    const stepBytes = isOffloaded ? SEGMENT_BYTES * SEGMENTS_MAX : segmentBytes;
    // When the system's buffer is full the socket sends after this returns, so the engine's memory is copied once.
    const copy = Buffer.from(bytes);
    for (let start = 0; start < copy.length; start += stepBytes) {
      this.#pendingCount += 1;
      const part = copy.subarray(start, start + stepBytes);
      this.#socket.send(part, remote.port, remote.host, this.#sent);
    }
    return true;
  }

  /** Waits for what was sent, so that a last word is not lost, then frees the port. */
  async close(): Promise<void> {
    if (this.#pendingCount > 0) {
      await new Promise<void>((resolve) => {
        this.#onSent = resolve;
      });
    }
    await new Promise<void>((resolve) => this.#socket.close(() => resolve()));
  }

  /** A send that fails is a lost datagram, which the engine repairs. */
  readonly #sent = (): void => {
    this.#pendingCount -= 1;
    if (this.#pendingCount === 0) this.#onSent?.();
  };
}

/**
 * What node:dgram asks before every send. Here every address is one already, and taking it as it is makes the send
 * happen at once instead of in a later turn.
 */
const lookUp: dgram.SocketOptions["lookup"] = (host, options, done) => {
  const family = isIP(host);
  if (family === 0) lookupWithCallback(host, options, done);
  else done(null, host, family);
};

function bound(socket: dgram.Socket, local: { host: string; port: number }): Promise<void> {
  return new Promise((resolve, reject) => {
    const onError = (cause: NodeJS.ErrnoException): void => {
      socket.close();
      reject(bindFailure(cause, local));
    };
    socket.once("error", onError);
    socket.bind({ address: local.host, port: local.port, exclusive: true }, () => {
      socket.removeListener("error", onError);
      resolve();
    });
  });
}

function bindFailure(
  cause: NodeJS.ErrnoException,
  { host, port }: { host: string; port: number },
): Failure {
  const context = { host, port, system: cause.code ?? "" };
  if (cause.code === "EADDRINUSE") {
    return new Failure("port-in-use", `UDP port ${port} on ${host} is taken`, {
      origin: "host",
      remedy: "Stop the program that has it, or listen on another port.",
      context,
      cause,
    });
  }
  if (cause.code === "EACCES") {
    return new Failure("permission-denied", `UDP port ${port} on ${host} is not allowed`, {
      origin: "host",
      remedy: "Listen on a port above 1023.",
      context,
      cause,
    });
  }
  return new Failure("address-unreachable", `UDP cannot listen on ${host}:${port}`, {
    origin: "host",
    remedy: "Listen on an address of this machine, such as 127.0.0.1 or 0.0.0.0.",
    context,
    cause,
  });
}

/** node:dgram keeps its descriptor to itself; without it the socket works, one segment at a time. */
function descriptorOf(socket: dgram.Socket): number {
  for (const symbol of Object.getOwnPropertySymbols(socket)) {
    if (symbol.description !== "state symbol") continue;
    const state = Reflect.get(socket, symbol) as { handle?: { fd?: number } } | undefined;
    return state?.handle?.fd ?? -1;
  }
  return -1;
}
