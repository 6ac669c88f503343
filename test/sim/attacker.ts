/**
 * Someone on the path who has no key: plays packets again, sends them back, makes them up, and starts handshakes
 * under other people's addresses.
 */
import type { AddressBytes } from "../../host/shared/engine/contract.ts";
import { simulatedAddress } from "./address.ts";
import type { Datagram, FaultCounts } from "./link.ts";
import { PACKET_HEAD_SIZE, PACKET_TYPE, packetSpans } from "./packets.ts";
import type { AttackProfile } from "./profile.ts";
import type { Random } from "./random.ts";

/** Datagrams that the attacker remembers; the first ones are kept for ever, they are the best to replay. */
const MEMORY_COUNT = 96;
const FIRST_COUNT = 16;
const LATEST_REPLAY_US = 2_000_000;
/** Hosts of the simulated network from this number on do not exist. */
const NOBODY_HOST = 200;

export class Attacker {
  readonly #profile: AttackProfile;
  readonly #random: Random;
  readonly #faults: FaultCounts;
  readonly #inject: (datagram: Datagram, delayUs: number) => void;
  readonly #memory: Datagram[] = [];
  #seen = 0;

  constructor(
    profile: AttackProfile,
    random: Random,
    faults: FaultCounts,
    inject: (datagram: Datagram, delayUs: number) => void,
  ) {
    this.#profile = profile;
    this.#random = random;
    this.#faults = faults;
    this.#inject = inject;
  }

  /** Sees a datagram that an endpoint sends, before the network decides its fate. */
  observe(datagram: Datagram): void {
    this.#remember(datagram);
    const { replayRate, reflectRate, forgeRate, spoofRate } = this.#profile;
    if (this.#random.chance(replayRate)) this.#replay();
    if (this.#random.chance(reflectRate)) this.#reflect(datagram);
    if (this.#random.chance(forgeRate)) this.#forge(datagram);
    const isInitial = packetSpans(datagram.bytes)[0]?.type === PACKET_TYPE.initial;
    if (isInitial && this.#random.chance(spoofRate)) this.#spoof(datagram);
  }

  #remember(datagram: Datagram): void {
    const index =
      this.#seen < MEMORY_COUNT
        ? this.#seen
        : FIRST_COUNT + ((this.#seen - FIRST_COUNT) % (MEMORY_COUNT - FIRST_COUNT));
    this.#memory[index] = datagram;
    this.#seen++;
  }

  #replay(): void {
    this.#faults.replay++;
    this.#inject(this.#random.pick(this.#memory), this.#random.magnitude(1, LATEST_REPLAY_US));
  }

  #reflect(datagram: Datagram): void {
    this.#faults.reflect++;
    const { from, to } = datagram;
    this.#inject(
      { ...datagram, from: to, to: from, original: null },
      this.#random.between(1, 5000),
    );
  }

  /** Keeps the clear head, so that the packet reaches the connection, and invents the rest. */
  #forge(datagram: Datagram): void {
    this.#faults.forge++;
    const bytes = datagram.bytes.slice();
    const start = this.#random.chance(0.8) ? PACKET_HEAD_SIZE : 0;
    bytes.set(this.#random.bytes(Math.max(0, bytes.length - start)), Math.min(start, bytes.length));
    this.#inject({ ...datagram, bytes, original: null }, this.#random.between(1, 5000));
  }

  /** Begins a handshake in the name of an address that never asked, whole, cut short or made longer. */
  #spoof(datagram: Datagram): void {
    const from: AddressBytes = simulatedAddress(
      NOBODY_HOST + this.#random.between(0, 20),
      this.#random.between(1024, 65_535),
    );
    const shape = this.#random.between(0, 2);
    const bytes =
      shape === 0 ? datagram.bytes : this.#resized(datagram.bytes, shape === 1 ? 1199 : 1452);
    for (let repeats = this.#random.between(1, 6); repeats > 0; repeats--) {
      this.#faults.spoof++;
      const copy = { ...datagram, from, bytes, original: null };
      this.#inject(copy, this.#random.between(1, 50_000));
    }
  }

  #resized(bytes: Uint8Array, sizeMax: number): Uint8Array {
    const resized = new Uint8Array(this.#random.between(1, sizeMax));
    resized.set(bytes.subarray(0, resized.length));
    return resized;
  }
}
