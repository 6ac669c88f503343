/** Runs one seed and says what came of it. */
import type { EngineModule } from "../../host/shared/engine/contract.ts";
import { OracleFailure, require } from "./failure.ts";
import type { FaultCounts } from "./link.ts";
import { BYTES_MIN, MESSAGES_MIN, STREAMS_EACH_WAY_MIN } from "./plan.ts";
import { Trace } from "./trace.ts";
import { type Violation, World } from "./world.ts";

const FAULT_KINDS_MIN = 3;
const TRACE_LINES = 60;

export interface RunReport {
  readonly seed: number;
  /** SHA-256 over every datagram sent, with its time and direction. */
  readonly digest: string;
  readonly datagrams: number;
  readonly virtualMs: number;
  readonly messages: number;
  readonly payloadBytes: number;
  readonly retransmits: number;
  readonly ptos: number;
  readonly duplicates: number;
  readonly reorderDepth: number;
  readonly faults: FaultCounts;
}

export interface RunFailure {
  readonly seed: number;
  readonly oracle: string;
  readonly detail: string;
  readonly trace: readonly string[];
}

/** What the applications really received, which must be at least what every run promises. */
function checkVolume(world: World): { messages: number; payloadBytes: number } {
  let messages = 0;
  let payloadBytes = 0;
  const opened = { client: 0, server: 0 };
  for (const { ends } of world.conversations) {
    for (const { application } of Object.values(ends)) {
      for (const { task, receive, isOpener } of application?.streams.values() ?? []) {
        payloadBytes += receive.payloadBytes;
        if (task.streamKind === "messages") messages += receive.received;
        if (!isOpener) opened[task.opener]++;
      }
    }
  }
  const isEnough =
    messages >= MESSAGES_MIN &&
    payloadBytes >= BYTES_MIN &&
    opened.client >= STREAMS_EACH_WAY_MIN &&
    opened.server >= STREAMS_EACH_WAY_MIN;
  const figures = `${messages} messages, ${payloadBytes} bytes, ${JSON.stringify(opened)} streams`;
  require(isEnough, "work", () => `only ${figures}`);
  const kinds = Object.values(world.faults).filter((count) => count > 0).length;
  require(kinds >= FAULT_KINDS_MIN, "faults", () => `only ${JSON.stringify(world.faults)}`);
  return { messages, payloadBytes };
}

export interface Run {
  readonly seed: number;
  readonly createModule: () => EngineModule;
  /** What the peer of the engine under test breaks on purpose, and the engine must notice. */
  readonly violation: Violation | null;
}

function runWorld({ seed, createModule, violation }: Run, trace: Trace): RunReport {
  const world = new World({ seed, module: createModule(), trace, violation });
  world.run();
  if (violation !== null) return report(world, { messages: 0, payloadBytes: 0 });
  return report(world, checkVolume(world));
}

function report(
  world: World,
  { messages, payloadBytes }: { readonly messages: number; readonly payloadBytes: number },
): RunReport {
  const statistics = world.conversations.flatMap((conversation) => conversation.statistics);
  const sum = (count: (one: (typeof statistics)[number]) => number): number =>
    statistics.reduce((total, one) => total + count(one), 0);
  return {
    seed: world.profile.seed,
    digest: world.wireDigest(),
    datagrams: world.datagrams,
    virtualMs: Math.round(world.schedule.nowUs / 1000),
    messages,
    payloadBytes,
    retransmits: sum((one) => one.packetsLost),
    ptos: sum((one) => one.probeTimeouts),
    duplicates: sum((one) => one.duplicatePackets),
    reorderDepth: Math.max(0, ...statistics.map((one) => one.reorderDepth)),
    faults: world.faults,
  };
}

/** The failure as a value. A trap of the engine is one too: nothing that the network does may cause it. */
function asFailure(seed: number, thrown: unknown, trace: Trace): RunFailure {
  const isRule = thrown instanceof OracleFailure;
  const detail =
    thrown instanceof Error ? (isRule ? thrown.message : thrown.stack) : String(thrown);
  return {
    seed,
    oracle: isRule ? thrown.oracle : "crash",
    detail: detail ?? "",
    trace: trace.last(TRACE_LINES),
  };
}

/** Runs a seed. A failed run is run once more, with its trace; `print` gets each line of one as it happens. */
export function runSeed(
  run: Run,
  print: ((line: string) => void) | null = null,
): RunReport | RunFailure {
  const trace = new Trace(print !== null, print);
  try {
    return runWorld(run, trace);
  } catch (thrown) {
    const failure = asFailure(run.seed, thrown, trace);
    return trace.isOn ? failure : runAgain(run, failure);
  }
}

function runAgain(run: Run, first: RunFailure): RunFailure {
  const trace = new Trace(true);
  try {
    runWorld(run, trace);
  } catch (thrown) {
    const second = asFailure(run.seed, thrown, trace);
    if (second.oracle === first.oracle) return second;
  }
  return { ...first, detail: `${first.detail} (it did not fail the same way again)` };
}

export function isFailure(result: RunReport | RunFailure): result is RunFailure {
  return "oracle" in result;
}
