/** Goal: the package that a server's command line runs is known. Method: command lines as people write them. */
import { expect, test } from "vitest";
import { packageOfServer } from "../../../../host/shared/fabric/release/server-package.ts";
import type { Json } from "../../../../host/shared/trust/canonical-json.ts";

const of = (line: string): string | null => {
  const [command = "", ...args] = line.split(" ").filter((word) => word !== "");
  return packageOfServer({ type: "mcp-server", server: { command, args } })?.purl ?? null;
};

const DIGEST = `sha256:${"a1".repeat(32)}`;

const LINES: readonly (readonly [string, string | null])[] = [
  ["npx -y @scope/server@1.2.3", "pkg:npm/%40scope/server@1.2.3"],
  ["npx @scope/server", "pkg:npm/%40scope/server"],
  ["npx -y server@^1.2.0 --port 7", "pkg:npm/server"],
  ["npx -y server@latest", "pkg:npm/server"],
  ["npx --package=server@2.0.0-beta.1 run-it", "pkg:npm/server@2.0.0-beta.1"],
  ["npx -p server@2.0.0 run-it", "pkg:npm/server@2.0.0"],
  ["/usr/bin/npx.cmd -- server@v1.0.0", "pkg:npm/server@1.0.0"],
  ["npm exec -y server@1.0.0", "pkg:npm/server@1.0.0"],
  ["npm run server", null],
  ["pnpm dlx server@1.0.0", "pkg:npm/server@1.0.0"],
  ["bunx server@1.0.0", "pkg:npm/server@1.0.0"],
  ["npx --registry https://example.test/ server@1.0.0", "pkg:npm/server@1.0.0"],
  ["npx -y github:owner/server", null],
  ["npx -y ../server", null],
  ["npx -y", null],
  ["npx", null],
  ["uvx My_Server.Name==1.2.3", "pkg:pypi/my-server-name@1.2.3"],
  ["uvx --from server[http]==1.2.3 serve", "pkg:pypi/server@1.2.3"],
  ["uvx server@latest", "pkg:pypi/server"],
  ["uvx --with other server", "pkg:pypi/server"],
  ["uv tool run server@0.1.0", "pkg:pypi/server@0.1.0"],
  ["uv run server", null],
  ["pipx run --spec server==3.0.0 go", "pkg:pypi/server@3.0.0"],
  ["docker run -i --rm -e TOKEN=x -v /a:/b owner/image:1.0", "pkg:docker/owner/image@1.0"],
  ["docker run -i ghcr.io/owner/image", "pkg:docker/ghcr.io/owner/image"],
  [`podman run image@${DIGEST}`, `pkg:docker/image@${DIGEST}`],
  ["docker exec box server", null],
  ["node server.js", null],
  ["constructor x", null],
];

test.each(LINES)("%s", (line, purl) => {
  expect(of(line)).toBe(purl);
});

test("only what is exact is a version: an image's is its digest", () => {
  const version = (command: string, ...args: readonly string[]): string | null | undefined =>
    packageOfServer({ server: { command, args } })?.version;
  expect(version("npx", "a@1.2.3")).toBe("1.2.3");
  expect(version("npx", "a@1")).toBeNull();
  expect(version("docker", "run", "a:1.2.3")).toBeNull();
  expect(version("docker", "run", `a@${DIGEST}`)).toBe(DIGEST);
});

test("a body of another form names no package, and a secret among the words none either", () => {
  const bodies: readonly Json[] = [
    null,
    7,
    [],
    {},
    { server: 7 },
    { server: {} },
    { server: { command: 7 } },
    { server: { command: "npx" } },
    { server: { command: "npx", args: "a" } },
    { server: { command: "npx", args: [{ ref: "env:TOKEN" }] } },
  ];
  for (const body of bodies) expect(packageOfServer(body)).toBeNull();
  const args = ["--registry", { ref: "env:URL" }, "a@1.0.0"];
  expect(packageOfServer({ server: { command: "npx", args } })?.purl).toBe("pkg:npm/a@1.0.0");
});
