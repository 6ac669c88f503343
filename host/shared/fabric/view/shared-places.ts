/** Places that several tools read. Each is one object, so that what is there is there once. */
import { markdownAgent } from "./dialects/agent.ts";
import { SHELL_SPELLING } from "./dialects/references.ts";
import type { AgentPlace, InstructionPlace, SkillPlace } from "./layout.ts";
import type { ViewName } from "./model.ts";

/** The view of places that no tool has for itself. */
export const SHARED_VIEW: ViewName = "shared";

export const AGENTS_MD: InstructionPlace = { view: SHARED_VIEW, tool: null, path: "AGENTS.md" };
export const SHARED_SKILLS: SkillPlace = {
  view: SHARED_VIEW,
  tool: "shared",
  folder: ".agents/skills",
};
export const SHARED_AGENTS: AgentPlace = {
  view: SHARED_VIEW,
  tool: "shared",
  folder: ".agents/agents",
  ending: ".md",
  dialect: markdownAgent({ spelling: SHELL_SPELLING, hasName: true, hasVersion: true }),
};
