/** A person in a project with real tools' files, who types `rtt`; and the same as processes of their own. */
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdirSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { expect } from "vitest";
import { runCli } from "../../../../host/node/cli.ts";
import type { CommandContext } from "../../../../host/node/commands/context.ts";
import { SILENT } from "../../../../host/shared/telemetry/logger.ts";
import { temporaryFolder } from "../../../support/ports.ts";
import { MAIN } from "../../../support/rtt.ts";
import { toolFolder } from "../../../support/tool-folders.ts";

export interface AppliedAnswer {
  readonly generation: number;
  readonly root: string;
  readonly planId: string;
  readonly isNew: boolean;
  readonly files: readonly { readonly path: string; readonly change: string }[];
  readonly participants: readonly string[];
}

export interface VerifyAnswer {
  readonly ok: boolean;
  readonly entries: number;
  readonly root: string;
  readonly isOpen: boolean;
  readonly code?: string;
}

export class Person {
  readonly project: string;
  readonly home = join(temporaryFolder(), "home");
  readonly environment: Record<string, string | undefined>;

  private constructor(project: string) {
    this.project = project;
    this.environment = { ...process.env, RTT_HOME: this.home, RTT_PROJECT: project };
  }

  /** Whose project was made and scanned. */
  static async create(): Promise<Person> {
    const person = new Person(toolFolder());
    await person.json("init", person.project);
    await person.json("scan");
    return person;
  }

  /** What a verb is given that answers nobody. */
  get context(): CommandContext {
    return {
      home: this.home,
      environment: this.environment,
      log: SILENT,
      isJson: () => true,
      answer: () => {},
      exitWith: () => {},
    };
  }

  /** Scans, plans and applies. */
  async change(): Promise<AppliedAnswer> {
    await this.json("scan");
    await this.json("plan");
    return this.json<AppliedAnswer>("apply");
  }

  path(...parts: readonly string[]): string {
    return join(this.project, ...parts);
  }

  /** An agent in the person's own folder of a tool. */
  addAgent(name: string, text = `You are ${name}.`): void {
    const path = this.path(`.claude/agents/${name}.md`);
    mkdirSync(dirname(path), { recursive: true });
    writeFileSync(path, `---\nname: ${name}\ndescription: Is ${name}\n---\n\n${text}\n`);
  }

  async run(...words: readonly string[]) {
    let [out, err] = ["", ""];
    const code = await runCli(words, {
      environment: this.environment,
      writeOut: (text) => (out += text),
      writeError: (text) => (err += text),
    });
    return { code, out, err };
  }

  async json<T>(...words: readonly string[]): Promise<T> {
    const { code, out, err } = await this.run(...words, "--json");
    if (code !== 0) throw new Error(`rtt ${words.join(" ")} ended with ${code}: ${err}`);
    expect(out.trimEnd()).not.toContain("\n");
    return JSON.parse(out) as T;
  }

  /** The code of the failure that a verb ends with, and its exit code. */
  async failure(...words: readonly string[]) {
    const { code, err } = await this.run(...words, "--json");
    const line = err.split("\n").find((text) => text.startsWith('{"error"')) ?? "{}";
    const { error } = JSON.parse(line) as { error?: { code: string; message: string } };
    return { exit: code, code: error?.code ?? "none", message: error?.message ?? "" };
  }

  /** Starts a verb as a process. */
  start(...words: readonly string[]): ChildProcess {
    return spawn(process.execPath, [MAIN, ...words], {
      env: this.environment,
      stdio: ["ignore", "pipe", "pipe"],
    });
  }

  /** Runs a verb as a process to its end. */
  async process(...words: readonly string[]) {
    const child = this.start(...words, "--json");
    let [out, err] = ["", ""];
    child.stdout?.on("data", (bytes: Buffer) => (out += bytes.toString()));
    child.stderr?.on("data", (bytes: Buffer) => (err += bytes.toString()));
    const [code] = (await once(child, "close")) as [number | null];
    return { code, out, err };
  }
}
