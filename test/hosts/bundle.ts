/** One module of the tree with everything that it imports, packages too, for runtimes that know no package. */
import { join } from "node:path";
import { rolldown } from "rolldown";
import { ROOT } from "../support/tree.ts";

/** JavaScript of `entry`, as one module. What Node alone has stays an import that only Node takes. */
export async function bundleOf(entry: string): Promise<string> {
  const build = await rolldown({
    input: join(ROOT, entry),
    platform: "neutral",
    external: /^node:/,
    resolve: { mainFields: ["module", "main"] },
  });
  const { output } = await build.generate({ format: "esm" });
  await build.close();
  const [chunk, ...more] = output;
  if (more.length > 0) throw new Error(`${entry} became ${more.length + 1} files`);
  return chunk.code;
}
