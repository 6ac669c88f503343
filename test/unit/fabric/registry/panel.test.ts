/**
 * Goal: a project's settings are the published ones, and a wrong one is named with file, line, setting and rule.
 * Method: the file that a new project gets, every setting wrong once, hostile YAML.
 */
import { expect, test } from "vitest";
import { initialPanel, readPanel } from "../../../../host/shared/fabric/panel.ts";
import { Failure } from "../../../../host/shared/ports/failure.ts";

function refusal(yaml: string): Failure {
  try {
    readPanel(yaml, "panel.yaml");
  } catch (error) {
    if (error instanceof Failure) return error;
    throw error;
  }
  throw new Error("nothing was refused");
}

test("the file of a new project says what an empty one means, but for the folders to scan", () => {
  const initial = readPanel(initialPanel(), "panel.yaml");
  const empty = readPanel("", "panel.yaml");
  expect(initial).toEqual({ ...empty, "scan.roots": ["./"] });
  expect(empty["security.strict_manifests"]).toBe(true);
  expect(empty["security.allow_unsigned"]).toEqual([]);
  expect(empty["api.listen.npipe"]).toBe("\\\\.\\pipe\\rtt-panel");
});

test("the published file is read", () => {
  const panel = readPanel(
    [
      "security:",
      "  strict_manifests: true",
      '  allow_unsigned: ["dev/*"]',
      "health:",
      "  heartbeat_ms: 250",
      "  trip_threshold: { errors: 5, window_ms: 5000 }",
    ].join("\n"),
    "panel.yaml",
  );
  expect(panel["security.allow_unsigned"]).toEqual(["dev/*"]);
  expect(panel["health.trip_threshold.window_ms"]).toBe(5000);
});

test.each([
  ["health: { heartbeat_ms: 99 }", 1, "health.heartbeat_ms", /from 100 to 5000/],
  ["health: { heartbeat_ms: 5001 }", 1, "health.heartbeat_ms", /from 100 to 5000/],
  ["health: { heartbeat_ms: 250.5 }", 1, "health.heartbeat_ms", /whole number/],
  ["health:\n  trip_threshold:\n    window_ms: 999", 3, "health.trip_threshold.window_ms", /1000/],
  ['security: { strict_manifests: "no" }', 1, "security.strict_manifests", /true or false/],
  ["security:\n  allow_unsigned: dev/*", 2, "security.allow_unsigned", /list of texts/],
  ["security: { allow_unsigned: [1] }", 1, "security.allow_unsigned", /list of texts/],
  ["routing: { prefer: [pigeon] }", 1, "routing.prefer", /list of shm, uds/],
  ['api: { listen: { unix: "" } }', 1, "api.listen.unix", /not empty/],
])("%j is refused at line %i", (yaml, line, setting, rule) => {
  const failure = refusal(yaml);
  expect(failure.code).toBe("config-invalid");
  expect(failure.context).toEqual({ path: "panel.yaml", line, setting });
  expect(failure.message).toMatch(rule);
});

test("an unknown setting, a prototype's name and broken YAML are refused with their line", () => {
  expect(refusal("\nsecurty: { strict_manifests: false }").message).toMatch(
    /panel.yaml:2: there is no setting "securty.strict_manifests"/,
  );
  expect(refusal("__proto__: { polluted: 1 }").code).toBe("config-invalid");
  expect(refusal("constructor: 1").code).toBe("config-invalid");
  expect(refusal("a: [").code).toBe("config-invalid");
  expect(refusal("- a list").code).toBe("config-invalid");
  expect(refusal("a: &x [1]\nb: *x").code).toBe("config-invalid");
  expect(refusal("health: { heartbeat_ms: 250, heartbeat_ms: 300 }").code).toBe("config-invalid");
});
