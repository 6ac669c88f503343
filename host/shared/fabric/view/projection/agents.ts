/** Agents: one derived file each, in the tool's dialect. */
import { VERSION_INITIAL } from "../../discovery/source-file.ts";
import { type Stage, inBase, leaveOut, loseForeign, loser, noPlace } from "./stage.ts";
import { nativeOf, type ShownSymbol, textOf } from "./symbols.ts";

/** Members that agents' dialects say, or that say the same as the address. */
const KNOWN = ["$schema", "id", "name", "desc", "description", "instructions", "version", "native"];
/** Of a published manifest, its address. */
const KNOWN_PUBLISHED = [...KNOWN, "rtt_saddr"];

/** Shows agents in a layout; `kept` are those that the tool's own files show. */
export function projectAgents(stage: Stage, agents: readonly ShownSymbol[]): void {
  const { canvas, layout } = stage;
  const place = layout.agents;
  if (place === null) return noPlace(stage, agents, "agents");
  const { view, folder, ending, tool } = place;
  const rest = agents.filter((agent) => {
    const own = agent.sources.find(
      ({ tool: of, format }) => of === tool && /^(?:markdown|codex)-agent$/.test(format),
    );
    if (own !== undefined) canvas.keep(agent, view, own.path);
    return own === undefined;
  });
  for (const agent of rest) {
    const { inner, address } = agent;
    const lose = loser(canvas, agent, view);
    const written = place.dialect.write(
      {
        name: address.name,
        description: textOf(inner, "description") ?? textOf(inner, "desc") ?? "",
        instructions: textOf(inner, "instructions") ?? "",
        version: textOf(inner, "version") ?? VERSION_INITIAL,
        native: nativeOf(agent, tool),
      },
      lose,
    );
    if ("refused" in written) {
      leaveOut(stage, agent, view, "not-expressible", written.refused);
      continue;
    }
    const path = inBase(agent, `${folder}/${address.name}${ending}`);
    const object = canvas.text(written.text);
    if (!canvas.link(agent, view, [{ path, object, isSource: false }])) continue;
    loseForeign(canvas, agent, place, KNOWN_PUBLISHED);
  }
}
