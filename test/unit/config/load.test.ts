import { describe, expect, it } from "vitest";
import { type ConfigSources, loadConfig } from "../../../host/shared/config/load.ts";
import { Failure } from "../../../host/shared/ports/failure.ts";

const load = (yaml: string, rest: Partial<ConfigSources> = {}) =>
  loadConfig({ yaml: { path: "config.yaml", text: yaml }, environment: {}, flags: {}, ...rest });

function problem(yaml: string, rest: Partial<ConfigSources> = {}): string {
  try {
    load(yaml, rest);
  } catch (thrown) {
    if (thrown instanceof Failure && thrown.code === "config-invalid") return thrown.message;
    throw thrown;
  }
  throw new Error("the configuration was accepted");
}

describe("configuration", () => {
  it("has a default for every setting", () => {
    const config = loadConfig({ yaml: null, environment: {}, flags: {} });
    expect(config.roles).toEqual(["host"]);
    expect(config.listen).toBe("0.0.0.0:7443");
    expect(config["calls.timeoutMs"]).toBe(30_000);
  });

  it("lets flags win over the environment, the environment over the file, the file over defaults", () => {
    const yaml = "tenant: file\nname: file\nhttp:\n  port: 1\n";
    const environment = { RTT_TENANT: "environment", RTT_NAME: "environment" };
    const config = load(yaml, { environment, flags: { tenant: "flag" } });
    expect([config.tenant, config.name, config["http.port"]]).toEqual(["flag", "environment", 1]);
  });

  it("reads lists from the environment and servers from YAML", () => {
    const yaml = "device:\n  servers:\n    git:\n      command: git-mcp\n      env: {A: b}\n";
    const config = load(yaml, { environment: { RTT_ROLES: "host,device" } });
    expect(config.roles).toEqual(["host", "device"]);
    expect(config["device.servers"]["git"]).toEqual({
      command: "git-mcp",
      args: [],
      env: { A: "b" },
      cwd: null,
    });
  });

  it.each([
    ["http:\n  port: 70000", 'config.yaml:2: "http.port" must be a whole number from 0 to 65535'],
    ["name: two words", 'config.yaml:1: "name" must be a name'],
    ["tenat: x", 'there is no setting "tenat"; did you mean "tenant"?'],
    ["tenant: [a", "config.yaml:1:"],
    ["- a\n- b", "the file is no map"],
    ["log: {level: loud}", '"log.level" must be one of debug, info, warn, error, silent'],
    ["listen: nowhere", '"listen" must be an address'],
    ["roles: [king]", '"roles" must be a list of one of host, device, not a list of 1'],
    ["device: {servers: {a: {args: [1]}}}", '"device.servers" must be servers'],
  ])("refuses %j by name and place", (yaml, message) => {
    expect(problem(yaml)).toContain(message);
  });

  it("names the variable or the command line when the mistake is there", () => {
    expect(problem("", { environment: { RTT_HTTP_PORT: "x" } })).toContain(
      'environment RTT_HTTP_PORT: "http.port"',
    );
    expect(problem("", { flags: { listen: 7 } })).toContain('command line: "listen"');
  });

  it("never shows the inside of a server entry, which may hold a key", () => {
    const yaml = "device: {servers: {a: {command: 1, env: {KEY: sesame}}}}";
    expect(problem(yaml)).not.toContain("sesame");
  });

  it("does not expand aliases", () => {
    expect(problem("tenant: &a x\nname: *a\n")).toContain("Alias");
  });
});
