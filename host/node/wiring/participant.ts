/**
 * The node that runs for this state folder, as one who takes part in a change: it starts and checks what is newly
 * wired before it votes, and changes over in one step.
 *
 * A node that ends meanwhile stands in nobody's way: it shows nothing, and begins with whatever is in force.
 */
import { realpathSync } from "node:fs";
import type { HealthSource } from "../../shared/fabric/apply/canary.ts";
import type {
  Observation,
  Participant,
  Transaction,
  Vote,
} from "../../shared/fabric/apply/participant.ts";
import type { CallSample } from "../../shared/fabric/apply/slo.ts";
import {
  NO_WIRES,
  type PlacedHere,
  wiredItems,
  wiresOf,
} from "../../shared/fabric/bridge/wired-servers.ts";
import { Failure } from "../../shared/ports/failure.ts";
import { askNode, askNodeJson } from "../control.ts";
import type { ShownWiring } from "../node-face.ts";
import type { WiringChange } from "./wiring.ts";

export interface RunningNodeParticipant {
  readonly participant: Participant;
  /** How the calls of wired servers went. */
  readonly health: HealthSource;
}

/** The node of the state folder with this `control.json`; null when none runs, or it serves another project. */
export async function nodeParticipant(
  control: string,
  projectRoot: string,
): Promise<RunningNodeParticipant | null> {
  const wiring = await unlessGone(() => shownWiring(control), null);
  if (wiring === null || wiring.root !== realpathSync(projectRoot)) return null;
  return {
    participant: new NodeParticipant(control, wiring),
    health: {
      calls: (generation) => {
        const path = `/v1/wiring/calls?generation=${generation}`;
        return unlessGone(async () => {
          const answer = await askNodeJson<{ calls: readonly CallSample[] }>(control, {
            method: "GET",
            path,
          });
          return answer.calls;
        }, []);
      },
    },
  };
}

async function shownWiring(control: string): Promise<ShownWiring | null> {
  const request = { method: "GET", path: "/v1/wiring" } as const;
  return (await askNodeJson<{ wiring: ShownWiring | null }>(control, request)).wiring;
}

class NodeParticipant implements Participant {
  readonly name: string;
  readonly #control: string;
  readonly #isPlacedHere: PlacedHere;

  constructor(control: string, { node, nodeNames }: ShownWiring) {
    this.name = `node:${node}`;
    this.#control = control;
    const names = new Set(nodeNames);
    this.#isPlacedHere = (place) => place === undefined || names.has(place);
  }

  async prepare(transaction: Transaction): Promise<Vote> {
    try {
      await this.#ask("prepare", transaction);
      return { ok: true };
    } catch (thrown) {
      return { ok: false, failure: Failure.from(thrown) };
    }
  }

  commit(transaction: Transaction): Promise<void> {
    return this.#ask("commit", transaction);
  }

  abort(transaction: Transaction): Promise<void> {
    return this.#ask("abort", transaction);
  }

  async observe(transaction: Transaction): Promise<Observation> {
    const wiring = await unlessGone(() => shownWiring(this.#control), null);
    if (wiring === null) return this.expect(transaction);
    const shown = new Map(Object.entries(wiring.items));
    return new Map([...this.#items(transaction)].map((item) => [item, shown.get(item) ?? null]));
  }

  expect(transaction: Transaction): Observation {
    const wanted = wiredItems(transaction.target, this.#isPlacedHere);
    return new Map([...this.#items(transaction)].map((item) => [item, wanted.get(item) ?? null]));
  }

  /** What is wired before or after. */
  #items({ current, target }: Transaction): ReadonlySet<string> {
    const before = wiredItems(current ?? NO_WIRES, this.#isPlacedHere);
    return new Set([...before.keys(), ...wiredItems(target, this.#isPlacedHere).keys()]);
  }

  async #ask(step: "prepare" | "commit" | "abort", transaction: Transaction): Promise<void> {
    const { id, plan, target } = transaction;
    const change: WiringChange = {
      id,
      plan,
      generation: target.generation,
      wires: wiresOf(target),
    };
    await unlessGone(async () => {
      await askNode(this.#control, {
        method: "POST",
        path: `/v1/wiring/${step}`,
        body: JSON.stringify(change),
      });
    }, undefined);
  }
}

/** What a running node answers, or `otherwise` where none runs any more. */
async function unlessGone<T>(ask: () => Promise<T>, otherwise: T): Promise<T> {
  try {
    return await ask();
  } catch (thrown) {
    if (Failure.from(thrown).code === "not-running") return otherwise;
    throw thrown;
  }
}
