/** Goal: every kind of setting takes exactly what it describes, from the file, the environment and the command line. */
import { describe, expect, test } from "vitest";
import { loadConfig } from "../../../host/shared/config/load.ts";
import { Failure } from "../../../host/shared/ports/failure.ts";

/** Loads one setting from one place. */
function load(from: "environment" | "flags", name: string, value: unknown) {
  const sources = { yaml: null, environment: {}, flags: {}, [from]: { [name]: value } };
  return loadConfig(sources);
}

function refusal(from: "environment" | "flags", name: string, value: unknown): string {
  try {
    load(from, name, value);
  } catch (thrown) {
    if (thrown instanceof Failure && thrown.code === "config-invalid") return thrown.message;
    throw thrown;
  }
  throw new Error(`${name} took ${JSON.stringify(value)}`);
}

describe("an address", () => {
  test.each(["0.0.0.0:7443", "[::1]:0", "desk.example:65535"])("may be %s", (address) => {
    expect(load("flags", "listen", address).listen).toBe(address);
  });

  test.each(["", ":1", "host", "host:", "host:65536", "::1:7", "a b:1", 7, null])(
    "may not be %j",
    (address) => {
      expect(refusal("flags", "listen", address)).toContain('"listen" must be an address');
    },
  );
});

describe("a whole number", () => {
  test("may be written in digits", () => {
    expect(load("environment", "RTT_HTTP_PORT", "65535")["http.port"]).toBe(65_535);
    expect(load("flags", "http.port", 0)["http.port"]).toBe(0);
  });

  test.each(["-1", "1.5", "0x10", "", "65536", 1.5, -1, true])("may not be %j", (value) => {
    expect(refusal("flags", "http.port", value)).toContain("a whole number from 0 to 65535");
  });
});

describe("a truth", () => {
  test.each([
    [true, true],
    ["true", true],
    ["1", true],
    [false, false],
    ["false", false],
    ["0", false],
  ])("may be %j", (value, truth) => {
    expect(load("flags", "device.defaultServer", value)["device.defaultServer"]).toBe(truth);
  });

  test.each(["yes", 1, null])("may not be %j", (value) => {
    expect(refusal("flags", "device.defaultServer", value)).toContain("must be true or false");
  });
});

describe("a name", () => {
  test.each(["", "-desk", "two words", "x".repeat(64), 7])("may not be %j", (value) => {
    expect(refusal("flags", "name", value)).toContain('"name" must be a name');
  });

  test("may have 63 characters", () => {
    expect(load("flags", "name", "x".repeat(63)).name).toHaveLength(63);
  });
});

describe("a list", () => {
  test("in the environment is separated by commas, and an empty variable is none", () => {
    expect(load("environment", "RTT_ROLES", "device,host").roles).toEqual(["device", "host"]);
    expect(load("environment", "RTT_ROLES", "").roles).toEqual(["host"]);
    expect(load("flags", "roles", []).roles).toEqual([]);
  });

  test.each([7, { 0: "host" }, null])("may not be %j", (value) => {
    expect(refusal("flags", "roles", value)).toContain('"roles" must be a list');
  });
});

describe("servers", () => {
  const ENTRY = { command: "git-mcp" };

  test("may be given as JSON in the environment", () => {
    const config = load("environment", "RTT_SERVERS", JSON.stringify({ git: ENTRY }));
    expect(config["device.servers"]).toEqual({
      git: { command: "git-mcp", args: [], env: {}, cwd: null },
    });
  });

  test.each([
    "{",
    "[]",
    "null",
    7,
    { "two words": ENTRY },
    { git: null },
    { git: "git-mcp" },
    { git: {} },
    { git: { command: "" } },
    { git: { ...ENTRY, args: "all" } },
    { git: { ...ENTRY, env: null } },
    { git: { ...ENTRY, env: { KEY: 1 } } },
    { git: { ...ENTRY, cwd: 1 } },
  ])("may not be %j", (value) => {
    expect(refusal("flags", "device.servers", value)).toContain('"device.servers" must be servers');
  });
});

describe("a file", () => {
  const read = (text: string) =>
    loadConfig({ yaml: { path: "c.yaml", text }, environment: {}, flags: {} });

  test("may be empty, or hold nothing but comments", () => {
    const none = loadConfig({ yaml: null, environment: {}, flags: {} });
    expect(read("")).toEqual(none);
    expect(read("# nothing yet\n")).toEqual(none);
  });

  test.each(["? [a, b]\n: 1\n", "tenant:\n", "http: 1\n"])("may not be %j", (text) => {
    expect(() => read(text)).toThrow("config-invalid: c.yaml:");
  });
});
