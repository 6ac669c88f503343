/** Goal: a failure crosses the wire with code, words and facts, and a hostile one does no harm. */
import fc from "fast-check";
import { expect, test } from "vitest";
import { ERROR_CODES, Failure } from "../../../host/shared/ports/failure.ts";
import { decodeFailure, encodeFailure } from "../../../host/shared/transport/call-error.ts";

const utf8 = (value: unknown): Uint8Array => new TextEncoder().encode(JSON.stringify(value));

test("code, message, origin, remedy and facts come back", () => {
  fc.assert(
    fc.property(fc.constantFrom(...ERROR_CODES), fc.string({ maxLength: 100 }), (code, text) => {
      const sent = new Failure(code, text, {
        origin: "policy",
        remedy: "Ask.",
        context: { rule: "r1", count: 3, isFinal: true },
      });
      expect(decodeFailure(encodeFailure(sent)).toJSON()).toEqual(sent.toJSON());
    }),
  );
});

test("what was local there is the peer's fault here", () => {
  const sent = new Failure("tool-unknown", "no such tool", { origin: "local", remedy: "Look." });
  expect(decodeFailure(encodeFailure(sent)).origin).toBe("peer");
});

test("an unknown code becomes internal, and long words are cut", () => {
  const received = decodeFailure(utf8({ code: "made-up", message: "m".repeat(5_000) }));
  expect(received.code).toBe("internal");
  expect(received.message.length).toBeLessThan(1_100);
  expect(received.remedy).not.toBe("");
});

test("nested facts are dropped and texts are cut", () => {
  const context = { nested: { a: 1 }, text: "t".repeat(5_000), list: [1], fine: 1 };
  const received = decodeFailure(utf8({ code: "internal", message: "m", context }));
  expect(Object.keys(received.context)).toEqual(["text", "fine"]);
  expect(String(received.context["text"]).length).toBe(1_024);
});

test.each([
  ["bytes that are not UTF-8", Uint8Array.of(0xff, 0xfe)],
  ["text that is not JSON", new TextEncoder().encode("{")],
  ["null", utf8(null)],
  ["a number", utf8(7)],
  ["no code", utf8({ message: "m" })],
  ["no message", utf8({ code: "internal" })],
])("%s is a violation of the protocol", (_name, payload) => {
  expect(decodeFailure(payload).code).toBe("protocol-violation");
});
