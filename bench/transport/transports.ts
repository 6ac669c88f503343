/** Two transports in one process that call each other over loopback UDP. */
import {
  callRecord,
  createIdentity,
  listen,
  MessageStream,
  Stream,
  type Connection,
} from "../../host/node/index.ts";
import type { Caller, Pipe } from "./peers.ts";

const ECHO = "echo";
const NAME = "mxp";

/** A pair of nodes that pin each other. */
async function startPair() {
  const [near, far] = [createIdentity(), createIdentity()];
  let accept: (connection: Connection) => void = () => undefined;
  const accepted = new Promise<Connection>((resolve) => {
    accept = resolve;
  });
  const server = await listen({
    identity: far,
    pinned: [near.publicKey],
    onConnection: (connection) => accept(connection),
  });
  const client = await listen({ identity: near, pinned: [far.publicKey] });
  const target = { ...server.local, staticKey: far.staticPublicKey, identity: far.publicKey };
  const close = async (): Promise<void> => {
    await client.close("the bench is over");
    await server.close("the bench is over");
  };
  return { client, server, target, accepted, close };
}

/** Calls of an agent that gives its payload back. */
export async function mxpCaller(payload: Uint8Array): Promise<Caller> {
  const { client, server, target, accepted, close } = await startPair();
  server.serve(ECHO, async function* ({ payload: question }) {
    yield question;
  });
  const lane = await client.connect(target);
  await accepted;
  return {
    name: NAME,
    call: async () => {
      for await (const answer of lane.call(ECHO, callRecord(), payload)) {
        if (answer.length !== payload.length) throw new Error("the echo has another length");
      }
    },
    close,
  };
}

/** One stream of bytes one way. */
export async function mxpPipe(chunk: Uint8Array): Promise<Pipe> {
  const { client, target, accepted, close } = await startPair();
  const near = await client.connectRaw(target);
  const stream = await near.openStream({ protocol: "bench/1" });
  // A stream costs nothing on the wire until it is written.
  await stream.write(new Uint8Array(1));
  const far = await (await accepted).accept();
  if (!(far instanceof Stream)) throw new Error("the server accepts a stream of bytes");
  await far.read();
  return {
    name: NAME,
    send: async (count) => {
      const write = async (): Promise<void> => {
        for (let index = 0; index < count; index += 1) await stream.write(chunk);
      };
      const read = async (): Promise<void> => {
        for (let left = count * chunk.length; left > 0;) left -= (await far.read())?.length ?? left;
      };
      await Promise.all([write(), read()]);
    },
    close,
  };
}

/** One stream of messages one way. */
export async function mxpMessages(payload: Uint8Array): Promise<Pipe> {
  const { client, target, accepted, close } = await startPair();
  const near = await client.connectRaw(target);
  const connection = await accepted;
  // Without an agent's calls in the way, streams of messages wait in `accept`.
  connection.onMessageStream = null;
  const stream = await near.openMessages({ protocol: "bench/1" });
  const header = { type: 0x12, flags: 0, messageId: 1n, traceId: 2n };
  await stream.send(header, payload, false);
  const far = await connection.accept();
  if (!(far instanceof MessageStream)) throw new Error("the server accepts a stream of messages");
  await far.receive();
  return {
    name: NAME,
    send: async (count) => {
      const write = async (): Promise<void> => {
        for (let index = 0; index < count; index += 1) await stream.send(header, payload, false);
      };
      const read = async (): Promise<void> => {
        for (let left = count; left > 0; left -= 1) await far.receive();
      };
      await Promise.all([write(), read()]);
    },
    close,
  };
}
