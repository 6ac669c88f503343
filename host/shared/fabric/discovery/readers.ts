/** Which reader a format has. */
import { readCodexAgent } from "./formats/codex-agent.ts";
import { readCodexConfig } from "./formats/codex-config.ts";
import { readMarkdownAgent } from "./formats/markdown-agent.ts";
import { readMcpJson, readMcpJsonc } from "./formats/mcp-json.ts";
import { readOpencodeConfig } from "./formats/opencode-config.ts";
import { readRttAgent, readRttManifest } from "./formats/rtt-manifest.ts";
import { readRule } from "./formats/rule.ts";
import { readSkill } from "./formats/skill.ts";
import type { FormatName } from "./places.ts";
import type { Reader } from "./source-file.ts";

/** Raise it whenever a reader answers otherwise than before: what is in the cache is then read again. */
export const READERS_VERSION = 5;

/** A file that belongs to a skill is not read for itself: null. */
export const READERS: Readonly<Record<FormatName, Reader | null>> = {
  "codex-agent": readCodexAgent,
  "codex-config": readCodexConfig,
  "markdown-agent": readMarkdownAgent,
  "mcp-json": readMcpJson,
  "mcp-jsonc": readMcpJsonc,
  "opencode-config": readOpencodeConfig,
  "rtt-agent": readRttAgent,
  "rtt-manifest": readRttManifest,
  rule: readRule,
  skill: readSkill,
  "skill-file": null,
};
