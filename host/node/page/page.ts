/** The page of a node: one self-contained HTML file beside this one. */
import { readFileSync } from "node:fs";

export const PAGE: string = readFileSync(new URL("page.html", import.meta.url), "utf8");
