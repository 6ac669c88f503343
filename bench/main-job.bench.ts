/**
 * The call of the main job: an ordinary MCP client reads a file of another node, against the same client and the same
 * file server joined by stdio, without MXP, policies or receipts.
 *
 * Host, device, file server and `rtt mcp` are processes of their own, so this is wall time, and calls of both kinds
 * alternate in short blocks. Where the time goes is what both nodes noted in the receipts.
 */
import { rmSync } from "node:fs";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import { Client } from "@modelcontextprotocol/client";
import { StdioClientTransport } from "@modelcontextprotocol/client/stdio";
import type { CallMeta } from "../host/node/demo/agent.ts";
import { MainJob } from "../host/node/demo/main-job.ts";
import { quantile, type Bench, type BenchContext, type Measurement } from "./harness.ts";

const DIRECT = "stdio to the file server";
const THROUGH = "through rtt, host and device";
const WHOLE = "what the agent waits for";
const BLOCK = 5;
const WARM_UP = 10;
const SERVER = "@modelcontextprotocol/server-filesystem";

/** Elapsed times of one call, in microseconds. */
type Elapsed = CallMeta["rtt/elapsedUs"];

/** Phases that follow each other, by what the nodes note; what is left is `rtt mcp`, control socket and stdio. */
const PHASES: readonly (readonly [string, (elapsed: Elapsed) => number])[] = [
  ["host: policy", ({ host }) => host["policy"] ?? 0],
  ["host: route", ({ host }) => host["route"] ?? 0],
  ["MXP, there and back", ({ host }) => host["network"] ?? 0],
  ["device: policy", ({ device }) => device?.["policy"] ?? 0],
  ["device: the tool itself", ({ device }) => device?.["tool"] ?? 0],
  ["device: the rest", ({ device }) => rest(device, ["policy", "tool"])],
  ["host: receipt and log, on disk", ({ host }) => host["receipt"] ?? 0],
];

function rest(side: Readonly<Record<string, number>> | null, parts: readonly string[]): number {
  return parts.reduce((left, part) => left - (side?.[part] ?? 0), side?.["total"] ?? 0);
}

interface Sample {
  readonly wholeUs: number;
  readonly elapsed: Elapsed;
}

async function compareAll(context: BenchContext): Promise<void> {
  const job = await MainJob.start("127.0.0.1:0");
  try {
    const { path, content } = job.world.allowed;
    const direct = await directClient(job.world.files);
    const samples = await alternate(context.rounds, {
      direct: async () => {
        const startedMs = performance.now();
        const params = { name: "read_text_file", arguments: { path } };
        const { content: parts } = await direct.callTool(params);
        const [first] = parts;
        if (first?.type !== "text" || first.text !== content) throw new Error("not that file");
        return (performance.now() - startedMs) * 1000;
      },
      through: async () => {
        const { text, elapsedUs, meta } = await job.read(path);
        if (text !== content) throw new Error(`not that file: ${text}`);
        return { wholeUs: elapsedUs, elapsed: meta["rtt/elapsedUs"] };
      },
    });
    await direct.close();
    report(context, samples);
  } finally {
    await job.close();
    rmSync(job.world.root, { recursive: true });
  }
}

/** The official client with the official server, as any agent would run it on one machine. */
async function directClient(folder: string): Promise<Client> {
  const require = createRequire(import.meta.url);
  const program = join(dirname(require.resolve(`${SERVER}/package.json`)), "dist/index.js");
  const client = new Client({ name: "bench", version: "1.0.0" });
  const args = [program, folder];
  await client.connect(new StdioClientTransport({ command: process.execPath, args }));
  return client;
}

interface Ways {
  readonly direct: () => Promise<number>;
  readonly through: () => Promise<Sample>;
}

/** Blocks of one way and the other in every round. */
async function alternate(rounds: number, { direct, through }: Ways) {
  const blocks: { direct: number[]; through: Sample[] }[] = [];
  const times = async <Value>(count: number, call: () => Promise<Value>): Promise<Value[]> => {
    const values: Value[] = [];
    for (let index = 0; index < count; index += 1) values.push(await call());
    return values;
  };
  await times(WARM_UP, direct);
  await times(WARM_UP, through);
  for (let round = 0; round < rounds; round += 1) {
    blocks.push({ direct: await times(BLOCK, direct), through: await times(BLOCK, through) });
  }
  return blocks;
}

function report(context: BenchContext, blocks: Awaited<ReturnType<typeof alternate>>): void {
  const through = blocks.flatMap((block) => block.through);
  const wholes = blocks.map((block) => block.through.map(({ wholeUs }) => wholeUs));
  const directs = blocks.map((block) => block.direct);
  for (const share of [0.5, 0.9]) {
    context.report(`fs.read by an MCP client, p${share * 100}, wall time`, DIRECT, [
      measurement(DIRECT, directs, directs, share),
      measurement(THROUGH, wholes, directs, share),
    ]);
  }
  const known = (elapsed: Elapsed): number => PHASES.reduce((sum, [, of]) => sum + of(elapsed), 0);
  const phases = [
    ...PHASES.map(([name, of]) => [name, through.map(({ elapsed }) => of(elapsed))] as const),
    ["the rest", through.map(({ wholeUs, elapsed }) => wholeUs - known(elapsed))] as const,
  ];
  context.report(`where the time of ${THROUGH} goes, medians`, WHOLE, [
    measurement(WHOLE, wholes, wholes, 0.5),
    ...phases.map(([name, values]) => measurement(name, inBlocks(values), wholes, 0.5)),
  ]);
}

function inBlocks(values: readonly number[]): number[][] {
  return Array.from({ length: values.length / BLOCK }, (_, index) =>
    values.slice(index * BLOCK, (index + 1) * BLOCK),
  );
}

/** A quantile over all calls; its ratio to the baseline's, with the quartiles of the ratios of block medians. */
function measurement(
  name: string,
  own: readonly number[][],
  baseline: readonly number[][],
  share: number,
): Measurement {
  const ratios = own.map((times, round) => quantile(baseline[round]!, 0.5) / quantile(times, 0.5));
  const ofAll = quantile(own.flat(), share);
  return {
    name,
    medianNs: ofAll * 1000,
    ratio: quantile(baseline.flat(), share) / ofAll,
    ratioQuartiles: [quantile(ratios, 0.25), quantile(ratios, 0.75)],
  };
}

export const bench: Bench = {
  summary: "a file read through two nodes, beside the same file server over stdio, by phase",
  run: compareAll,
};
