/** Datagrams, as a port: UDP where the host has it. */

/** What the socket can do; the engine adapts and `rtt doctor` prints it. */
export interface DatagramCapabilities {
  /** One send carries many equal segments. */
  readonly gso: boolean;
  /** One receive may carry many merged segments. */
  readonly gro: boolean;
  readonly ecn: boolean;
  /** The socket forbids fragmentation. */
  readonly df: boolean;
  readonly pktinfo: boolean;
}

export interface SocketAddress {
  readonly family: 4 | 6;
  readonly host: string;
  readonly port: number;
}

export interface DatagramSocket {
  readonly local: SocketAddress;
  readonly capabilities: DatagramCapabilities;
  /**
   * Sends `bytes` as segments of `segmentBytes` (the last may be shorter). The bytes are copied or handed to the
   * system before this returns. False when the system's buffer is full; the datagrams are then lost.
   */
  send(bytes: Uint8Array, segmentBytes: number, remote: SocketAddress): boolean;
  /** Stops receiving and frees the port. */
  close(): Promise<void>;
}

export interface Datagrams {
  /** Binds a socket. Fails with `port-in-use` or `permission-denied`. */
  bind(
    local: { readonly host: string; readonly port: number },
    onDatagram: (bytes: Uint8Array, remote: SocketAddress) => void,
  ): Promise<DatagramSocket>;
  /** The IP address of a host name; an address comes back as it is. Fails with `address-unreachable`. */
  resolve(host: string): Promise<string>;
}
