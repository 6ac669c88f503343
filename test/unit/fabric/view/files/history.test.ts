/**
 * Goal: whatever a user and views do to the same files, in whatever order, the user's bytes stay, and views settle.
 * Method: random histories of edits, deletions, changes of what is wanted, and ways back, on files in memory; after
 * each change of views everything is looked at that has to hold then.
 */
import fc from "fast-check";
import { expect, test } from "vitest";
import type { Generation } from "../../../../../host/shared/fabric/generation.ts";
import type {
  PlannedViews,
  ViewProblem,
} from "../../../../../host/shared/fabric/view/files/plan-files.ts";
import type { DesiredFile } from "../../../../../host/shared/fabric/view/model.ts";
import { viewStatus } from "../../../../../host/shared/fabric/view/status/status.ts";
import { MemoryFiles } from "../../../../support/memory-files.ts";
import { server, ViewWorld } from "./world.ts";

const LINKS = ["a.md", "folder/b.md"] as const;
const CONFIG = "mcp.json";
/** Texts that views show too; whoever writes one of them says nothing of their own. */
const SHARED = ["one", "two"] as const;

type Wanted = Readonly<Record<(typeof LINKS)[number] | typeof CONFIG, number>>;

type Action =
  | { readonly do: "write"; readonly path: (typeof LINKS)[number]; readonly text: string }
  | { readonly do: "delete"; readonly path: (typeof LINKS)[number] | typeof CONFIG }
  | { readonly do: "configure"; readonly change: number }
  | { readonly do: "apply"; readonly wanted: Wanted }
  | { readonly do: "back"; readonly steps: number };

const path = fc.constantFrom(...LINKS);
const choice = fc.nat({ max: 2 });
const action: fc.Arbitrary<Action> = fc.oneof(
  fc.record({
    do: fc.constant("write" as const),
    path,
    text: fc.constantFrom(...SHARED, "mine", "mine too"),
  }),
  fc.record({ do: fc.constant("delete" as const), path: fc.constantFrom(...LINKS, CONFIG) }),
  fc.record({ do: fc.constant("configure" as const), change: fc.nat({ max: 4 }) }),
  fc.record({
    do: fc.constant("apply" as const),
    wanted: fc.record({ "a.md": choice, "folder/b.md": choice, "mcp.json": choice }),
  }),
  fc.record({ do: fc.constant("back" as const), steps: fc.nat({ max: 3 }) }),
);

const FIELDS = [[], [server("a")], [server("a", "node"), server("b")]] as const;

async function desiredOf(world: ViewWorld, wanted: Wanted): Promise<readonly DesiredFile[]> {
  const desired: DesiredFile[] = [];
  for (const name of LINKS) {
    const text = SHARED[wanted[name] - 1];
    if (text !== undefined) desired.push(await world.link(name, text));
  }
  const fields = FIELDS[wanted[CONFIG]] ?? [];
  if (fields.length > 0) desired.push(await world.merge(CONFIG, "jsonc", fields));
  return desired;
}

/** What a user does to the configuration; comments and members are numbered, so that each is known again. */
function configured(text: string | null, change: number): string {
  const now = text ?? "{\n}\n";
  if (change === 0) return '{\n  // mine\n  "theme": "dark"\n}\n';
  if (change === 1) return now.replace("{", "{\n  // mine");
  if (change === 2) return now.replace('"npx"', '"edited"');
  if (change === 3) return now.replace(/"a": \{[^}]*\}/, '"a": "gone"');
  return '{ "mcpServers": { "a": 1 }, "mine": [] }';
}

function isShared(text: string | null): boolean {
  return SHARED.some((one) => one === text);
}

class History {
  readonly #world: ViewWorld;
  readonly #past: (Generation | null)[] = [null];
  /** What the user wrote last at the path of a link, where views have nothing of it. */
  readonly #own = new Map<string, string | null>();
  #comments = 0;

  constructor(world: ViewWorld) {
    this.#world = world;
  }

  async take(one: Action): Promise<void> {
    const world = this.#world;
    switch (one.do) {
      case "write":
        await world.write(one.path, one.text);
        if (this.#isOwn(one.path, one.text)) this.#own.set(one.path, one.text);
        else this.#own.delete(one.path);
        return;
      case "delete":
        await world.files.remove(world.path(one.path));
        this.#own.delete(one.path);
        if (one.path === CONFIG) this.#comments = 0;
        return;
      case "configure":
        await world.write(CONFIG, configured(await world.text(CONFIG), one.change));
        this.#comments = await this.#commentsNow();
        return;
      case "apply": {
        const desired = await desiredOf(world, one.wanted);
        const planned = await world.apply(desired);
        const { problems } = planned;
        const again = await world.plan(desired);
        expect(again.files).toEqual([]);
        // An edit of what nobody wants any more is told once: it is the user's from then on.
        const isTold = ({ message }: ViewProblem): boolean =>
          again.problems.some((other) => other.message === message);
        const told = problems.filter(isTold);
        const untold = problems.filter((problem) => !isTold(problem));
        expect(again.problems).toEqual(told);
        expect(untold.filter(({ message }) => !message.includes("was edited"))).toEqual([]);
        await this.#judge(planned);
        return;
      }
      case "back": {
        const target = this.#past.at(-1 - one.steps) ?? null;
        await this.#judge(await world.rollback(target));
      }
    }
  }

  /** A view's file that somebody makes say what views say too is no file of theirs. */
  #isOwn(name: string, text: string): boolean {
    const shown = this.#world.generation?.files.find((file) => file.path === name);
    return shown?.original !== undefined || shown === undefined || !isShared(text);
  }

  async #judge({ files, problems }: PlannedViews): Promise<void> {
    const world = this.#world;
    // What was given back is the user's from then on.
    for (const { path: name, how, after } of files) {
      if (how === "restore" && after !== null && name !== CONFIG) {
        this.#own.set(name, await world.text(name));
      }
    }
    this.#past.push(world.generation);
    const drift = await this.#drift();
    if (problems.length === 0) expect(drift).toEqual([]);
    for (const [name, text] of this.#own) {
      if (!isShared(text)) expect(await world.text(name)).toBe(text);
      else if ((await world.text(name)) === null) throw new Error(`${name} is gone`);
    }
    expect(await this.#commentsNow()).toBe(this.#comments);
    const staged = [...(world.files as MemoryFiles).all.keys()].filter((one) =>
      one.includes("/staging/"),
    );
    expect(staged).toEqual([]);
  }

  async #drift() {
    const { ports, root, registry, generation } = this.#world;
    return (await viewStatus(ports, root, registry, generation, { hasModes: false })).drift;
  }

  async #commentsNow(): Promise<number> {
    return ((await this.#world.text(CONFIG)) ?? "").split("// mine").length - 1;
  }

  /** Views go; what the user has written is what is left. */
  async end(): Promise<void> {
    const world = this.#world;
    // A file that was the user's before the first view comes back, even where they have deleted it since.
    const first = (world.generation?.files ?? []).filter((file) => file.original !== undefined);
    const planned = await world.rollback(null);
    await this.#judge(planned);
    // Where nothing is shown, no field is watched.
    expect((await this.#drift()).filter(({ field }) => field !== null)).toEqual([]);
    const told = new Set([...planned.problems, ...first].map((one) => one.path));
    for (const name of LINKS) {
      if (!this.#own.has(name) && !told.has(name)) expect(await world.text(name)).toBe(null);
    }
  }
}

test("histories of users and views", async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(action, { minLength: 1, maxLength: 12 }), async (actions) => {
      const history = new History(await ViewWorld.open(new MemoryFiles(), "/p"));
      for (const one of actions) await history.take(one);
      await history.end();
    }),
    { numRuns: 400 },
  );
});
