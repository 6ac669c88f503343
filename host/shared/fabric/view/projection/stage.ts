/** What the projection of one kind of symbol into one tool's layout works with. */
import { isJsonObject, type JsonObject } from "../../../trust/canonical-json.ts";
import type { Registry } from "../../registry/registry.ts";
import type { LossSink } from "../dialects/references.ts";
import type { ToolLayout } from "../layout.ts";
import type { UnshownReason, ViewName } from "../model.ts";
import type { Canvas } from "./canvas.ts";
import type { ShownSymbol } from "./symbols.ts";

export interface Stage {
  readonly registry: Registry;
  readonly canvas: Canvas;
  readonly layout: ToolLayout;
  /** The first of these files that is there, or the first of all. */
  readonly present: (paths: readonly string[]) => Promise<string>;
}

/** A path in the folder that a symbol belongs to. */
export function inBase({ base }: Pick<ShownSymbol, "base">, path: string): string {
  return base === "" ? path : `${base}/${path}`;
}

export function loser(canvas: Canvas, symbol: ShownSymbol, view: ViewName): LossSink {
  return (field, reason) => canvas.lose(symbol.text, view, field, reason);
}

export function leaveOut(
  { canvas }: Stage,
  symbol: ShownSymbol,
  view: ViewName,
  reason: UnshownReason,
  message: string,
): void {
  canvas.leaveOut(symbol.text, view, reason, message);
}

/** The tool has no place for a kind at all. What several tools share is no tool, and lacks nothing. */
export function noPlace(stage: Stage, symbols: readonly ShownSymbol[], kind: string): void {
  const { view, title, isTool } = stage.layout;
  if (!isTool) return;
  for (const symbol of symbols) {
    leaveOut(stage, symbol, view, "no-place", `${title} has no place for ${kind}`);
  }
}

/** Reports what tools of other names wrote for themselves, and members that no dialect knows. */
export function loseForeign(
  canvas: Canvas,
  symbol: ShownSymbol,
  { view, tool }: { readonly view: ViewName; readonly tool: string | null },
  known: readonly string[],
): void {
  const { native } = symbol.inner;
  const natives: JsonObject = isJsonObject(native) ? native : {};
  for (const [owner, members] of Object.entries(natives)) {
    if (owner === tool || !isJsonObject(members)) continue;
    for (const name of Object.keys(members)) {
      // Its own name for the symbol says nothing to another tool.
      if (name === "name") continue;
      canvas.lose(symbol.text, view, `native.${owner}.${name}`, "only-another-tool");
    }
  }
  for (const name of Object.keys(symbol.inner)) {
    if (!known.includes(name)) canvas.lose(symbol.text, view, name, "no-such-field");
  }
}

/** Reports an overlay over what is shown as it is. */
export function loseOverlay({ canvas }: Stage, symbol: ShownSymbol, view: ViewName): void {
  if (symbol.isOverlaid) canvas.lose(symbol.text, view, "overlay", "whole-file");
}
