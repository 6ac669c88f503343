/**
 * Goal: a call ends with the right failure whatever the other side does wrong.
 * Method: one side follows the protocol of calls; the other is driven by hand, message by message.
 */
import { expect, test } from "vitest";
import { callRecord } from "../../../host/node/index.ts";
import type { CallHandler } from "../../../host/shared/ports/lane.ts";
import { decodeFailure } from "../../../host/shared/transport/call-error.ts";
import { encodeCall } from "../../../host/shared/transport/call-record.ts";
import { MESSAGE_TYPE, type MessageStream } from "../../../host/shared/transport/index.ts";
import { CALL_PROTOCOL } from "../../../host/shared/transport/lane.ts";
import { gather } from "../../support/nodes.ts";
import { failureCode } from "../../support/ports.ts";
import { Network } from "./network.ts";

const header = (type: number) => ({ type, flags: 0, messageId: 5n, traceId: 6n });
const NOTHING = new Uint8Array(0);

/** A lane whose other side answers each call stream by hand. */
async function callsAnsweredBy(answer: (stream: MessageStream) => Promise<void>) {
  const network = new Network();
  const { lane, far } = await network.pair();
  far.onMessageStream = (stream) => void answer(stream);
  const call = () => network.settle(gather(lane.call("any", callRecord(), Uint8Array.of(1))));
  return { network, call };
}

test("an answer that ends without a response is a violation of the protocol", async () => {
  const { call } = await callsAnsweredBy(async (stream) => {
    await stream.receive();
    await stream.send(header(MESSAGE_TYPE.streamChunk), Uint8Array.of(1), true);
  });
  expect(await failureCode(call)).toBe("protocol-violation");
});

test("a call whose stream the peer resets fails with the peer's code", async () => {
  const { call } = await callsAnsweredBy(async (stream) => {
    await stream.receive();
    stream.cancel("tool-crashed");
  });
  expect(await failureCode(call)).toBe("tool-crashed");
});

test("a call given up before it begins is cancelled and never sent", async () => {
  const network = new Network();
  const { lane, server } = await network.pair();
  let callCount = 0;
  const handler: CallHandler = async function* () {
    callCount += 1;
    yield NOTHING;
  };
  server.transport.serve("any", handler);
  const options = { signal: AbortSignal.abort() };
  const call = () => gather(lane.call("any", callRecord(), NOTHING, options));
  expect(await failureCode(call)).toBe("cancelled");
  await network.pass(100);
  expect(callCount).toBe(0);
});

/** Opens a message stream by hand and returns how the serving side answers. */
async function answerTo(protocol: string, talk: (stream: MessageStream) => Promise<void>) {
  const network = new Network();
  const { near, far, server } = await network.pair();
  server.transport.serve("any", async function* () {
    yield NOTHING;
  });
  const stream = await network.settle(near.openMessages({ protocol }));
  await network.settle(talk(stream));
  const answer = await network.settle(stream.receive());
  expect(answer?.header.type).toBe(MESSAGE_TYPE.error);
  await network.pass(1_000);
  expect(far.stats.streamsOpen).toBe(0);
  return decodeFailure(answer?.payload ?? NOTHING).code;
}

test("a stream of another protocol is answered with unsupported", async () => {
  const code = await answerTo("other/1", (stream) =>
    stream.send(header(MESSAGE_TYPE.call), NOTHING, true),
  );
  expect(code).toBe("unsupported");
});

test("a call stream that begins with something else than a Call is refused", async () => {
  const code = await answerTo(CALL_PROTOCOL, (stream) =>
    stream.send(header(MESSAGE_TYPE.event), NOTHING, true),
  );
  expect(code).toBe("protocol-violation");
});

test("a Call whose record cannot be read is refused", async () => {
  const code = await answerTo(CALL_PROTOCOL, (stream) =>
    stream.send(header(MESSAGE_TYPE.call), Uint8Array.of(1, 2, 3), true),
  );
  expect(code).toBe("protocol-violation");
});

test("a caller that leaves its stream open after the Call is served all the same", async () => {
  const network = new Network();
  const { near, server } = await network.pair();
  server.transport.serve("any", async function* ({ payload }) {
    yield payload;
  });
  const stream = await network.settle(near.openMessages({ protocol: CALL_PROTOCOL }));
  const message = encodeCall("any", callRecord(), Uint8Array.of(3));
  await network.settle(stream.send(header(MESSAGE_TYPE.call), message, false));
  const answer = await network.settle(stream.receive());
  expect(answer).toMatchObject({ payload: Uint8Array.of(3), isLast: true });
  expect(answer?.header).toMatchObject({ type: MESSAGE_TYPE.response, messageId: 5n, traceId: 6n });
});

test("a handler that is given up by its caller is told, and a failure it then throws harms nobody", async () => {
  const network = new Network();
  const { near, lane, server } = await network.pair();
  const aborted = Promise.withResolvers<void>();
  server.transport.serve("slow", async function* ({ signal }) {
    yield* [];
    await new Promise((resolve) => signal.addEventListener("abort", resolve, { once: true }));
    aborted.resolve();
    throw new Error("too late");
  });
  server.transport.serve("echo", async function* ({ payload }) {
    yield payload;
  });
  const stream = await network.settle(near.openMessages({ protocol: CALL_PROTOCOL }));
  const message = encodeCall("slow", callRecord(), NOTHING);
  await network.settle(stream.send(header(MESSAGE_TYPE.call), message, true));
  await network.pass(10);
  stream.cancel("cancelled");
  await network.settle(aborted.promise);
  const echo = gather(lane.call("echo", callRecord(), Uint8Array.of(8)));
  expect(await network.settle(echo)).toEqual([Uint8Array.of(8)]);
});

test("a handler learns that the caller's deadline has passed even when the caller cannot say so", async () => {
  const network = new Network();
  const { lane, server } = await network.pair();
  const aborted = Promise.withResolvers<unknown>();
  server.transport.serve("slow", async function* ({ signal }) {
    await new Promise((resolve) => signal.addEventListener("abort", resolve, { once: true }));
    aborted.resolve(signal.reason);
    yield NOTHING;
  });
  const call = failureCode(() =>
    gather(lane.call("slow", callRecord({ timeoutMs: 500 }), NOTHING)),
  );
  await network.pass(100);
  network.isCut = true;
  expect(await network.settle(aborted.promise)).toMatchObject({ code: "deadline-exceeded" });
  expect(await network.settle(call)).toBe("deadline-exceeded");
});

test("closing a lane ends the calls on it, and waits until it is closed", async () => {
  const network = new Network();
  const { lane, server } = await network.pair();
  server.transport.serve("slow", async function* ({ signal }) {
    await new Promise((resolve) => signal.addEventListener("abort", resolve, { once: true }));
    yield NOTHING;
  });
  const call = failureCode(() => gather(lane.call("slow", callRecord(), NOTHING)));
  await network.pass(100);
  await network.settle(lane.close("going home"));
  expect(await call).toBe("outcome-unknown");
  expect(await lane.closed).toBeNull();
  expect(await network.settle(server.lanes[0]!.closed)).toBeNull();
});
