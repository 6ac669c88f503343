/**
 * Two whole engines against node:tls and HTTP/2, all in memory and in one process.
 *
 * Both ends run on the same core, so a rate is that of sender and receiver together. TLS uses the same cipher,
 * ChaCha20-Poly1305. It has no streams, no checksum in every message, no acknowledgements and no flow control of its
 * own, because TCP beneath it would have them; here it is spared them. What it pays for is Node's streams.
 */
import type { Amount, Bench, BenchContext, Candidate } from "../harness.ts";
import { Link } from "./link.ts";
import { http2Calls, tlsCorked, tlsWrites } from "./tls-peer.ts";
import { bytes, calls, messages } from "./workloads.ts";

const MESSAGE_SIZE = 64;
const CHUNK_SIZE = 16_384;
const CORKED = 64;

async function compareAll(context: BenchContext): Promise<void> {
  const message = new Uint8Array(MESSAGE_SIZE);
  const chunk = new Uint8Array(CHUNK_SIZE);

  await context.compare(
    `messages of ${MESSAGE_SIZE} B one way`,
    "node:tls",
    moving({ amount: 1, unit: "messages" }, [
      { name: "node:tls", run: await tlsWrites(message) },
      { name: `node:tls, ${CORKED} corked`, run: await tlsCorked(message, CORKED) },
      ...[1, 4, 64].map((count) => ({
        name: `two engines, streams: ${count}`,
        run: messages(new Link(), count, message),
      })),
    ]),
  );

  await context.compare(
    `bytes one way, chunks of ${CHUNK_SIZE} B`,
    "node:tls",
    moving({ amount: CHUNK_SIZE / 1e6, unit: "MB" }, [
      { name: "node:tls", run: await tlsWrites(chunk) },
      ...[1, 4, 16].map((count) => ({
        name: `two engines, streams: ${count}`,
        run: bytes(new Link(), count, chunk),
      })),
    ]),
  );

  for (const concurrency of [1, 32]) {
    await context.compare(
      `calls of ${MESSAGE_SIZE} B there and back, at once: ${concurrency}`,
      "node:http2 over node:tls",
      moving({ amount: 1, unit: "calls" }, [
        { name: "node:http2 over node:tls", run: await http2Calls(message, concurrency) },
        { name: "two engines", run: calls(new Link(), concurrency, message) },
      ]),
    );
  }
}

function moving(moves: Amount, candidates: readonly Candidate[]): Candidate[] {
  return candidates.map((one) => ({ ...one, moves }));
}

export const bench: Bench = {
  summary: "messages, bytes and calls between two engines in memory, beside node:tls and HTTP/2",
  run: compareAll,
};
