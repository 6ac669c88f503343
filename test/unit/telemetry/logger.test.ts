import { describe, expect, it } from "vitest";
import { Failure } from "../../../host/shared/ports/failure.ts";
import { createLogger, type LogLine } from "../../../host/shared/telemetry/logger.ts";
import { redact, redactText, REDACTED } from "../../../host/shared/telemetry/redact.ts";

function logged(level: "debug" | "info" | "warn" | "error" | "silent") {
  const lines: LogLine[] = [];
  const clock = { wallMs: () => 1_700_000_000_000 };
  return { lines, log: createLogger({ level, clock, write: (line) => lines.push(line) }) };
}

describe("the logger", () => {
  it("writes lines at its level and above, with bound fields", () => {
    const { lines, log } = logged("warn");
    log.info("too.quiet");
    log.with({ node: "a" }).error("loud", { count: 2 });
    expect(lines).toEqual([
      { level: "error", timeMs: 1_700_000_000_000, event: "loud", fields: { node: "a", count: 2 } },
    ]);
  });

  it("writes a failure with its code and without its cause", () => {
    const { lines, log } = logged("info");
    const cause = new Error("inner secret=abcdefgh");
    const failure = new Failure("tool-timeout", "late", { origin: "peer", remedy: "wait", cause });
    log.warn("call", { failure });
    expect(JSON.stringify(lines)).toContain('"code":"tool-timeout"');
    expect(JSON.stringify(lines)).not.toContain("abcdefgh");
  });
});

describe("redaction", () => {
  it("replaces values under secret names at any depth, and keeps error codes", () => {
    const value = {
      token: "t",
      deep: [{ api_key: "k", "Private-Key": "p" }],
      code: "tool-timeout",
      invite: { code: "rtt1-9f8e7d6c5b4a" },
    };
    expect(redact(value)).toEqual({
      token: REDACTED,
      deep: [{ api_key: REDACTED, "Private-Key": REDACTED }],
      code: "tool-timeout",
      invite: { code: REDACTED },
    });
  });

  it("takes tokens out of texts that others wrote", () => {
    expect(redactText("Authorization: Bearer abcdef123456 ok")).toBe(
      `Authorization: Bearer ${REDACTED} ok`,
    );
    expect(redactText('{"password": "hunter22"}')).toBe(`{"password": "${REDACTED}"}`);
  });

  it("names bytes by their size only", () => {
    expect(redact({ seed: 1, payload: new Uint8Array(3) })).toEqual({
      seed: REDACTED,
      payload: "[3 bytes]",
    });
  });
});
