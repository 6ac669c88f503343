/**
 * The thread that serves the kernel: it reads one request, answers it, and reads the next. Its reads block, so a
 * program that waits for this mount waits for this thread alone and never for the event loop.
 *
 * Ends when the file system is unmounted, or after the next request once it was told to stop.
 */
import { readSync, writevSync } from "node:fs";
import {
  type MessagePort,
  parentPort,
  receiveMessageOnPort,
  workerData,
} from "node:worker_threads";
import { loadDigest } from "../engine.ts";
import { type FailureReport, STOP, TREES, type WorkerData, type WorkerMessage } from "./channel.ts";
import { VerifiedContent } from "./content.ts";
import { decodeRequest } from "./protocol.ts";
import { encodeReply } from "./reply.ts";
import { Session } from "./session.ts";
import type { Snapshot } from "./snapshot.ts";
import { SnapshotTree } from "./snapshot-tree.ts";

/** The kernel never sends more: a head, and at most what may be written, which is a page. It asks for 8 KiB. */
const REQUEST_BYTES_MAX = 64 * 1024;

/** Nothing was read; something was taken back in between. */
const AGAIN: ReadonlySet<string> = new Set(["ENOENT", "EINTR", "EAGAIN"]);
/** The file system is gone, or the kernel has given up on it. */
const OVER: ReadonlySet<string> = new Set(["ENODEV", "ECONNABORTED"]);

const { device, trees, control, snapshot, owner } = workerData as WorkerData;
const flags = new Int32Array(control);
const tell = (message: WorkerMessage): void => parentPort?.postMessage(message, []);

serve();

function serve(): void {
  const content = new VerifiedContent(loadDigest());
  const session = new Session(new SnapshotTree(snapshot, content), owner, {
    onInit: (kernel, isAgreed) => tell({ kind: "init", kernel, isAgreed }),
    onFailure: ({ code, message, context }) => {
      const failure: FailureReport = { code, message, context };
      tell({ kind: "failure", failure });
    },
  });
  const buffer = new Uint8Array(REQUEST_BYTES_MAX);
  let treeCount = 0;
  for (;;) {
    const bytes = nextRequest(buffer);
    if (bytes === null) return;
    // A counter is cheaper to look at than the port, and this happens before every answer.
    if (Atomics.load(flags, TREES) !== treeCount) {
      treeCount = Atomics.load(flags, TREES);
      const next = latest(trees);
      if (next !== null) session.replaceTree(new SnapshotTree(next, content));
    }
    const request = decodeRequest(bytes);
    const answer = request === null ? null : session.answer(request);
    if (request !== null && answer !== null) reply(encodeReply(request.unique, answer));
    if (Atomics.load(flags, STOP) !== 0) return;
  }
}

/** The bytes of one request; null when there will be none. */
function nextRequest(buffer: Uint8Array): Uint8Array | null {
  for (;;) {
    try {
      return buffer.subarray(0, readSync(device, buffer));
    } catch (error) {
      const code = systemCode(error);
      if (OVER.has(code)) return null;
      if (!AGAIN.has(code)) throw error;
    }
  }
}

/** The kernel answers ENOENT when whoever asked no longer waits. */
function reply(parts: readonly Uint8Array[]): void {
  try {
    writevSync(device, parts);
  } catch (error) {
    const code = systemCode(error);
    if (code !== "ENOENT" && !OVER.has(code)) throw error;
  }
}

/** The newest tree that has arrived; null when none has. */
function latest(port: MessagePort): Snapshot | null {
  let newest: Snapshot | null = null;
  for (;;) {
    const received: { readonly message: Snapshot } | undefined = receiveMessageOnPort(port);
    if (received === undefined) return newest;
    newest = received.message;
  }
}

function systemCode(error: unknown): string {
  return String((error as { readonly code?: unknown }).code);
}
