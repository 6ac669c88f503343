/**
 * The state folder of a node: where each thing lies. `RTT_HOME` names it, `~/.rtt` otherwise; everything in it belongs
 * to its owner alone (0700, files 0600).
 *
 *   identity.json   config.yaml   peers.json   signers   invitations.json   policy/   receipts/   control.json
 */
import { accessSync, constants, mkdirSync } from "node:fs";
import { homedir } from "node:os";
import { join, resolve } from "node:path";
import { Failure } from "../shared/ports/failure.ts";

export interface StatePaths {
  readonly home: string;
  readonly identity: string;
  readonly config: string;
  readonly peers: string;
  readonly receipts: string;
  /** How to reach the running node: port, token, process id. */
  readonly control: string;
}

/** The state folder that the environment names. */
export function homeOf(environment: Readonly<Record<string, string | undefined>>): string {
  const given = environment["RTT_HOME"];
  return given === undefined || given === "" ? join(homedir(), ".rtt") : resolve(given);
}

export function statePaths(home: string): StatePaths {
  return {
    home,
    identity: join(home, "identity.json"),
    config: join(home, "config.yaml"),
    peers: join(home, "peers.json"),
    receipts: join(home, "receipts"),
    control: join(home, "control.json"),
  };
}

/** Creates the folder when it is missing. Fails with `folder-unwritable`. */
export function openHome(home: string): StatePaths {
  try {
    mkdirSync(home, { recursive: true, mode: 0o700 });
    accessSync(home, constants.R_OK | constants.W_OK | constants.X_OK);
  } catch (cause) {
    throw new Failure("folder-unwritable", `the state folder ${home} cannot be written`, {
      origin: "host",
      context: { folder: home },
      remedy: "Make it writable for this user, or name another one in RTT_HOME.",
      cause,
    });
  }
  return statePaths(home);
}
