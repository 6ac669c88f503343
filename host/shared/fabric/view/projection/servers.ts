/** MCP servers: an entry each in the tool's list, which is in a file of the user's. */
import { spelledName } from "../dialects/server.ts";
import type { ServerPlace } from "../layout.ts";
import type { ConfigFile } from "./canvas.ts";
import { inBase, leaveOut, loseForeign, loser, noPlace, type Stage } from "./stage.ts";
import { nativeOf, type ShownSymbol } from "./symbols.ts";

const KNOWN = [
  "name",
  "version",
  "transport",
  "command",
  "args",
  "env",
  "cwd",
  "url",
  "headers",
  "native",
];

export async function projectServers(stage: Stage, servers: readonly ShownSymbol[]): Promise<void> {
  const { canvas, layout } = stage;
  const place = layout.servers;
  if (place === null) return noPlace(stage, servers, "MCP servers");
  const rest: ShownSymbol[] = [];
  for (const server of servers) {
    const paths = place.paths.map((path) => inBase(server, path));
    const own = server.sources.find(({ path }) => paths.includes(path));
    if (own === undefined) {
      rest.push(server);
      continue;
    }
    canvas.keep(server, place.view, own.path);
    const file = { path: own.path, view: place.view, format: place.format };
    canvas.takeField(server.text, file, [place.member, own.entry ?? nameOf(server, place)]);
  }
  for (const server of rest) {
    const paths = place.paths.map((path) => inBase(server, path));
    const path = await stage.present(paths);
    write(stage, server, place, { path, view: place.view, format: place.format });
  }
}

function nameOf(server: ShownSymbol, { tool }: ServerPlace): string {
  return spelledName(nativeOf(server, tool)) ?? server.address.name;
}

function write(stage: Stage, server: ShownSymbol, place: ServerPlace, file: ConfigFile): void {
  const { canvas } = stage;
  const { view } = place;
  const name = nameOf(server, place);
  if (name === "__proto__" || (place.names !== null && !place.names.test(name))) {
    const message = `${JSON.stringify(name)} is no name of a server there`;
    return leaveOut(stage, server, view, "name-invalid", message);
  }
  const lose = loser(canvas, server, view);
  const parts = { common: server.inner, native: nativeOf(server, place.tool) };
  const written = place.dialect.write(parts, lose);
  if ("refused" in written) {
    return leaveOut(stage, server, view, written.reason, written.refused);
  }
  const path = [place.member, name];
  if (!canvas.takeField(server.text, file, path)) return;
  canvas.field(server.text, file, { path, value: written.entry });
  loseForeign(canvas, server, place, KNOWN);
}
