/**
 * Two machines on one: two network namespaces of Linux, joined by one virtual cable that can be pulled. Each has an
 * address, a loopback of its own, and no way to anywhere else.
 */
import { spawnSync } from "node:child_process";
import { existsSync } from "node:fs";

const SUBNET = "10.77.31";

export class TwoMachines {
  readonly #names: readonly [string, string];
  readonly #cable: readonly [string, string];

  private constructor() {
    // Names of interfaces have 15 characters at most, so the process id is what tells runs apart.
    const unique = process.pid.toString(36);
    this.#names = [`mxp-${unique}-a`, `mxp-${unique}-b`];
    this.#cable = [`mxp${unique}a`, `mxp${unique}b`];
  }

  /** Builds both; null where this is not permitted (it needs root and iproute2). */
  static open(): TwoMachines | null {
    const machines = new TwoMachines();
    removeLeftovers();
    try {
      machines.#build();
      return machines;
    } catch (thrown) {
      console.error(`network namespaces are not permitted here: ${String(thrown)}`);
      machines.close();
      return null;
    }
  }

  /** Address of a machine on the cable. */
  address(machine: 0 | 1): string {
    return `${SUBNET}.${machine + 1}`;
  }

  /** What to put before a command to run it on a machine. */
  on(machine: 0 | 1): readonly string[] {
    return ["ip", "netns", "exec", this.#names[machine]];
  }

  /** Pulls the cable, or plugs it in again. */
  setLink(state: "up" | "down"): void {
    ip("-n", this.#names[1], "link", "set", this.#cable[1], state);
  }

  close(): void {
    // Deleting a namespace deletes its end of the cable, and so the other one.
    for (const name of this.#names) spawnSync("ip", ["netns", "del", name]);
  }

  #build(): void {
    for (const name of this.#names) ip("netns", "add", name);
    const [near, far] = this.#cable;
    const [a, b] = this.#names;
    ip("link", "add", near, "netns", a, "type", "veth", "peer", "name", far, "netns", b);
    for (const machine of [0, 1] as const) {
      const name = this.#names[machine];
      ip("-n", name, "address", "add", `${this.address(machine)}/24`, "dev", this.#cable[machine]);
      ip("-n", name, "link", "set", "lo", "up");
      ip("-n", name, "link", "set", this.#cable[machine], "up");
    }
  }
}

/** Namespaces of runs that were killed: nobody else would remove them. */
function removeLeftovers(): void {
  const list = spawnSync("ip", ["netns", "list"], { encoding: "utf8" }).stdout ?? "";
  for (const [, name = "", unique = ""] of list.matchAll(/^(mxp-([0-9a-z]+)-[ab])\b/gm)) {
    if (!existsSync(`/proc/${Number.parseInt(unique, 36)}`)) {
      spawnSync("ip", ["netns", "del", name]);
    }
  }
}

function ip(...args: readonly string[]): void {
  const { status, stderr, error } = spawnSync("ip", args, { encoding: "utf8" });
  if (status !== 0) throw new Error(`ip ${args.join(" ")}: ${error?.message ?? stderr.trim()}`);
}
