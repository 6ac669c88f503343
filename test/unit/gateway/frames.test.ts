import { createHash } from "node:crypto";
import { describe, expect, it } from "vitest";
import { ChunkReader, deltaFrames } from "../../../host/shared/gateway/chunks.ts";
import {
  decodeFrame,
  encodeFrame,
  fromWire,
  publishedCode,
  readFields,
  toWire,
} from "../../../host/shared/gateway/frames.ts";
import { doorNames } from "../../../host/shared/gateway/tool-name.ts";
import { Failure } from "../../../host/shared/ports/failure.ts";

const bytes = (text: string): Uint8Array => new TextEncoder().encode(text);
const digest = {
  sha256: (data: Uint8Array) => new Uint8Array(createHash("sha256").update(data).digest()),
};

describe("tool frames", () => {
  it("carry arguments as the bytes they are", () => {
    const args = bytes('{"z":1.0,  "a":"\\u0061"}');
    const frame = decodeFrame(
      encodeFrame({ type: "tool.call.start" }, { name: "args", bytes: args }),
    );
    expect(frame.type).toBe("tool.call.start");
    expect(frame.raw).toEqual(args);
  });

  it.each(["", "[]", "{}", '{"type":1}', '{"type":"a","type":"b"}', "{"])("refuse %j", (source) => {
    expect(() => decodeFrame(bytes(source))).toThrow("protocol-violation");
  });

  it("are refused when a field is missing or of another kind", () => {
    const frame = decodeFrame(bytes('{"type":"x","n":1,"a":[],"o":null}'));
    expect(readFields<{ n: number }>(frame, { n: "number" }).n).toBe(1);
    expect(() => readFields<{ n: string }>(frame, { n: "string" })).toThrow('no string "n"');
    expect(() => readFields<{ a: object }>(frame, { a: "object" })).toThrow('no object "a"');
    expect(() => readFields<{ o: object }>(frame, { o: "object" })).toThrow('no object "o"');
  });

  it("tell failures by code, origin, remedy and context, and nothing of the inside", () => {
    const failure = new Failure("path-denied", "outside", {
      origin: "policy",
      remedy: "ask",
      context: { path: "/etc" },
      cause: new Error("stack"),
    });
    const told = fromWire(JSON.parse(JSON.stringify(toWire(failure))));
    expect(told.toJSON()).toEqual(failure.toJSON());
    expect(fromWire({ code: "no-such-code" }).code).toBe("tool-failed");
    expect(fromWire(null).origin).toBe("peer");
    expect(publishedCode("tool-timeout")).toBe("TIMEOUT");
    expect(publishedCode("policy-denied")).toBe("POLICY_DENIED");
  });

  it("cut a large result into pieces that join to the same bytes", () => {
    const result = new Uint8Array(500_000).map((_, index) => index * 31);
    const reader = new ChunkReader(1_000_000);
    for (const frame of deltaFrames("c", result)) {
      reader.push(decodeFrame(frame).fields["chunk"]);
    }
    expect(reader.count).toBe(3);
    expect(Buffer.from(reader.join()).equals(result)).toBe(true);
    expect([...deltaFrames("c", new Uint8Array(10))]).toEqual([]);
  });

  it("stop joining at the bound", () => {
    const reader = new ChunkReader(10);
    reader.push("AAAAAAAAAAA=");
    expect(() => reader.push("AAAA")).toThrow("tool-flooded");
    expect(() => reader.push("not base64!")).toThrow("protocol-violation");
  });
});

describe("names at the door", () => {
  const tool = (deviceId: string, deviceName: string, name: string) => ({
    deviceId,
    deviceName,
    tool: name,
  });

  it("are the device and the tool, in one order on every machine", () => {
    const names = doorNames([tool("2", "nas", "fs.read"), tool("1", "Büro", "fs.read")], digest);
    expect([...names.keys()]).toEqual(["B_ro__fs_read", "nas__fs_read"]);
  });

  it("differ for two devices of one name, and do not depend on who came first", () => {
    const a = tool("1", "nas", "fs.read");
    const b = tool("2", "nas", "fs.read");
    const forward = [...doorNames([a, b], digest).keys()];
    expect(new Set(forward).size).toBe(2);
    expect([...doorNames([b, a], digest).keys()]).toEqual(forward);
  });

  it("fit 64 characters", () => {
    const names = doorNames([tool("1", "d".repeat(60), "t".repeat(60))], digest);
    expect([...names.keys()][0]).toMatch(/^[A-Za-z0-9_-]{1,64}$/);
  });
});
