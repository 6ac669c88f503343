/** What applications do over a link: messages one way, bytes one way, and calls with an answer. */
import type { EngineEvent, MessageHeader, StreamKind } from "../../host/shared/engine/contract.ts";
import type { Link, Side } from "./link.ts";

const CALL: MessageHeader = { type: 0x10, flags: 0, messageId: 1n, traceId: 2n };
const RESPONSE: MessageHeader = { type: 0x11, flags: 8, messageId: 1n, traceId: 2n };
const READ_SIZE = 65_536;

/** Does something `count` times and returns when the other side has it all. */
export type Workload = (count: number) => void;

/** Sends whole messages one way, in turn over `streamCount` streams that stay open. */
export function messages(link: Link, streamCount: number, payload: Uint8Array): Workload {
  const { client, server } = link;
  const ids = openStreams(client, streamCount, "messages");
  const ready = new Set(ids);
  let left = 0;
  let received = 0;
  const pump = (): void => {
    while (left > 0 && ready.size > 0) {
      for (const id of ready) {
        if (left === 0) return;
        const status = client.engine.sendMessage(client.connection, id, CALL, payload, false);
        if (status < 0) ready.delete(id);
        else left -= 1;
      }
    }
  };
  client.onEvent = (event) => {
    if (event.kind === "writable") ready.add(event.stream);
    pump();
  };
  server.onEvent = (event) => {
    if (event.kind !== "readable") return;
    const { engine, connection } = server;
    while (typeof engine.readMessage(connection, event.stream) !== "number") received += 1;
  };
  return (count) => {
    left += count;
    const end = received + count;
    pump();
    link.runUntil(() => received >= end);
  };
}

/** Sends bytes one way, one `chunk` for each count, in turn over `streamCount` streams. */
export function bytes(link: Link, streamCount: number, chunk: Uint8Array): Workload {
  const { client, server } = link;
  const ids = openStreams(client, streamCount, "bytes");
  const target = new Uint8Array(READ_SIZE);
  const left = new Map(ids.map((id) => [id, 0]));
  let received = 0;
  const pump = (id: bigint): void => {
    for (let rest = left.get(id) ?? 0; rest > 0;) {
      const part = chunk.subarray(0, Math.min(rest, chunk.length));
      const taken = client.engine.write(client.connection, id, part, false);
      rest -= taken;
      left.set(id, rest);
      if (taken < part.length) return;
    }
  };
  client.onEvent = (event) => {
    if (event.kind === "writable") pump(event.stream);
  };
  server.onEvent = (event) => {
    if (event.kind !== "readable") return;
    const { engine, connection } = server;
    const read = (): number => engine.read(connection, event.stream, target);
    for (let count = read(); count > 0; count = read()) received += count;
  };
  return (count) => {
    const end = received + count * chunk.length;
    for (let index = 0; index < count; index += 1) {
      const id = ids[index % ids.length]!;
      left.set(id, (left.get(id) ?? 0) + chunk.length);
    }
    for (const id of ids) pump(id);
    link.runUntil(() => received >= end);
  };
}

/** Calls: a stream for each, a message there and a message back, `concurrency` at a time. */
export function calls(link: Link, concurrency: number, payload: Uint8Array): Workload {
  const { client, server } = link;
  let left = 0;
  let running = 0;
  let answered = 0;
  const start = (): void => {
    while (left > 0 && running < concurrency) {
      const id = open(client, "messages");
      // The peer's permission for more streams comes with an event.
      if (id < 0n) return;
      left -= 1;
      running += 1;
      client.engine.sendMessage(client.connection, id, CALL, payload, true);
    }
  };
  client.onEvent = (event) => {
    if (event.kind === "readable" && takeLast(client, event)) {
      running -= 1;
      answered += 1;
    }
    start();
  };
  server.onEvent = (event) => {
    if (event.kind !== "readable" || !takeLast(server, event)) return;
    server.engine.sendMessage(server.connection, event.stream, RESPONSE, payload, true);
  };
  return (count) => {
    left += count;
    const end = answered + count;
    start();
    link.runUntil(() => answered >= end);
  };
}

/** Reads the one message of a direction and its end; false when it is not there yet. */
function takeLast(side: Side, event: Extract<EngineEvent, { kind: "readable" }>): boolean {
  const { engine, connection } = side;
  const message = engine.readMessage(connection, event.stream);
  if (typeof message === "number") return false;
  if (engine.readMessage(connection, event.stream) !== -1) throw new Error("a second message");
  return true;
}

function openStreams(client: Side, count: number, kind: StreamKind): bigint[] {
  return Array.from({ length: count }, () => open(client, kind));
}

function open({ engine, connection }: Side, kind: StreamKind): bigint {
  return engine.openStream(connection, { kind, band: 2, protocol: "bench/1" });
}
