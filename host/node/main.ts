#!/usr/bin/env node
/** `rtt` as a program: the command line in the surroundings of this process. */
import { runCli } from "./cli.ts";

process.exitCode = await runCli(process.argv.slice(2), {
  environment: process.env,
  writeOut: (text) => void process.stdout.write(text),
  writeError: (text) => void process.stderr.write(text),
});
