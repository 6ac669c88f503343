/** Runs `rtt` as a person does: as a process, with a state folder of its own, judged by what it prints and returns. */
import { type ChildProcess, spawn } from "node:child_process";
import { mkdirSync, mkdtempSync, realpathSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { NodeProcess } from "../../host/node/demo/node-process.ts";

export const MAIN = join(import.meta.dirname, "../../host/node/main.ts");

export interface Run {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** A folder for one test file, with state folders in it; everything is gone after `close`. */
export class Bench {
  readonly root: string = realpathSync(mkdtempSync(join(tmpdir(), "rtt-test-")));
  readonly #nodes: NodeProcess[] = [];
  readonly #children: ChildProcess[] = [];

  /** A path in the folder. */
  path(...parts: readonly string[]): string {
    return join(this.root, ...parts);
  }

  folder(...parts: readonly string[]): string {
    const path = this.path(...parts);
    mkdirSync(path, { recursive: true });
    return path;
  }

  file(name: string, content: string): string {
    const path = this.path(name);
    writeFileSync(path, content);
    return path;
  }

  /** Runs a verb to its end. */
  async run(home: string, ...args: readonly string[]): Promise<Run> {
    const child = spawn(process.execPath, [MAIN, ...args], {
      env: { ...process.env, RTT_HOME: this.path(home) },
      stdio: ["ignore", "pipe", "pipe"],
    });
    this.#children.push(child);
    let stdout = "";
    let stderr = "";
    child.stdout.on("data", (bytes: Buffer) => (stdout += bytes.toString()));
    child.stderr.on("data", (bytes: Buffer) => (stderr += bytes.toString()));
    const code = await new Promise<number | null>((resolve) => child.once("close", resolve));
    return { code, stdout, stderr };
  }

  /** Runs a verb with `--json` and returns what it answered; another exit code than 0 is an error. */
  async ask<T>(home: string, ...args: readonly string[]): Promise<T> {
    const { code, stdout, stderr } = await this.run(home, ...args, "--json");
    if (code !== 0) throw new Error(`rtt ${args.join(" ")} ended with ${code}: ${stderr}`);
    return JSON.parse(stdout) as T;
  }

  /** Starts a node. */
  async up(home: string, ...args: readonly string[]): Promise<NodeProcess> {
    const node = await NodeProcess.start(this.path(home), args);
    this.#nodes.push(node);
    return node;
  }

  /** Signs a policy with the node's own key and puts it in force. */
  async allow(home: string, role: "host" | "device", rules: readonly object[]): Promise<void> {
    const version = Date.now();
    const document = { kind: "mxp.policy/v1", id: `test-${role}`, version, notBefore: 1 };
    const full = { ...document, notAfter: version + 3_600_000, rules };
    const source = this.file(`${home}-${role}.json`, JSON.stringify(full));
    const signed = this.path(`${home}-${role}.dsse.json`);
    const { key } = await this.ask<{ key: string }>(home, "id");
    await this.ask(home, "policy", "trust", key);
    await this.ask(home, "policy", "sign", source, "--out", signed);
    await this.ask(home, "policy", "install", signed, "--role", role);
  }

  async close(): Promise<void> {
    await Promise.all(this.#nodes.map((node) => node.stop()));
    for (const child of this.#children) child.kill("SIGKILL");
    rmSync(this.root, { recursive: true, force: true });
  }
}

/** A rule that lets everybody call these tools. */
export function rule(resources: readonly string[], more: object = {}): object {
  return {
    id: `allow-${resources.join("-")}`,
    effect: "allow",
    principals: ["*"],
    actions: ["tool.call"],
    resources,
    reason: "The test allows it.",
    ...more,
  };
}
