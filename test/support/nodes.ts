/** Real transports over loopback UDP that trust each other, closed when the test is over. */
import { onTestFinished } from "vitest";
import {
  type Connection,
  createIdentity,
  type Identity,
  type Lane,
  listen,
  type Transport,
} from "../../host/node/index.ts";

export interface TestNode {
  readonly identity: Identity;
  readonly transport: Transport;
  /** Lanes that were established, in order. */
  readonly lanes: Lane[];
  /** The connections under them. */
  readonly connections: Connection[];
}

/** Starts nodes that pin each other. */
export async function startNodes(count: number): Promise<TestNode[]> {
  const identities = Array.from({ length: count }, createIdentity);
  const pinned = identities.map((identity) => identity.publicKey);
  return Promise.all(identities.map((identity) => startNode(identity, pinned)));
}

/** Starts one node that pins the given identities. */
export async function startNode(
  identity: Identity,
  pinned: readonly Uint8Array[],
): Promise<TestNode> {
  const lanes: Lane[] = [];
  const connections: Connection[] = [];
  const transport = await listen({
    identity,
    pinned,
    onLane: (lane) => lanes.push(lane),
    onConnection: (connection) => connections.push(connection),
  });
  onTestFinished(() => transport.close("the test is over"));
  return { identity, transport, lanes, connections };
}

/** A pair of nodes and the lane from the first to the second. */
export async function startPair(): Promise<{ client: TestNode; server: TestNode; lane: Lane }> {
  const [client, server] = (await startNodes(2)) as [TestNode, TestNode];
  const lane = await client.transport.connect({
    ...server.transport.local,
    staticKey: server.identity.staticPublicKey,
    identity: server.identity.publicKey,
  });
  // The side that accepted learns of the connection with the first packet that confirms the keys.
  while (server.lanes.length === 0) await new Promise((resolve) => setTimeout(resolve, 1));
  return { client, server, lane };
}

/** Everything that a call yields. */
export async function gather(parts: AsyncIterable<Uint8Array>): Promise<Uint8Array[]> {
  const gathered: Uint8Array[] = [];
  for await (const part of parts) gathered.push(part);
  return gathered;
}
