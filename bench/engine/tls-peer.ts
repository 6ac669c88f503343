/**
 * The peer of the engine that exists without a network: node:tls over a pair of streams in memory, and HTTP/2 on it.
 *
 * A pre-shared key saves a certificate, and names the same cipher that the engine has. The handshake is over before
 * anything is measured.
 */
import { once } from "node:events";
import {
  connect,
  createSecureServer,
  type ClientHttp2Session,
  type ServerHttp2Stream,
} from "node:http2";
import { duplexPair } from "node:stream";
import { connect as connectTls, createServer, type Server, type TLSSocket } from "node:tls";

type Run = (iterations: number) => Promise<void>;

const OPTIONS = {
  ciphers: "ECDHE-PSK-CHACHA20-POLY1305",
  minVersion: "TLSv1.2",
  maxVersion: "TLSv1.2",
  ALPNProtocols: ["h2"],
} as const;
const PSK = Buffer.alloc(32, 7);

/** A chunk of this size every time, and back pressure respected. */
export const tlsWrites = async (chunk: Uint8Array): Promise<Run> => sender(chunk, 1);

/** As `tlsWrites`, with `count` writes corked together, which makes full records of small chunks. */
export const tlsCorked = async (chunk: Uint8Array, count: number): Promise<Run> =>
  sender(chunk, count);

async function sender(chunk: Uint8Array, corkedCount: number): Promise<Run> {
  const [client, server] = await tlsPair();
  let received = 0;
  let end = 0;
  let onEnd: () => void = () => undefined;
  server.on("data", (bytes: Buffer) => {
    received += bytes.length;
    if (received >= end) onEnd();
  });
  return async (iterations) => {
    end = received + iterations * chunk.length;
    const isReceived = new Promise<void>((resolve) => {
      onEnd = resolve;
    });
    for (let sent = 0; sent < iterations; sent += corkedCount) {
      client.cork();
      let isRoom = true;
      const count = Math.min(corkedCount, iterations - sent);
      for (let index = 0; index < count; index += 1) isRoom = client.write(chunk);
      client.uncork();
      if (!isRoom) await once(client, "drain");
    }
    await isReceived;
  };
}

/** Requests with a body and an answer with a body, `concurrency` at a time. */
export async function http2Calls(payload: Uint8Array, concurrency: number): Promise<Run> {
  const server = createSecureServer({ ...OPTIONS, pskCallback: () => PSK });
  server.on("stream", (stream: ServerHttp2Stream) => {
    stream.resume();
    stream.on("end", () => {
      stream.respond({ ":status": 200 });
      stream.end(payload);
    });
  });
  const client = await dial(server);
  const session = connect("http://localhost", { createConnection: () => client });
  return (iterations) => concurrently(iterations, concurrency, () => http2Call(session, payload));
}

function http2Call(session: ClientHttp2Session, payload: Uint8Array): Promise<void> {
  return new Promise((resolve, reject) => {
    const request = session.request({ ":method": "POST", ":path": "/" });
    request.on("end", resolve);
    request.on("error", reject);
    request.resume();
    request.end(payload);
  });
}

/** `count` calls, `concurrency` of them at a time. */
export async function concurrently(
  count: number,
  concurrency: number,
  call: () => Promise<void>,
): Promise<void> {
  let left = count;
  const worker = async (): Promise<void> => {
    while (left > 0) {
      left -= 1;
      await call();
    }
  };
  await Promise.all(Array.from({ length: concurrency }, worker));
}

async function tlsPair(): Promise<[TLSSocket, TLSSocket]> {
  const server = createServer({ ...OPTIONS, pskCallback: () => PSK });
  const accepted = once(server, "secureConnection") as Promise<[TLSSocket]>;
  const client = await dial(server);
  return [client, (await accepted)[0]];
}

/** A client of `server` over a pair of streams in memory. */
async function dial(server: Server): Promise<TLSSocket> {
  const [near, far] = duplexPair();
  server.emit("connection", far);
  const client = connectTls({
    ...OPTIONS,
    socket: near,
    pskCallback: () => ({ psk: PSK, identity: "bench" }),
    checkServerIdentity: () => undefined,
  });
  await once(client, "secureConnect");
  return client;
}
