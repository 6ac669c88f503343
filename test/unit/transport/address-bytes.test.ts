/** Goal: an address keeps its identity through the engine's 24 bytes. Method: known texts and random addresses. */
import fc from "fast-check";
import { expect, test } from "vitest";
import type { SocketAddress } from "../../../host/shared/ports/datagrams.ts";
import { AddressBook } from "../../../host/shared/transport/address-bytes.ts";

const ports = fc.integer({ min: 0, max: 65_535 });
const v4: fc.Arbitrary<SocketAddress> = fc
  .tuple(fc.ipV4(), ports)
  .map(([host, port]) => ({ family: 4, host, port }));

test("an IPv4 address comes back as it was", () => {
  const book = new AddressBook();
  fc.assert(
    fc.property(v4, (address) => {
      expect(book.toAddress(book.toBytes(address))).toEqual(address);
    }),
  );
});

test("the same bytes come from every spelling of an IPv6 address", () => {
  const book = new AddressBook();
  const bytes = (host: string): Uint8Array => book.toBytes({ family: 6, host, port: 7 });
  expect(bytes("::1")).toEqual(bytes("0:0:0:0:0:0:0:1"));
  expect(bytes("fe80::2%eth0")).toEqual(bytes("fe80:0:0:0:0:0:0:2"));
  expect(bytes("::ffff:1.2.3.4")).toEqual(bytes("0:0:0:0:0:ffff:102:304"));
  expect(bytes("::")).toEqual(bytes("0:0:0:0:0:0:0:0"));
  expect(bytes("1::")).toEqual(bytes("1:0:0:0:0:0:0:0"));
});

test("a random IPv6 address keeps its bytes through text", () => {
  const book = new AddressBook();
  fc.assert(
    fc.property(fc.ipV6(), ports, (host, port) => {
      const bytes = book.toBytes({ family: 6, host, port });
      expect(book.toBytes(book.toAddress(bytes))).toEqual(bytes);
    }),
  );
});

test("family and port make addresses different", () => {
  const book = new AddressBook();
  const a = book.toBytes({ family: 4, host: "1.2.3.4", port: 1 });
  const b = book.toBytes({ family: 4, host: "1.2.3.4", port: 2 });
  expect(a).not.toEqual(b);
});

test("peers that take turns keep their addresses apart", () => {
  const book = new AddressBook();
  const peers: readonly SocketAddress[] = [
    { family: 4, host: "10.0.0.1", port: 1 },
    { family: 4, host: "10.0.0.1", port: 2 },
    { family: 6, host: "fe80:0:0:0:0:0:0:2", port: 1 },
  ];
  const turns = fc.array(fc.nat({ max: peers.length - 1 }), { maxLength: 20 });
  // Each as an object of its own and as the same object again: the last one is remembered by identity.
  fc.assert(
    fc.property(turns, fc.boolean(), (order, isSameObject) => {
      for (const index of order) {
        const peer = peers[index]!;
        const bytes = book.toBytes(isSameObject ? peer : { ...peer });
        expect(book.toAddress(bytes.slice())).toEqual(peer);
      }
    }),
  );
});

test("the book forgets its oldest address and still knows how to write it", () => {
  const book = new AddressBook();
  const first = book.toBytes({ family: 4, host: "10.0.0.0", port: 1 });
  for (let index = 0; index < 5_000; index++) {
    book.toBytes({ family: 4, host: `10.1.${index >> 8}.${index & 255}`, port: 1 });
  }
  expect(book.toBytes({ family: 4, host: "10.0.0.0", port: 1 })).toEqual(first);
});
