/** Goal: UDP carries whole bursts both ways and names what is wrong with an address. Method: real sockets. */
import { networkInterfaces } from "node:os";
import { expect, test } from "vitest";
import { datagrams } from "../../../host/node/datagrams.ts";
import { Failure } from "../../../host/shared/ports/failure.ts";

const LOCAL = { host: "127.0.0.1", port: 0 };

/** Binds a socket that gathers what it receives, and waits for a number of bytes. */
async function receiver(local = LOCAL): Promise<{
  socket: Awaited<ReturnType<typeof datagrams.bind>>;
  bytes: (count: number) => Promise<Uint8Array>;
}> {
  const parts: Uint8Array[] = [];
  let notify: () => void = () => undefined;
  const socket = await datagrams.bind(local, (part) => {
    parts.push(Uint8Array.from(part));
    notify();
  });
  return {
    socket,
    bytes: async (count) => {
      while (parts.reduce((sum, part) => sum + part.length, 0) < count) {
        await new Promise<void>((resolve) => {
          notify = resolve;
        });
      }
      return Buffer.concat(parts);
    },
  };
}

test.each([
  ["one full burst of 54 segments", 54 * 1_200, 1_200],
  ["more than one burst", 60 * 1_200, 1_200],
  ["a burst with a short end", 3 * 1_200 + 7, 1_200],
  ["segments of another size", 700, 300],
])("%s arrives whole and in order", async (_name, size, segmentBytes) => {
  const target = await receiver();
  const source = await datagrams.bind(LOCAL, () => undefined);
  const sent = Uint8Array.from({ length: size }, (_, index) => (index * 7) & 255);
  expect(source.send(sent, segmentBytes, target.socket.local)).toBe(true);
  expect(Buffer.compare(await target.bytes(size), sent)).toBe(0);
  await Promise.all([source.close(), target.socket.close()]);
});

test("the engine's memory may change as soon as send returns", async () => {
  const target = await receiver();
  const source = await datagrams.bind(LOCAL, () => undefined);
  const memory = new Uint8Array(100).fill(1);
  source.send(memory, 100, target.socket.local);
  memory.fill(2);
  expect(await target.bytes(100)).toEqual(Buffer.alloc(100, 1));
  await Promise.all([source.close(), target.socket.close()]);
});

test("a taken port, a foreign address and an unknown name are named failures", async () => {
  const first = await datagrams.bind(LOCAL, () => undefined);
  const code = async (run: Promise<unknown>): Promise<string> =>
    run.then(
      () => "none",
      (error: unknown) => Failure.from(error).code,
    );
  const same = datagrams.bind({ host: "127.0.0.1", port: first.local.port }, () => undefined);
  expect(await code(same)).toBe("port-in-use");
  const foreign = datagrams.bind({ host: "203.0.113.1", port: 0 }, () => undefined);
  expect(await code(foreign)).toBe("address-unreachable");
  expect(await code(datagrams.resolve("name.invalid"))).toBe("address-unreachable");
  expect(await datagrams.resolve("127.0.0.1")).toBe("127.0.0.1");
  await first.close();
});

/** Containers are often without IPv6. */
const hasIpv6 = Object.values(networkInterfaces()).some((addresses) =>
  addresses?.some(({ address }) => address === "::1"),
);

test.runIf(hasIpv6)("IPv6 carries bursts too", async () => {
  const target = await receiver({ host: "::1", port: 0 });
  const source = await datagrams.bind({ host: "::1", port: 0 }, () => undefined);
  expect(target.socket.local).toMatchObject({ family: 6, host: "::1" });
  const sent = Uint8Array.from({ length: 5 * 1_200 }, (_, index) => index & 255);
  source.send(sent, 1_200, target.socket.local);
  expect(Buffer.compare(await target.bytes(sent.length), sent)).toBe(0);
  await Promise.all([source.close(), target.socket.close()]);
});

test("where the system cannot cut bursts, every segment is sent by itself", async () => {
  const { platform } = process;
  const target = await receiver();
  Object.defineProperty(process, "platform", { value: "win32" });
  const source = await datagrams
    .bind(LOCAL, () => undefined)
    .finally(() => {
      Object.defineProperty(process, "platform", { value: platform });
    });
  expect(source.capabilities).toMatchObject({ gso: false, gro: false });
  const sent = Uint8Array.from({ length: 3 * 1_200 + 5 }, (_, index) => (index * 3) & 255);
  source.send(sent, 1_200, target.socket.local);
  expect(Buffer.compare(await target.bytes(sent.length), sent)).toBe(0);
  await Promise.all([source.close(), target.socket.close()]);
});

test("a name instead of an address is looked up", async () => {
  const target = await receiver();
  const source = await datagrams.bind(LOCAL, () => undefined);
  source.send(Uint8Array.of(1, 2, 3), 3, { ...target.socket.local, host: "localhost" });
  expect(await target.bytes(3)).toEqual(Buffer.of(1, 2, 3));
  await Promise.all([source.close(), target.socket.close()]);
});

test("what was sent last arrives although the socket is closed at once", async () => {
  const target = await receiver();
  const source = await datagrams.bind(LOCAL, () => undefined);
  source.send(new Uint8Array(40 * 1_200).fill(5), 300, target.socket.local);
  await source.close();
  expect((await target.bytes(40 * 1_200)).length).toBe(40 * 1_200);
  await target.socket.close();
});
