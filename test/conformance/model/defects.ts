/**
 * State machines with a rule left out, made of the real one: each must be told from it, by the model beside it and in
 * traces of real runs.
 */
import type { Event, LogStep, State, Step } from "../../../host/shared/fabric/apply/machine.ts";

export interface Machine {
  readonly step: (state: State, event: Event) => Step;
  readonly recover: (steps: readonly LogStep[]) => Step;
}

export interface Defect {
  readonly name: string;
  readonly of: (machine: Machine) => Machine;
}

/** Everybody of a phase that has participants. */
function namesIn(state: State): readonly string[] {
  return "participants" in state ? state.participants : [];
}

export const DEFECTS: readonly Defect[] = [
  {
    name: "asks to commit before the decision is on disk",
    of: ({ step, recover }) => ({
      recover,
      step(state, event) {
        const made = step(state, event);
        if (made.state.phase !== "decidingCommit" || state.phase === "decidingCommit") return made;
        return step(made.state, { on: "logged", type: "commit" });
      },
    }),
  },
  {
    name: "takes a refusal for a yes",
    of: ({ step, recover }) => ({
      recover,
      step(state, event) {
        const isVote = event.on === "refused" && event.request === "prepare";
        if (!isVote) return step(state, event);
        const { request, refusal } = event;
        return step(state, { on: "did", request, participant: refusal.participant });
      },
    }),
  },
  {
    name: "flips before anybody was observed",
    of: ({ step, recover }) => ({
      recover,
      step(state, event) {
        const made = step(state, event);
        if (made.state.phase !== "observing" || state.phase !== "committing") return made;
        const participants = namesIn(made.state);
        return { state: { phase: "flipping", participants }, actions: [{ do: "flip" }] };
      },
    }),
  },
  {
    name: "guesses after a crash that what was begun was decided",
    of: ({ step, recover }) => ({
      step,
      recover: (steps) =>
        recover(steps.at(-1)?.type === "begin" ? [...steps, { type: "commit" }] : steps),
    }),
  },
  {
    name: "forgets after a crash that it was taking back",
    of: ({ step, recover }) => ({
      step,
      recover: (steps) => recover(steps.at(-1)?.type === "revert" ? steps.slice(0, -1) : steps),
    }),
  },
  {
    name: "ends well when the flip failed",
    of: ({ step, recover }) => ({
      recover,
      step: (state, event) => step(state, event.on === "flipFailed" ? { on: "flipped" } : event),
    }),
  },
  {
    name: "does not wait for the last answer",
    of: ({ step, recover }) => ({
      recover,
      step(state, event) {
        const made = step(state, event);
        const { state: after } = made;
        if (after.phase !== "preparing" || after.waiting.length !== 1) return made;
        const [participant = ""] = after.waiting;
        return step(after, { on: "did", request: "prepare", participant });
      },
    }),
  },
];
