/**
 * Goal: neither side believes the other. Whatever a device answers or a host asks, the call ends with a named failure,
 * a receipt says so, and nobody signs for what did not happen.
 * Method: real hosts and devices over lanes on which one side's frames are changed or written by hand.
 */
import { afterAll, afterEach, beforeAll, describe, expect, test } from "vitest";
import { nodeClock } from "../../../host/node/clock.ts";
import { makeCallRecord } from "../../../host/shared/gateway/call-record.ts";
import { decodeFrame, encodeFrame, type Frame } from "../../../host/shared/gateway/frames.ts";
import type { CallHandler, IncomingCall, LanePeer } from "../../../host/shared/ports/lane.ts";
import { bundleJson } from "../../../host/shared/trust/bundle.ts";
import { createIdentity, type Identity } from "../../../host/shared/trust/identity.ts";
import type { ReceiptFacts } from "../../../host/shared/trust/receipt/fields.ts";
import { signReceipt, verifyReceipt } from "../../../host/shared/trust/receipt/sign.ts";
import { composeReceipt } from "../../../host/shared/trust/receipt/statement.ts";
import {
  allow,
  createWorld,
  doubleServer,
  PORTS,
  type World,
} from "../../support/gateway-world.ts";
import { linkLanes } from "../../support/memory-lane.ts";
import { gather } from "../../support/nodes.ts";
import { failureCode } from "../../support/ports.ts";

const utf8 = (text: string): Uint8Array<ArrayBuffer> => new Uint8Array(Buffer.from(text));
const ARGS = utf8('{"text":"hello"}');
const OTHER_DIGEST = `sha256:${"0".repeat(64)}`;

/** One for all tests that leave it as it was. */
let shared: World;
beforeAll(async () => {
  shared = await createWorld({
    hostRules: [allow(["*"])],
    deviceRules: [allow(["*"])],
    servers: [doubleServer("good")],
  });
});
afterAll(() => shared.close());

const worlds: World[] = [];
afterEach(async () => {
  await Promise.all(worlds.splice(0).map((one) => one.close()));
});

async function world(mode = "good", deviceConcurrentMax = 8): Promise<World> {
  const made = await createWorld({
    hostRules: [allow(["*"])],
    deviceRules: [allow(["*"])],
    servers: [doubleServer(mode)],
    deviceConcurrentMax,
  });
  worlds.push(made);
  return made;
}

/** Changes one frame of the device's answer; what it returns is sent instead. */
type Change = (frame: Frame, world: World) => readonly Uint8Array[];

const again = ({ fields, raw, type }: Frame, change: object): Uint8Array =>
  encodeFrame(
    { ...fields, type, ...change },
    ...(raw === null ? [] : [{ name: "result", bytes: raw } as const]),
  );

/** Connects with a device that changes its answers to frames of type `asked`. */
async function connectTo(w: World, asked: string, change: Change) {
  const handle: CallHandler = async function* (call) {
    const isAsked = decodeFrame(call.payload).type === asked;
    for await (const bytes of w.device.handle(call)) {
      if (isAsked) yield* change(decodeFrame(bytes), w);
      else yield bytes;
    }
  };
  const side = (identity: Identity, handler: CallHandler) => ({
    id: identity.id,
    publicKey: identity.publicKey,
    handlers: new Map([["tools", handler]]),
  });
  const pair = linkLanes(
    side(w.hostIdentity, (call) => w.host.handle(call)),
    side(w.deviceIdentity, handle),
    nodeClock,
  );
  w.host.addLane(pair.left);
  await w.device.attach(pair.right);
  return pair;
}

const call = (w: World) =>
  w.host.call({
    deviceId: w.deviceIdentity.id,
    tool: "good.echo",
    args: ARGS,
    client: "local",
    depth: 1,
  });

const factsOf = (frame: Frame) => frame.fields["facts"] as { served: object };

describe("a device that answers falsely", () => {
  const VIOLATION = "protocol-violation";
  const lies: readonly (readonly [how: string, change: Change, code: string])[] = [
    ["for another call", (frame) => [again(frame, { correlation_id: "another" })], VIOLATION],
    ["with nothing", () => [], VIOLATION],
    ["with a frame of no meaning", (frame) => [again(frame, { type: "rumour" })], VIOLATION],
    ["that pieces came which did not", (frame) => [again(frame, { chunks: 3 })], VIOLATION],
    ["without a result", (frame) => [again({ ...frame, raw: null }, {})], VIOLATION],
    [
      "with facts of another call",
      (frame) => [again(frame, { facts: { ...factsOf(frame), auditId: "another" } })],
      VIOLATION,
    ],
    [
      "in the name of another device",
      (frame, w) => [again(frame, { facts: { ...factsOf(frame), device: w.hostIdentity.id } })],
      VIOLATION,
    ],
    [
      "with facts of no meaning",
      (frame) => [again(frame, { facts: { served: 1 } })],
      "receipt-invalid",
    ],
    [
      "with a result in pieces that is no JSON",
      (frame) => {
        const { correlation_id } = frame.fields;
        const chunk = { n: 0, data: Buffer.from("{oops").toString("base64") };
        const delta = encodeFrame({ type: "tool.call.delta", correlation_id, chunk });
        return [delta, again({ ...frame, raw: utf8("null") }, { chunks: 1 })];
      },
      VIOLATION,
    ],
  ];

  test.each(lies)("%s is not believed, and the receipt says failed", async (_how, change, code) => {
    const w = shared;
    await connectTo(w, "tool.call.start", change);
    const answer = await call(w);
    expect([answer.failure?.code, answer.result]).toEqual([code, null]);
    const { facts } = verifyReceipt(PORTS, w.hostBook.files.get(answer.correlationId)!);
    expect(facts).toMatchObject({ outcome: "failed", code, delivered: null });
  });

  test("about the arguments that it received is found out, and does not sign for it", async () => {
    const w = shared;
    await connectTo(w, "tool.call.start", (frame) => {
      const facts = factsOf(frame);
      const served = { ...facts.served, received: OTHER_DIGEST };
      return [again(frame, { facts: { ...facts, served } })];
    });
    const answer = await call(w);
    expect(answer.failure?.code).toBe("protocol-violation");
    expect(answer.failure?.message).toContain("other arguments");
    expect(answer.receipt?.isCountersigned).toBe(false);
  });
});

describe("a device that signs falsely", () => {
  const stranger = createIdentity(PORTS.random, PORTS.signatures);

  /** A bundle by `identity` over the receipt of another call. */
  const otherStatement = (identity: Identity, facts: ReceiptFacts) =>
    bundleJson(signReceipt(PORTS, composeReceipt({ ...facts, auditId: "another" }), identity));

  test.each<[string, Change]>([
    ["with nothing", () => []],
    ["with no bundle", (frame) => [again(frame, { bundle: null })]],
    ["with a bundle of no meaning", (frame) => [again(frame, { bundle: { payload: 1 } })]],
  ])("%s leaves the host's signature alone on the receipt", async (_name, change) => {
    const w = shared;
    await connectTo(w, "tool.receipt.sign", change);
    const answer = await call(w);
    expect(answer.failure).toBeNull();
    expect(answer.receipt?.isCountersigned).toBe(false);
    expect(verifyReceipt(PORTS, w.hostBook.files.get(answer.correlationId)!).device).toBeNull();
  });

  test.each(["another statement", "with another key"])("%s is not taken", async (how) => {
    const w = shared;
    await connectTo(w, "tool.call.start", (frame) => [again(frame, {})]);
    const { facts } = await call(w);
    const signer = how === "with another key" ? stranger : w.deviceIdentity;
    await connectTo(w, "tool.receipt.sign", (frame) => [
      again(frame, { bundle: otherStatement(signer, facts) }),
    ]);
    const answer = await call(w);
    expect(answer.failure).toBeNull();
    expect(answer.receipt?.isCountersigned).toBe(false);
  });
});

/** A lane from the host's side to the device, and a way to ask over it by hand. */
async function handDriven(mode = "good", deviceConcurrentMax = 8) {
  const w = await world(mode, deviceConcurrentMax);
  const pair = await w.connect();
  const record = () =>
    makeCallRecord(PORTS.random, {
      tenant: "default",
      timeoutMs: 5_000,
      depth: 1,
      isIdempotent: false,
    });
  const ask = async (fields: object, raw?: string, used = record()) => {
    const start = {
      type: "tool.call.start",
      correlation_id: used.correlationId,
      tenant: "default",
      device_id: w.deviceIdentity.id,
      tool: { name: `${mode}.echo`, version: "1.2.3" },
      caps: { timeoutMs: 5_000, maxBytes: 10_000 },
      policy_id: "any",
      ...fields,
    };
    const args = raw === undefined ? [] : [{ name: "args", bytes: utf8(raw) } as const];
    const parts = await gather(pair.left.call("tools", used, encodeFrame(start, ...args)));
    return decodeFrame(parts.at(-1)!);
  };
  return { w, ask, record };
}

describe("a host that asks falsely", () => {
  test("is refused, and nothing is served", async () => {
    const { w, ask } = await handDriven();
    const named = (name: string) => ({ tool: { name, version: "1.2.3" } });
    const asked: readonly (readonly [string, object, string?])[] = [
      ["without arguments", {}],
      ["with two correlation ids", { correlation_id: "another" }, "{}"],
      ["for no tool", { tool: { version: "1.2.3" } }, "{}"],
      ["for a name that is too long", named("x".repeat(257)), "{}"],
      ["without limits", { caps: {} }, "{}"],
      ["with limits of nothing", { caps: { timeoutMs: 0, maxBytes: 1 } }, "{}"],
      ["for something else", { type: "device.selfdestruct" }, "{}"],
    ];
    for (const [how, fields, args] of asked) {
      expect(await failureCode(() => ask(fields, args)), how).toBe("protocol-violation");
    }
    await w.device.close();
    expect(w.deviceBook.files.size).toBe(0);
  });

  test("for what the device cannot do is told so, and the device accounts for it alone", async () => {
    const { w, ask, record } = await handDriven();
    const asked: readonly (readonly [object, string, string])[] = [
      [{ tool: { name: "x", version: "1.0.0" } }, "{}", "tool-unknown"],
      [{ tool: { name: "good.echo", version: "9.0.0" } }, "{}", "tool-version"],
      [{}, "[]", "tool-args-invalid"],
      [{}, '{"text":7}', "tool-args-invalid"],
    ];
    const codes = new Map<string, string>();
    for (const [fields, args, code] of asked) {
      const used = record();
      const answer = await ask(fields, args, used);
      expect(answer.type).toBe("tool.call.error");
      expect(answer.fields["failure"]).toMatchObject({ code });
      codes.set(used.correlationId, code);
    }
    await w.device.close();
    for (const [correlationId, code] of codes) {
      const alone = verifyReceipt(PORTS, w.deviceBook.files.get(correlationId)!);
      expect([alone.host, alone.device]).toEqual([null, w.deviceIdentity.id]);
      expect(alone.facts.served).toMatchObject({ code, returned: null });
    }
  });

  test("for more calls at once than the device takes is told to wait", async () => {
    const { ask } = await handDriven("slow", 1);
    const calls = ["a", "b"].map((text) => ask({}, JSON.stringify({ text })));
    const ends = await Promise.all(calls.map((one) => failureCode(() => one)));
    expect(ends).toEqual(["none", "would-block"]);
  });

  test("for a signature of a call that never was gets none", async () => {
    const { ask } = await handDriven();
    const sign = { type: "tool.receipt.sign", correlation_id: "never", bundle: {} };
    expect(await failureCode(() => ask(sign))).toBe("receipt-invalid");
  });

  test("for a signature of something else than happened gets none, and the truth is kept", async () => {
    const { w, ask, record } = await handDriven();
    const used = record();
    const completed = await ask({}, '{"text":"hello"}', used);
    expect(completed.type).toBe("tool.call.completed");
    const template = (await call(w)).facts;
    const claimed: ReceiptFacts = { ...template, correlationId: used.correlationId };
    const bundle = bundleJson(signReceipt(PORTS, composeReceipt(claimed), w.hostIdentity));
    const sign = { type: "tool.receipt.sign", correlation_id: used.correlationId, bundle };
    expect(await failureCode(() => ask(sign))).toBe("receipt-invalid");
    await w.device.close();
    const alone = verifyReceipt(PORTS, w.deviceBook.files.get(used.correlationId)!);
    expect([alone.host, alone.facts.auditId]).toEqual([null, used.auditId]);
  });

  test("a call stands although the device cannot keep its receipt", async () => {
    const w = await world();
    await w.connect();
    w.deviceBook.isBroken = true;
    const answer = await call(w);
    expect([answer.failure, answer.receipt?.isCountersigned]).toEqual([null, true]);
  });
});

describe("what reaches a node without leave", () => {
  const incoming = (
    w: World,
    fields: { readonly type: string },
    trust: LanePeer["trust"],
  ): IncomingCall => ({
    peer: {
      id: w.deviceIdentity.id,
      publicKey: w.deviceIdentity.publicKey,
      trust,
      carrier: "memory",
      handshake: "none",
      channelBinding: new Uint8Array(32),
      remote: "nowhere",
    },
    agent: "tools",
    record: makeCallRecord(PORTS.random, {
      tenant: "default",
      timeoutMs: 1_000,
      depth: 1,
      isIdempotent: true,
    }),
    payload: encodeFrame(fields),
    signal: new AbortController().signal,
  });

  test.each(["unknown", "anonymous"] as const)(
    "from an %s peer is refused by both roles",
    async (trust) => {
      const w = shared;
      const asked = incoming(w, { type: "device.heartbeat" }, trust);
      expect(await failureCode(() => gather(w.host.handle(asked)))).toBe("peer-unknown");
      expect(await failureCode(() => gather(w.device.handle(asked)))).toBe("peer-unknown");
    },
  );

  test("a paired device's heartbeat is answered, and a frame that a host does not know is not", async () => {
    const w = shared;
    const [answer] = await gather(
      w.host.handle(incoming(w, { type: "device.heartbeat" }, "pinned")),
    );
    expect(decodeFrame(answer!).type).toBe("device.heartbeat");
    const other = incoming(w, { type: "device.rename" }, "certified");
    expect(await failureCode(() => gather(w.host.handle(other)))).toBe("protocol-violation");
  });

  test("a device of another tenant is not taken in", async () => {
    const w = shared;
    const hello = {
      type: "device.hello",
      device_id: w.deviceIdentity.id,
      tenant: "other",
      name: "laptop",
      catalog: [],
    };
    const code = await failureCode(() => gather(w.host.handle(incoming(w, hello, "pinned"))));
    expect(code).toBe("peer-refused");
  });
});
