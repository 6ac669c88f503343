/**
 * Which MCP servers a device runs: the default file server over its folders, the entries of its configuration, and
 * those of an imported `.mcp.json`, which other programs write.
 */
import { readFileSync, realpathSync, statSync } from "node:fs";
import { createRequire } from "node:module";
import { dirname, join, resolve } from "node:path";
import type { Config, ServerEntry } from "../shared/config/load.ts";
import { serverEntry } from "../shared/config/settings.ts";
import type { ToolServerSpec } from "../shared/gateway/tool-server.ts";
import { Failure } from "../shared/ports/failure.ts";

export type Environment = Readonly<Record<string, string | undefined>>;

/** What a child may inherit: enough to start programs, nothing that is a secret by custom. */
const INHERITED =
  "PATH HOME USER LOGNAME SHELL LANG LC_ALL TERM TMPDIR TZ " +
  "SystemRoot SystemDrive TEMP TMP APPDATA LOCALAPPDATA USERPROFILE Path";

const DEFAULT_SERVER_PACKAGE = "@modelcontextprotocol/server-filesystem";

/** The servers of a device, by its configuration. Fails with `file-missing` or `config-invalid`. */
export function toolServerSpecs(
  config: Config,
  imported: Readonly<Record<string, ServerEntry>>,
  environment: Environment,
  folder: string,
): readonly ToolServerSpec[] {
  const entries = { ...imported, ...config["device.servers"] };
  const specs = Object.entries(entries).map(([name, entry]) =>
    specOf(name, entry, environment, folder),
  );
  const folders = config["device.folders"];
  const isTaken = Object.hasOwn(entries, "files");
  if (config["device.defaultServer"] && folders.length > 0 && !isTaken) {
    specs.push(defaultServer(folders, environment));
  }
  return specs;
}

/** The official file server, run by this very Node over these folders. */
function defaultServer(folders: readonly string[], environment: Environment): ToolServerSpec {
  const real = folders.map(realFolder);
  return {
    name: "files",
    command: process.execPath,
    args: [defaultServerProgram(), ...real],
    folder: real[0] ?? "/",
    environment: inheritedEnvironment(environment),
  };
}

function realFolder(folder: string): string {
  try {
    const real = realpathSync(resolve(folder));
    if (statSync(real).isDirectory()) return real;
  } catch {
    // Told below, as one failure.
  }
  throw new Failure("file-missing", `there is no folder ${folder}`, {
    origin: "local",
    context: { folder },
    remedy: "Create the folder, or name another one with --folder.",
  });
}

/** The file that the default server runs. Fails with `program-missing`. */
export function defaultServerProgram(): string {
  return programOf(DEFAULT_SERVER_PACKAGE);
}

/** The file that a package's command runs. */
function programOf(packageName: string): string {
  try {
    const manifest = createRequire(import.meta.url).resolve(`${packageName}/package.json`);
    const { bin } = JSON.parse(readFileSync(manifest, "utf8")) as { bin: Record<string, string> };
    return join(dirname(manifest), Object.values(bin)[0] ?? "");
  } catch (cause) {
    throw new Failure("program-missing", `the package ${packageName} is not installed`, {
      origin: "host",
      context: { package: packageName },
      remedy: "Run `npm ci` in the folder of rtt.",
      cause,
    });
  }
}

/** Reads the `mcpServers` of a file as other programs write it; remote servers are left out. */
export function readMcpServers(path: string): Readonly<Record<string, ServerEntry>> {
  const invalid = (problem: string, cause?: unknown): Failure =>
    new Failure("config-invalid", `${path}: ${problem}`, {
      origin: "local",
      context: { path },
      remedy: "Give a file with an object `mcpServers`, as .mcp.json has it.",
      cause,
    });
  let document: { mcpServers?: unknown } | null;
  try {
    document = JSON.parse(readFileSync(path, "utf8")) as typeof document;
  } catch (cause) {
    throw invalid("it cannot be read as JSON", cause);
  }
  const servers = document?.mcpServers;
  if (servers === null || typeof servers !== "object") throw invalid("it has no mcpServers");
  const entries: Record<string, ServerEntry> = {};
  for (const [name, raw] of Object.entries(servers)) {
    // An entry with a URL is a server somewhere else, which this device neither runs nor offers.
    if (raw !== null && typeof raw === "object" && "url" in raw) continue;
    const entry = serverEntry(raw);
    if (entry === null) throw invalid(`the entry "${name}" has no usable command, args or env`);
    entries[
      name
        .toLowerCase()
        .replace(/[^a-z0-9_-]/g, "-")
        .slice(0, 32)
    ] = entry;
  }
  return entries;
}

function specOf(
  name: string,
  entry: ServerEntry,
  environment: Environment,
  folder: string,
): ToolServerSpec {
  const expand = (text: string): string => expandReferences(text, environment, name);
  const own = Object.entries(entry.env).map(([key, value]) => [key, expand(value)] as const);
  return {
    name,
    command: commandPath(expand(entry.command)),
    args: entry.args.map(expand),
    folder: entry.cwd === null ? folder : resolve(folder, expand(entry.cwd)),
    environment: { ...inheritedEnvironment(environment), ...Object.fromEntries(own) },
  };
}

/** `node` means the Node that runs rtt, so that a server runs where no other Node is installed. */
export function commandPath(command: string): string {
  return command === "node" ? process.execPath : command;
}

/** What every server may see of the environment. */
export function inheritedEnvironment(environment: Environment): Record<string, string> {
  const kept: Record<string, string> = {};
  for (const name of INHERITED.split(" ")) {
    const value = environment[name];
    if (value !== undefined) kept[name] = value;
  }
  return kept;
}

/** `${NAME}` and `${env:NAME}`: secrets stay in the environment and out of files. */
function expandReferences(text: string, environment: Environment, server: string): string {
  return text.replace(/\$\{(?:env:)?([A-Za-z_][A-Za-z0-9_]*)\}/g, (_, name: string) => {
    const value = environment[name];
    if (value !== undefined) return value;
    throw new Failure("config-invalid", `the server "${server}" needs ${name}, which is not set`, {
      origin: "local",
      context: { server, variable: name },
      remedy: `Set ${name} in the environment of rtt, or take it out of the entry.`,
    });
  });
}
