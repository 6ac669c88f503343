/** What Node.js offers for a call over loopback: HTTP/1.1 with kept connections, and an echo over TCP and TLS. */
import { once } from "node:events";
import http from "node:http";
import https from "node:https";
import { connect, createServer, type AddressInfo, type Server, type Socket } from "node:net";
import tls from "node:tls";

/** One call: 64 bytes there, 64 bytes back. */
export interface Caller {
  readonly name: string;
  readonly call: () => Promise<void>;
  readonly close: () => Promise<void>;
}

const PSK = Buffer.alloc(32, 7);
const TLS = {
  ciphers: "ECDHE-PSK-CHACHA20-POLY1305",
  minVersion: "TLSv1.2",
  maxVersion: "TLSv1.2",
} as const;
const TLS_SERVER = { ...TLS, pskCallback: () => PSK };
const TLS_CLIENT = {
  ...TLS,
  pskCallback: () => ({ psk: PSK, identity: "bench" }),
  checkServerIdentity: () => undefined,
};
const SOCKETS_MAX = 100;

const onRequest: http.RequestListener = (request, response) => {
  const parts: Buffer[] = [];
  request.on("data", (part: Buffer) => parts.push(part));
  request.on("end", () => response.end(Buffer.concat(parts)));
};

/** node:http with a connection kept for each call that is under way. */
export async function httpCaller(payload: Uint8Array): Promise<Caller> {
  const server = http.createServer(onRequest);
  const agent = new http.Agent({ keepAlive: true, maxSockets: SOCKETS_MAX });
  return requester("node:http", server, await listening(server), http, { agent }, payload);
}

/** node:https with the engine's cipher and a pre-shared key. */
export async function httpsCaller(payload: Uint8Array): Promise<Caller> {
  const server = https.createServer(TLS_SERVER, onRequest);
  const options = { keepAlive: true, maxSockets: SOCKETS_MAX, ...TLS_CLIENT };
  const agent = new https.Agent(options);
  return requester("node:https", server, await listening(server), https, { agent }, payload);
}

function requester(
  name: string,
  server: http.Server | https.Server,
  port: number,
  client: Pick<typeof http, "request">,
  options: { readonly agent: http.Agent },
  payload: Uint8Array,
): Caller {
  // A connection that the server closes for idling while the client takes it up would end the bench.
  server.keepAliveTimeout = 0;
  const target = { host: "127.0.0.1", port, method: "POST", ...options };
  const headers = { "content-length": payload.length };
  return {
    name,
    call: () =>
      new Promise((resolve, reject) => {
        const request = client.request({ ...target, headers }, (response) => {
          response.on("end", resolve);
          response.resume();
        });
        request.on("error", reject);
        request.end(payload);
      }),
    close: async () => {
      options.agent.destroy();
      server.closeAllConnections();
      await closed(server);
    },
  };
}

/** A bare echo over one TCP connection: no calls, no names, no encryption; the floor of any carrier by TCP. */
export async function tcpCaller(payload: Uint8Array): Promise<Caller> {
  const server = createServer({ noDelay: true }, (socket) => socket.pipe(socket));
  const port = await listening(server);
  const socket = connect({ host: "127.0.0.1", port, noDelay: true });
  await once(socket, "connect");
  return echo("node:net echo", server, socket, payload);
}

/** The same echo over TLS, with the engine's cipher. */
export async function tlsCaller(payload: Uint8Array): Promise<Caller> {
  const server = tls.createServer({ ...TLS_SERVER, noDelay: true }, (socket) =>
    socket.pipe(socket),
  );
  const port = await listening(server);
  const socket = tls.connect({ ...TLS_CLIENT, host: "127.0.0.1", port });
  socket.setNoDelay(true);
  await once(socket, "secureConnect");
  return echo("node:tls echo", server, socket, payload);
}

/** Answers come in the order of the questions, so the oldest waiting call takes the next 64 bytes. */
function echo(name: string, server: Server, socket: Socket, payload: Uint8Array): Caller {
  const waiting: (() => void)[] = [];
  let size = 0;
  socket.on("data", (bytes: Buffer) => {
    for (size += bytes.length; size >= payload.length; size -= payload.length) waiting.shift()?.();
  });
  return {
    name,
    call: () =>
      new Promise((resolve) => {
        waiting.push(resolve);
        socket.write(payload);
      }),
    close: async () => {
      socket.end();
      await closed(server);
    },
  };
}

/** A sink that counts, and a writer that respects back pressure: for bytes one way. */
export interface Pipe {
  readonly name: string;
  /** Sends `count` chunks and resolves when the other side has read them. */
  readonly send: (count: number) => Promise<void>;
  readonly close: () => Promise<void>;
}

export async function tcpPipe(chunk: Uint8Array): Promise<Pipe> {
  const server = createServer();
  const socket = connect({ host: "127.0.0.1", port: await listening(server) });
  const [far] = (await once(server, "connection")) as [Socket];
  return pipe("node:net", server, socket, far, chunk);
}

export async function tlsPipe(chunk: Uint8Array): Promise<Pipe> {
  const server = tls.createServer(TLS_SERVER);
  const port = await listening(server);
  const socket = tls.connect({ ...TLS_CLIENT, host: "127.0.0.1", port });
  const [far] = (await once(server, "secureConnection")) as [Socket];
  return pipe("node:tls", server, socket, far, chunk);
}

function pipe(name: string, server: Server, near: Socket, far: Socket, chunk: Uint8Array): Pipe {
  let received = 0;
  let end = 0;
  let onEnd: () => void = () => undefined;
  far.on("data", (bytes: Buffer) => {
    received += bytes.length;
    if (received >= end) onEnd();
  });
  return {
    name,
    send: async (count) => {
      end = received + count * chunk.length;
      const isReceived = new Promise<void>((resolve) => {
        onEnd = resolve;
      });
      for (let index = 0; index < count; index += 1) {
        if (!near.write(chunk)) await once(near, "drain");
      }
      await isReceived;
    },
    close: async () => {
      near.end();
      await closed(server);
    },
  };
}

async function listening(server: Server): Promise<number> {
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  return (server.address() as AddressInfo).port;
}

async function closed(server: Server): Promise<void> {
  server.close();
  await once(server, "close");
}
