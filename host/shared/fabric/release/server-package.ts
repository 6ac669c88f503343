/**
 * Which package an MCP server's command line runs, where a package runner is the command:
 *
 *   npx -y @scope/server@1.2.3 …        npm     also npm exec, bunx, pnpm dlx, yarn dlx
 *   uvx --from server==1.2.3 serve      pypi    also uv tool run, pipx run
 *   docker run -i --rm owner/image:tag  docker  also podman
 *
 * Without an exact version nobody knows which one will run; that is told, since it may be another one tomorrow.
 */
import { isJsonObject, type Json } from "../../trust/canonical-json.ts";

export interface ServerPackage {
  readonly ecosystem: "npm" | "pypi" | "docker";
  /** "@scope/server", "owner/image". */
  readonly name: string;
  /** Exact; null when the command line leaves it open. */
  readonly version: string | null;
  /** The package URL. */
  readonly purl: string;
}

interface Runner {
  readonly ecosystem: ServerPackage["ecosystem"];
  /** Words that follow the command before the package's. */
  readonly words: readonly string[];
  /** Flags whose next word names the package. */
  readonly named: readonly string[];
  /** Flags that take the next word. */
  readonly valued: readonly string[];
}

const NPM: Omit<Runner, "words"> = {
  ecosystem: "npm",
  named: ["-p", "--package"],
  valued: ["--registry", "--cache", "-c", "--call"],
};
const PYPI: Omit<Runner, "words"> = {
  ecosystem: "pypi",
  named: ["--from", "--spec"],
  valued: ["--with", "--python", "-p", "--index-url", "-i", "--directory", "--pip-args"],
};
const DOCKER: Runner = {
  ecosystem: "docker",
  words: ["run"],
  named: [],
  valued: (
    "-e --env --env-file -v --volume --mount -p --publish --name --network --net -w --workdir -u --user " +
    "--entrypoint --platform -l --label --memory -m --cpus --add-host --pull -h --hostname"
  ).split(" "),
};

const RUNNERS: Readonly<Record<string, readonly Runner[]>> = {
  npx: [{ ...NPM, words: [] }],
  bunx: [{ ...NPM, words: [] }],
  npm: [
    { ...NPM, words: ["exec"] },
    { ...NPM, words: ["x"] },
  ],
  pnpm: [{ ...NPM, words: ["dlx"] }],
  yarn: [{ ...NPM, words: ["dlx"] }],
  bun: [{ ...NPM, words: ["x"] }],
  uvx: [{ ...PYPI, words: [] }],
  uv: [{ ...PYPI, words: ["tool", "run"] }],
  pipx: [{ ...PYPI, words: ["run"] }],
  docker: [DOCKER],
  podman: [DOCKER],
};

const VERSION = /^v?(\d+\.\d+\.\d+(?:[-+][0-9A-Za-z.+-]+)?)$/;

/** The package of the body of an "mcp-server" object; null when its command names none. */
export function packageOfServer(body: Json): ServerPackage | null {
  const server = isJsonObject(body) ? body["server"] : undefined;
  if (!isJsonObject(server)) return null;
  const { command, args } = server;
  if (typeof command !== "string") return null;
  const program = (command.split(/[/\\]/).at(-1) ?? "").replace(/\.(?:cmd|exe|ps1)$/i, "");
  // A reference to a secret stands for a word that names no package.
  const words = Array.isArray(args)
    ? (args as readonly Json[]).map((word) => (typeof word === "string" ? word : ""))
    : [];
  for (const runner of Object.hasOwn(RUNNERS, program) ? (RUNNERS[program] ?? []) : []) {
    if (!runner.words.every((word, at) => words[at] === word)) continue;
    const spec = specOf(words.slice(runner.words.length), runner);
    if (spec !== null) return PARSERS[runner.ecosystem](spec);
  }
  return null;
}

/** The word that names the package. */
function specOf(words: readonly string[], { named, valued }: Runner): string | null {
  for (let at = 0; at < words.length; at++) {
    const word = words[at] as string;
    const [flag = "", value] = word.split(/=(.*)/s);
    if (named.includes(flag)) return value ?? words[at + 1] ?? null;
    if (word === "--") return words[at + 1] ?? null;
    if (valued.includes(word)) at += 1;
    else if (!word.startsWith("-")) return word === "" ? null : word;
  }
  return null;
}

const PARSERS: Readonly<
  Record<ServerPackage["ecosystem"], (spec: string) => ServerPackage | null>
> = {
  npm(spec) {
    const [, name, asked] = /^((?:@[a-z0-9._~-]+\/)?[a-z0-9._~-]+)(?:@(.+))?$/i.exec(spec) ?? [];
    if (name === undefined) return null;
    return packageOf("npm", name, asked);
  },

  pypi(spec) {
    const match = /^([A-Za-z0-9][A-Za-z0-9._-]*)(?:\[[^\]]*\])?(?:(?:==|@)(.+))?$/.exec(spec);
    if (match === null) return null;
    // PEP 503: one spelling for each name.
    const name = (match[1] as string).toLowerCase().replace(/[-_.]+/g, "-");
    return packageOf("pypi", name, match[2]);
  },

  docker(spec) {
    const match =
      /^([a-z0-9][a-z0-9._/-]*(?::\d+\/[a-z0-9._/-]+)?)(?::([\w.-]+))?(?:@(sha256:[0-9a-f]{64}))?$/.exec(
        spec,
      );
    const [, name, tag, digest] = match ?? [];
    if (name === undefined) return null;
    // Only a digest says which image it is; a tag moves.
    const version = digest ?? null;
    const written = digest ?? tag;
    return { ecosystem: "docker", name, version, purl: purlOf("docker", name, written) };
  },
};

function packageOf(
  ecosystem: "npm" | "pypi",
  name: string,
  asked: string | undefined,
): ServerPackage {
  const version = VERSION.exec(asked ?? "")?.[1] ?? null;
  return { ecosystem, name, version, purl: purlOf(ecosystem, name, version ?? undefined) };
}

/** The package URL, each part percent-encoded as its specification says. */
export function purlOf(ecosystem: string, name: string, version?: string): string {
  const path = name.split("/").map(encodePart).join("/");
  return `pkg:${ecosystem}/${path}${version === undefined ? "" : `@${encodePart(version)}`}`;
}

function encodePart(text: string): string {
  return encodeURIComponent(text).replace(/%3A/g, ":");
}
