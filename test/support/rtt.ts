/**
 * Runs `rtt` as a person does: as processes of their own, each with a state folder of its own, judged by what they
 * print, return and leave behind. A bench is closed only when none of its processes is left, theirs included.
 */
import { type ChildProcessWithoutNullStreams as Child, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdirSync, mkdtempSync, realpathSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import type { Readable } from "node:stream";
import type { ReadyNode } from "../../host/node/demo/node-process.ts";
import { endGroup, processesOf } from "./processes.ts";

export const MAIN = join(import.meta.dirname, "../../host/node/main.ts");

/** Bounds on a loaded machine; whoever reaches one has found a defect. */
const RUN_MS = 120_000;
const READY_MS = 60_000;
const STOP_MS = 10_000;

/** Tests run beside each other, so no node of theirs takes the usual port. */
const ANY_PORT = { RTT_LISTEN: "127.0.0.1:0" };

export interface Run {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** A node that runs: `rtt up` in a state folder. */
export class RttNode {
  readonly ready: ReadyNode;
  readonly #child: Child;
  readonly #errors: () => string;

  constructor(child: Child, ready: ReadyNode, errors: () => string) {
    this.#child = child;
    this.ready = ready;
    this.#errors = errors;
  }

  /** What it wrote to standard error so far. */
  get stderr(): string {
    return this.#errors();
  }

  /** Ends it at once, without a chance to say goodbye. */
  async kill(): Promise<void> {
    await this.#end("SIGKILL");
  }

  /** Ends it in good order and returns its exit code; null when it had to be killed. */
  async stop(): Promise<number | null> {
    const timer = setTimeout(() => endGroup(this.#child.pid), STOP_MS);
    await this.#end("SIGTERM");
    clearTimeout(timer);
    return this.#child.exitCode;
  }

  async #end(signal: NodeJS.Signals): Promise<void> {
    if (this.#child.exitCode !== null || this.#child.signalCode !== null) return;
    const ended = once(this.#child, "exit");
    this.#child.kill(signal);
    await ended;
  }
}

/** A folder for one test file, with state folders in it; everything is gone after `close`. */
export class Bench {
  readonly root: string = realpathSync(mkdtempSync(join(tmpdir(), "rtt-test-")));
  readonly #nodes: RttNode[] = [];
  readonly #children: Child[] = [];
  readonly #places = new Map<string, readonly string[]>();

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

  /** From now on, everything of this state folder runs under `command`, such as in a network namespace. */
  place(home: string, command: readonly string[]): void {
    this.#places.set(home, command);
  }

  /** Runs a verb to its end. */
  async run(home: string, ...args: readonly string[]): Promise<Run> {
    const child = this.#spawn(home, args);
    child.stdin.end();
    const [stdout, stderr] = [gather(child.stdout), gather(child.stderr)];
    const timer = setTimeout(() => endGroup(child.pid), RUN_MS);
    const [code] = (await once(child, "close")) as [number | null];
    clearTimeout(timer);
    return { code, stdout: stdout(), stderr: stderr() };
  }

  /** Runs a verb with `--json` and returns what it answered; another exit code than 0 is an error. */
  async ask<T>(home: string, ...args: readonly string[]): Promise<T> {
    const { code, stdout, stderr } = await this.run(home, ...args, "--json");
    if (code !== 0) throw new Error(`rtt ${args.join(" ")} ended with ${code}: ${stderr}`);
    return JSON.parse(stdout) as T;
  }

  /** Starts a node and waits until it says that it is ready. */
  async up(home: string, ...args: readonly string[]): Promise<RttNode> {
    // With its input open, a node ends also when the test's own process is killed.
    const quiet = ["up", "--json", "--log-level", "error", "--while-input"];
    const child = this.#spawn(home, [...quiet, ...args]);
    const errors = gather(child.stderr);
    const signal = AbortSignal.timeout(READY_MS);
    const ended = once(child, "exit", { signal }).then(() => {
      throw new Error(`rtt up ${args.join(" ")} ended: ${errors()}`);
    });
    const line = once(createInterface({ input: child.stdout }), "line", { signal });
    const [text] = (await Promise.race([line, ended])) as [string];
    ended.catch(() => {});
    const node = new RttNode(child, JSON.parse(text) as ReadyNode, errors);
    this.#nodes.push(node);
    return node;
  }

  /** Signs a policy with the node's own key and puts it in force. */
  async allow(home: string, role: "host" | "device", rules: readonly object[]): Promise<void> {
    const signed = await this.sign(home, policyOf(`test-${role}`, rules));
    const { key } = await this.ask<{ key: string }>(home, "id");
    await this.ask(home, "policy", "trust", key);
    await this.ask(home, "policy", "install", signed, "--role", role);
  }

  /** Signs a policy document with the node's own key and returns the path of the signed file. */
  async sign(home: string, document: { readonly id: string; readonly version: number }) {
    const name = `${home}-${document.id}-${document.version}`;
    const source = this.file(`${name}.json`, JSON.stringify(document));
    const signed = this.path(`${name}.dsse.json`);
    await this.ask(home, "policy", "sign", source, "--out", signed);
    return signed;
  }

  /** Stops everything. Fails when a process of the bench is left, after having ended it. */
  async close(): Promise<void> {
    await Promise.all(this.#nodes.map((node) => node.stop()));
    for (const child of this.#children) endGroup(child.pid);
    const left = await processesOf(this.root);
    rmSync(this.root, { recursive: true, force: true });
    if (left.length > 0) throw new Error(`processes were left behind: ${left.join("; ")}`);
  }

  #spawn(home: string, args: readonly string[]): Child {
    const [command = "", ...rest] = [
      ...(this.#places.get(home) ?? []),
      process.execPath,
      MAIN,
      ...args,
    ];
    const child = spawn(command, rest, {
      // What the program starts begins in this folder too, by which a process that is left is found.
      cwd: this.root,
      detached: true,
      env: { ...process.env, ...ANY_PORT, RTT_HOME: this.path(home) },
      stdio: ["pipe", "pipe", "pipe"],
    });
    this.#children.push(child);
    return child;
  }
}

/** A whole policy document of these rules, valid for an hour, newer than all before it. */
export function policyOf(id: string, rules: readonly object[]) {
  const version = Date.now();
  const validity = { notBefore: 1, notAfter: version + 3_600_000 };
  return { kind: "mxp.policy/v1", id, version, ...validity, rules };
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

function gather(stream: Readable): () => string {
  let text = "";
  stream.on("data", (bytes: Buffer) => (text += bytes.toString()));
  return () => text;
}
