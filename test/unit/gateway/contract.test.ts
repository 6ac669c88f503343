import { describe, expect, it } from "vitest";
import {
  bindArguments,
  bindResult,
  contractFor,
  CONTRACTS,
  cutText,
  resolvePointer,
} from "../../../host/shared/gateway/contract.ts";
import { compileSchema } from "../../../host/shared/gateway/schema.ts";
import { pathsIn } from "../../../host/shared/gateway/tool-path.ts";

const fsRead = CONTRACTS.get("fs.read")!;

describe("the contract fs.read@1", () => {
  it("binds to the real server's read_text_file", () => {
    expect(contractFor("read_text_file")).toBe(fsRead);
    expect(contractFor("write_file")).toBeNull();
    expect(bindArguments(fsRead.manifest, { path: "/a" })).toEqual({ path: "/a" });
  });

  it.each([
    [{}, "required"],
    [{ path: 1 }, "string"],
    [{ path: "relative.txt" }, "pattern"],
    [{ path: "/a", mode: "w" }, "additional properties (mode)"],
    ["/a", "object"],
  ])("refuses the arguments %j", (args, problem) => {
    expect(fsRead.checkArgs(args)).toContain(problem);
  });

  it("maps the server's result, from its structured part or its text", () => {
    const structured = { structuredContent: { content: "hällo" }, content: [] };
    const plain = { content: [{ type: "text", text: "hällo" }] };
    for (const result of [structured, plain]) {
      const bound = bindResult(fsRead.manifest, result, 100);
      expect(bound).toEqual({ content: "hällo", bytes: 6, truncated: false });
      expect(fsRead.checkResult(bound)).toBeNull();
    }
  });

  it("cuts a long text between characters and says so", () => {
    const result = { structuredContent: { content: "aä€😀" } };
    const cut = (maxBytes: number) => bindResult(fsRead.manifest, result, maxBytes);
    expect(cut(10)).toEqual({ content: "aä€😀", bytes: 10, truncated: false });
    expect(cut(9)).toEqual({ content: "aä€", bytes: 10, truncated: true });
    expect(cut(5)).toEqual({ content: "aä", bytes: 10, truncated: true });
    expect(cut(2)).toEqual({ content: "a", bytes: 10, truncated: true });
    expect(cutText("ä", 1)).toEqual({ text: "", bytes: 2, isCut: true });
  });

  it("refuses a result that has not what the contract promises", () => {
    expect(() => bindResult(fsRead.manifest, { content: [] }, 10)).toThrow("tool-result-invalid");
  });

  it("resolves pointers by RFC 6901 and never through a prototype", () => {
    expect(resolvePointer({ "a/b": { "~": [1, 2] } }, "/a~1b/~0/1")).toBe(2);
    expect(resolvePointer({}, "/constructor/name")).toBeUndefined();
    expect(resolvePointer({ a: 1 }, "")).toEqual({ a: 1 });
  });
});

describe("schemas of others", () => {
  it("are compiled in their own dialect", () => {
    const tuple = {
      items: [{ type: "string" }],
      $schema: "http://json-schema.org/draft-07/schema#",
    };
    expect(compileSchema(tuple, "t")([1])).toContain("string");
    const modern = { prefixItems: [{ type: "string" }] };
    expect(compileSchema(modern, "t")([1])).toContain("string");
  });

  it.each([
    [{ $ref: "https://example.com/x.json" }, "outside itself"],
    [{ properties: { a: { $ref: "other.json" } } }, "outside itself"],
    [{ pattern: "(a+)+$" }, "repeats a repetition"],
    [{ patternProperties: { "(x*)*": {} } }, "repeats a repetition"],
    [{ pattern: "a".repeat(300) }, "longer than 256"],
    [{ type: "wrong" }, "not usable"],
    [{ description: "x".repeat(70_000) }, "larger than"],
  ])("are refused when they are dangerous: %j", (schema, problem) => {
    expect(() => compileSchema(schema, "t")).toThrow(problem);
  });

  it("are refused when they are deeper than a server has reason to be", () => {
    let schema: Record<string, unknown> = {};
    for (let depth = 0; depth < 40; depth++) schema = { not: schema };
    expect(() => compileSchema(schema, "t")).toThrow("deeper than");
  });

  it("may refer to themselves", () => {
    const list = { $defs: { n: { type: "number" } }, items: { $ref: "#/$defs/n" } };
    expect(compileSchema(list, "t")(["x"])).toContain("number");
  });
});

describe("paths in arguments", () => {
  it("are those that a contract names", () => {
    expect(pathsIn({ path: "/a", note: "/b" }, ["path"])).toEqual(["/a"]);
  });

  it("are guessed broadly for a tool without a contract", () => {
    const args = {
      source: "x",
      note: "../up",
      deep: { list: ["/abs", "plain"] },
      home: "~/x",
      url: "file:///etc/passwd",
      count: 3,
    };
    expect(pathsIn(args, null)).toEqual(["x", "../up", "/abs", "~/x", "file:///etc/passwd"]);
    expect(pathsIn(null, null)).toEqual([]);
  });
});
