/** Reads the configuration for a verb: the file of the state folder, the environment, the verb's own flags. */
import { existsSync, readFileSync } from "node:fs";
import { type Config, type ConfigSources, loadConfig } from "../../shared/config/load.ts";
import { Failure } from "../../shared/ports/failure.ts";

export function configurationOf(
  path: string,
  environment: Readonly<Record<string, string | undefined>>,
  flags: ConfigSources["flags"],
): Config {
  let yaml: ConfigSources["yaml"] = null;
  if (existsSync(path)) {
    try {
      yaml = { path, text: readFileSync(path, "utf8") };
    } catch (cause) {
      throw new Failure("permission-denied", `the configuration ${path} cannot be read`, {
        origin: "host",
        context: { path },
        remedy: "Make it readable for this user.",
        cause,
      });
    }
  }
  return loadConfig({ yaml, environment, flags });
}

/** Collects an option that may be given several times. */
export function collect(value: string, before: readonly string[] | undefined): readonly string[] {
  return [...(before ?? []), value];
}
