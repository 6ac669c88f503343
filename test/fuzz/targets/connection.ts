/**
 * The engine behind the decryption: an authentic peer, a second implementation, that sends payloads
 * which no engine would send, and handshake payloads likewise.
 */
import { decodeFrame, encodeFrame, type FrameValue } from "../../reference/frames.ts";
import { decodeParameters } from "../../reference/parameters.ts";
import type { Random } from "../../sim/random.ts";
import { ScriptedServer } from "../../support/scripted-peer.ts";
import { anyBytes, anyExtension, anyFrame } from "../../support/wire-values.ts";
import { mutate } from "../mutate.ts";
import { judged, requireEqual, type Target } from "../target.ts";

const PAYLOAD_MAX = 1168;
/**
 * Closing lasts three probe timeouts, a handshake ten seconds; after this, slots are free again.
 */
const PAUSE_US = 12_000_000;
const FRAME_INVALID = 25;
const PROTOCOL_VIOLATION = 26;
/** What an authentic peer can be told whose frames are all well-formed. */
const STATEFUL_CODES = [26, 27, 28, 29, 30, 32];

/** A frame for a stream that is likely to exist, at an offset that is likely to fit. */
function likelyFrame(random: Random): FrameValue {
  const frame = random.chance(0.1) ? anyExtension(random) : anyFrame(random);
  // Mostly streams of the initiator, which is this side; sometimes one that the engine never
  // opened.
  const id = 4n * BigInt(random.between(0, 5)) + (random.chance(0.1) ? 2n : 0n);
  switch (frame.type) {
    case "stream-data":
      return { ...frame, id, offset: BigInt(random.between(0, 40)), data: anyBytes(random, 60) };
    case "stream-fin":
      return { ...frame, id, finalSize: BigInt(random.between(0, 100)) };
    case "stream-open":
    case "stop-sending":
      return { ...frame, id };
    case "reset-stream":
      return { ...frame, id, finalSize: BigInt(random.between(0, 100)) };
    case "stream-limit":
      return { ...frame, id };
    case "ack": {
      const largest = BigInt(random.between(0, 6));
      const smallest = largest - BigInt(random.between(0, Number(largest)));
      return { ...frame, ranges: [{ smallest, largest }] };
    }
    default:
      return frame;
  }
}

function anyPayload(random: Random): Uint8Array<ArrayBuffer> {
  let payload = new Uint8Array();
  for (let left = random.between(1, 4); left > 0; left--) {
    const wire = encodeFrame(likelyFrame(random));
    if (payload.length + wire.length > PAYLOAD_MAX) break;
    payload = Uint8Array.from([...payload, ...wire]);
  }
  return random.chance(0.5) ? payload : mutate(random, payload).slice(0, PAYLOAD_MAX);
}

/** Frames before the first one that is refused, and whether there is such a one. */
function walk(payload: Uint8Array): { frames: FrameValue[]; isRefused: boolean } {
  const frames: FrameValue[] = [];
  for (let rest = payload; rest.length > 0;) {
    const decoded = decodeFrame(rest);
    if (decoded === null) return { frames, isRefused: true };
    frames.push(decoded.value);
    rest = rest.subarray(decoded.size);
  }
  return { frames, isRefused: false };
}

/** Checks the answer to a payload; false when the connection is over. */
function checkAnswer(payload: Uint8Array, answer: readonly FrameValue[]): boolean {
  const close = answer.find((frame) => frame.type === "close");
  const { frames, isRefused } = walk(payload);
  // The peer said that it is over: nothing is answered any more.
  const isOver = frames.some((frame) => frame.type === "close");
  if (close === undefined) {
    if (isOver) return false;
    if (isRefused || payload.length === 0) throw new Error("a wrong payload was not refused");
    return true;
  }
  const code = Number(close.code);
  const allowed = payload.length === 0 ? [PROTOCOL_VIOLATION] : [];
  if (isRefused) allowed.push(FRAME_INVALID);
  if (frames.length > 0) allowed.push(...STATEFUL_CODES);
  if (!allowed.includes(code)) throw new Error(`closed with error number ${code}`);
  return false;
}

export const connection: Target = {
  name: "connection",
  about: "authentic packets with damaged payloads to a live connection of the whole engine",
  entries: [],
  needsEngine: true,
  prepare() {
    let server = new ScriptedServer();
    return (random) => {
      const payloads = Array.from({ length: random.between(1, 6) }, () => anyPayload(random));
      const input = Uint8Array.from(payloads.flatMap((payload) => [...payload]));
      const outcome = judged(input, () => {
        // A case depends on nothing that came before it: its connection is its own.
        const peer = server.peer();
        peer.shakeHands();
        peer.send(encodeFrame({ type: "ping" }));
        let taken = 0;
        let isAlive = true;
        for (const payload of payloads) {
          if (!isAlive) break;
          isAlive = checkAnswer(payload, peer.send(payload));
          taken += isAlive ? 1 : 0;
        }
        if (isAlive) peer.send(encodeFrame(CLOSE));
        server.wait(PAUSE_US);
        server.events.length = 0;
        requireEqual(server.engine.endpointStats().connections, 0, "connections left over");
        return taken > 0;
      });
      // A trapped instance is of no more use.
      if (outcome.fault !== null) server = new ScriptedServer();
      return outcome;
    };
  },
};

const CLOSE: FrameValue = {
  type: "close",
  code: 0n,
  isByApplication: true,
  applicationCode: 0n,
  reason: new Uint8Array(),
};

/** Chosen version, then the versions offered, as the scripted initiator states them. */
const VERSION_FACTS = "0150584d0150584d6a5a4a3a";

/** What the responder must see in a payload of message 1 to answer it. */
function mustBeAnswered(payload: Uint8Array, isEncrypted: boolean): boolean {
  const decoded = decodeParameters(payload, isEncrypted);
  const facts = decoded?.strings.get(10);
  if (decoded === null || facts === undefined || !decoded.numbers.has(8)) return false;
  return Buffer.from(facts).toString("hex") === VERSION_FACTS;
}

export const handshake: Target = {
  name: "handshake",
  about: "damaged payloads inside message 1, encrypted and clear, to the whole engine",
  entries: [],
  needsEngine: true,
  prepare() {
    let server = new ScriptedServer();
    return (random) => {
      let input = new Uint8Array();
      const pattern = random.pick(["IK", "NK", "XX", "NX"] as const);
      const damage = (payload: Uint8Array<ArrayBuffer>) => {
        input = new Uint8Array(payload.length);
        input.set(mutate(random, payload).subarray(0, payload.length));
        return input;
      };
      const outcome = judged(input, () => {
        const peer = server.peer({ pattern, damage });
        const initial = peer.initiator.initial();
        const answers = peer.deliver(initial);
        const isEncrypted = pattern === "IK" || pattern === "NK";
        requireEqual(answers.length === 1, mustBeAnswered(input, isEncrypted), "answering");
        const size = answers.reduce((sum, answer) => sum + answer.length, 0);
        if (size > 3 * initial.length) throw new Error("more than three times what came");
        server.wait(PAUSE_US);
        requireEqual(server.events, [], "events of a peer that proved nothing");
        requireEqual(server.engine.endpointStats().connections, 0, "connections left over");
        return answers.length === 1;
      });
      if (outcome.fault !== null) server = new ScriptedServer();
      return { ...outcome, input };
    };
  },
};
