/**
 * Goal: every pattern ends in one shared secret, and nothing less than a right peer gets that far.
 * Method: two engines over a link that loses, repeats and damages what the test says.
 */
import { describe, expect, test } from "vitest";
import { errorNumber } from "../../../host/shared/ports/failure.ts";
import { nodeSignatures } from "../../../host/node/signatures.ts";
import { bytes32, createPerson, Pair, WALL_MS } from "../../support/pair.ts";

const PATTERNS = ["IK", "NK", "XX", "NX"] as const;
const isClosed = (pair: Pair): unknown => pair.find("client", "closed");

describe.each(PATTERNS)("pattern %s", (pattern) => {
  test("connects both sides with one channel binding and the right identities", () => {
    const pair = new Pair();
    pair.connected(pattern);
    const client = pair.take("client", "connected");
    const server = pair.take("server", "connected");
    expect(client.channelBinding).toEqual(server.channelBinding);
    expect(client).toMatchObject({ isInitiator: true, pattern, trust: "pinned" });
    expect(client.identity).toEqual(pair.people.server.identity);
    expect(client.peerStatic).toEqual(pair.people.server.staticPublic);
    expect(client.certificate).toEqual(pair.people.server.certificate);
    const isAnonymous = pattern === "NK" || pattern === "NX";
    expect(server.trust).toBe(isAnonymous ? "anonymous" : "pinned");
    expect(server.identity).toEqual(isAnonymous ? new Uint8Array(0) : pair.people.client.identity);
    expect(server.remote).toEqual(pair.addresses.client);
  });

  // spec-test: docs/protocol.md §5.4
  test("resends the same bytes until an answer comes, and answers repeats with the same bytes", () => {
    const pair = new Pair();
    let lost = 0;
    pair.fate = (from, bytes) => {
      const isAnswer = from === "server" && (bytes[8]! & 7) === 2;
      return isAnswer && lost++ < 2
        ? { delayUs: 0, copies: [] }
        : { delayUs: 5000, copies: [bytes] };
    };
    pair.connected(pattern);
    const initials = pair.wire.filter(({ bytes }) => (bytes[8]! & 7) === 1);
    const answers = pair.wire.filter(({ bytes, from }) => from === "server" && bytes[8] === 2);
    expect(initials.map(({ atUs }) => atUs - initials[0]!.atUs)).toEqual([0, 333_000, 999_000]);
    expect(new Set(initials.map(({ bytes }) => bytes.join())).size).toBe(1);
    expect(answers.length).toBe(3);
    expect(new Set(answers.map(({ bytes }) => bytes.join())).size).toBe(1);
  });

  test("a damaged byte anywhere in a handshake packet is dropped, and the connection still comes", () => {
    for (const position of [0, 7, 9, 10, 12, 16, 30, 100, 130, 300, 400]) {
      const pair = new Pair();
      const damaged = new Set<string>();
      pair.fate = (from, bytes) => {
        const type = `${from}${bytes[8]! & 7}`;
        if ((bytes[8]! & 7) > 2 || damaged.has(type) || position >= bytes.length) {
          return { delayUs: 5000, copies: [bytes] };
        }
        damaged.add(type);
        const copy = bytes.slice();
        copy[position]! ^= 0x10;
        return { delayUs: 5000, copies: [copy] };
      };
      const { client } = pair.connected(pattern);
      expect(client).toBeGreaterThan(0);
      expect(pair.take("client", "connected").channelBinding).toEqual(
        pair.take("server", "connected").channelBinding,
      );
    }
  });
});

// spec-test: docs/protocol.md §5.5
test("the responder never sends more than three times what an unproved address sent", () => {
  const pair = new Pair();
  pair.dial("IK");
  const initial = pair.wire[0]!.bytes;
  pair.fate = () => ({ delayUs: 0, copies: [] });
  let sent = 0;
  for (let count = 1; count <= 40; count += 1) {
    pair.inject("server", initial);
    sent = pair.wire
      .filter(({ from }) => from === "server")
      .reduce((sum, one) => sum + one.bytes.length, 0);
    expect(sent).toBeLessThanOrEqual(3 * count * initial.length);
  }
  expect(sent).toBeGreaterThan(0);
  expect(pair.find("server", "connected")).toBeUndefined();
});

test("an initial that is smaller than the base size gets no answer and no slot", () => {
  const small = new Pair({ clientConfig: { basePacketBytes: 1100, maxPacketBytes: 1200 } });
  small.dial("IK");
  small.runFor(100_000);
  expect(small.server.endpointStats()).toMatchObject({ droppedMalformed: 1, connections: 0 });
  expect(small.wire.some(({ from }) => from === "server")).toBe(false);
});

// spec-test: docs/protocol.md §3.4
test("a responder with another key hints at XX, and the dial ends once the hint repeats", () => {
  const pair = new Pair();
  const other = createPerson(9);
  pair.dial("IK", { remoteStatic: other.staticPublic });
  pair.runUntil(() => isClosed(pair));
  expect(pair.take("client", "closed").code).toBe(errorNumber("key-unknown"));
  expect(pair.nowUs - 1_000_000).toBeLessThan(1_000_000);
  expect(pair.client.endpointStats().connections).toBe(0);
});

test("a hint is not believed once something authentic was read", () => {
  const pair = new Pair();
  pair.connected("IK");
  const hint = pair.wire[0]!.bytes.slice(0, 16);
  hint[8] = 7;
  hint[9] = 2;
  hint[10] = 0;
  hint[11] = 0;
  pair.inject("client", hint);
  pair.inject("client", hint);
  expect(isClosed(pair)).toBeUndefined();
  expect(pair.client.endpointStats().droppedUnauthentic).toBe(2);
});

test("a dial into silence ends with handshake-timeout after ten seconds", () => {
  const pair = new Pair();
  pair.fate = () => ({ delayUs: 0, copies: [] });
  pair.dial("XX");
  pair.runUntil(() => isClosed(pair));
  expect(pair.take("client", "closed").code).toBe(errorNumber("handshake-timeout"));
  expect(pair.nowUs).toBe(1_000_000 + 10_000_000);
  expect(pair.client.nextTimeoutUs()).toBe(Infinity);
});

test("a responder whose initiator never proves itself frees the slot without a word", () => {
  const pair = new Pair();
  pair.dial("IK");
  pair.inject("server", pair.wire[0]!.bytes);
  expect(pair.server.endpointStats().connections).toBe(1);
  pair.fate = () => ({ delayUs: 0, copies: [] });
  pair.runFor(11_000_000);
  expect(pair.server.endpointStats().connections).toBe(0);
  expect(pair.events.server).toEqual([]);
});

describe("certificates", () => {
  const authority = { seed: bytes32(40), publicKey: nodeSignatures.publicKey(bytes32(40)) };
  const DAY_MS = 86_400_000;

  test("a certificate by a trusted authority makes both sides certified", () => {
    const client = createPerson(1, { issuer: authority });
    const server = createPerson(2, { issuer: authority });
    const pair = new Pair({ client, server, isPinned: false });
    pair.client.trustAuthority(authority.publicKey);
    pair.server.trustAuthority(authority.publicKey);
    pair.connected("XX");
    expect(pair.take("client", "connected").trust).toBe("certified");
    expect(pair.take("server", "connected").trust).toBe("certified");
  });

  const cases = [
    ["certificate-expired", { notAfterMs: WALL_MS - 1 }],
    ["certificate-not-yet-valid", { notBeforeMs: WALL_MS + DAY_MS / 2 }],
    [
      "certificate-issuer",
      { issuer: { seed: bytes32(41), publicKey: nodeSignatures.publicKey(bytes32(41)) } },
    ],
  ] as const;

  test.each(cases)("the initiator refuses a responder with %s", (code, choices) => {
    for (const pattern of ["IK", "XX"] as const) {
      const pair = new Pair({ server: createPerson(2, choices) });
      pair.dial(pattern);
      pair.runUntil(() => isClosed(pair));
      expect(pair.take("client", "closed")).toMatchObject({
        code: errorNumber(code),
        isByPeer: false,
      });
      pair.runFor(12_000_000);
      expect(pair.events.server).toEqual([]);
    }
  });

  test.each(cases)("the responder refuses an initiator with %s, and says so", (code, choices) => {
    for (const pattern of ["IK", "XX"] as const) {
      const pair = new Pair({ client: createPerson(1, choices) });
      pair.dial(pattern);
      pair.runUntil(() => isClosed(pair));
      expect(pair.take("client", "closed")).toMatchObject({
        code: errorNumber(code),
        isByPeer: true,
      });
      expect(pair.events.server).toEqual([]);
      expect(pair.find("client", "connected")).toBeUndefined();
    }
  });

  test("a right certificate with another name, identity or static key is refused", () => {
    const wrong = [
      ["certificate-name", { expectedName: "other.example" }],
      ["certificate-name", { expectedIdentity: bytes32(3) }],
    ] as const;
    for (const [code, expectations] of wrong) {
      const pair = new Pair();
      pair.dial("XX", expectations);
      pair.runUntil(() => isClosed(pair));
      expect(pair.take("client", "closed").code).toBe(errorNumber(code));
    }
    const thief = { ...createPerson(2), certificate: createPerson(3).certificate };
    const pair = new Pair({ server: thief });
    pair.dial("XX");
    pair.runUntil(() => isClosed(pair));
    expect(pair.take("client", "closed").code).toBe(errorNumber("certificate-key"));
  });

  test("the expected name is accepted when the certificate carries it", () => {
    const pair = new Pair({ server: createPerson(2, { names: ["a.example", "b.example"] }) });
    pair.dial("XX", { expectedName: "b.example" });
    pair.runUntil(() => pair.find("client", "connected"));
  });
});

describe("unknown peers", () => {
  test("are refused when nobody asks to be asked", () => {
    const pair = new Pair({ isPinned: false });
    pair.dial("IK");
    pair.runUntil(() => isClosed(pair));
    expect(pair.take("client", "closed")).toMatchObject({
      code: errorNumber("peer-unknown"),
      isByPeer: true,
    });
  });

  test("wait for the verdict of the responder's application, which sees nothing else before", () => {
    const pair = new Pair({ isPinned: false, serverConfig: { asksForUnknownPeers: true } });
    pair.dial("IK");
    pair.runUntil(() => pair.find("server", "authenticate"));
    const question = pair.take("server", "authenticate");
    expect(question.identity).toEqual(pair.people.client.identity);
    expect(question.deadlineUs).toBeGreaterThan(pair.nowUs);
    pair.runFor(2_000_000);
    expect(pair.find("client", "connected")).toBeUndefined();
    pair.server.authenticate(question.connection, true, pair.now());
    pair.drain("server");
    pair.runUntil(() => pair.find("client", "connected"));
    expect(pair.take("server", "connected").trust).toBe("unknown");
  });

  test("that the responder's application refuses learn it by name", () => {
    const pair = new Pair({ isPinned: false, serverConfig: { asksForUnknownPeers: true } });
    pair.dial("XX", { expectedIdentity: pair.people.server.identity });
    pair.runUntil(() => pair.find("server", "authenticate"));
    pair.server.authenticate(pair.take("server", "authenticate").connection, false, pair.now());
    pair.drain("server");
    pair.runUntil(() => isClosed(pair));
    expect(pair.take("client", "closed")).toMatchObject({
      code: errorNumber("peer-refused"),
      isByPeer: true,
    });
    expect(pair.take("server", "closed")).toMatchObject({
      code: errorNumber("peer-refused"),
      isByPeer: false,
    });
  });

  test("the initiator of XX says who it is only after its own application accepted the responder", () => {
    const pair = new Pair({ isPinned: false, clientConfig: { asksForUnknownPeers: true } });
    pair.server.pinIdentity(pair.people.client.identity);
    pair.dial("XX");
    pair.runUntil(() => pair.find("client", "authenticate"));
    pair.runFor(1_000_000);
    const sent = pair.wire.filter(({ from }) => from === "client");
    expect(sent.every(({ bytes }) => bytes[8] === 1)).toBe(true);
    pair.client.authenticate(pair.take("client", "authenticate").connection, true, pair.now());
    pair.drain("client");
    pair.runUntil(() => pair.find("client", "connected"));
    expect(pair.take("client", "connected").trust).toBe("unknown");
  });

  test("without a verdict the connection ends before the handshake's deadline", () => {
    const pair = new Pair({ isPinned: false, serverConfig: { asksForUnknownPeers: true } });
    pair.dial("IK");
    pair.runFor(12_000_000);
    expect(pair.take("server", "closed").code).toBe(errorNumber("handshake-timeout"));
    expect(pair.find("client", "closed")).toBeDefined();
  });
});
