import { expect, test } from "vitest";
import {
  isSecretName,
  isSecretValue,
  SecretKeeper,
} from "../../../../host/shared/fabric/discovery/secrets.ts";

const HEX = "0123456789abcdef".repeat(3);

test.for([
  "API_KEY",
  "apiKey",
  "GITHUB_TOKEN",
  "X-Auth",
  "DB_PWD",
  "clientSecret",
  "--api-key",
  "dsn",
])("%s names a secret", (name) => expect(isSecretName(name)).toBe(true));

test.for(["PWD", "MAX_TOKENS", "KEYBOARD", "LOG_LEVEL", "NODE_ENV", "AUTHOR", "PUBLIC_KEY"])(
  "%s names none",
  (name) => expect(isSecretName(name)).toBe(false),
);

test.for([
  "sk-ant-api03-abcdefghijklmnop",
  "AKIAIOSFODNN7EXAMPLE",
  "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.abc",
  HEX,
  "wJalrXUtnFEMIK7MDENGbPxRfiCYEXAMPLEKEY",
  "-----BEGIN OPENSSH PRIVATE KEY-----\nabc",
])("%s looks like a secret", (value) => expect(isSecretValue(value)).toBe(true));

test.for([
  "@modelcontextprotocol/server-filesystem",
  "/Users/Alice/Projects/Application2024/data",
  "production",
  "https://docs.example/mcp",
  "claude-sonnet-4-5-20250929",
])("%s does not", (value) => expect(isSecretValue(value)).toBe(false));

test.for([
  ["TOKEN", "${TOKEN}", { ref: "env:TOKEN" }],
  ["TOKEN", "${env:OTHER}", { ref: "env:OTHER" }],
  ["TOKEN", "{env:OTHER}", { ref: "env:OTHER" }],
  ["TOKEN", "$OTHER", { ref: "env:OTHER" }],
  ["TOKEN", "${input:key}", { ref: "input:key" }],
  ["TOKEN", "abc$OTHER", { ref: "env:TOKEN" }],
  ["TOKEN", "hunter2", { ref: "env:TOKEN" }],
  ["TOKEN", "", ""],
  ["HOST", "${HOST:-localhost}", { template: "${env:HOST:-localhost}" }],
  ["API_KEY", "${API_KEY:-hunter2}", { ref: "env:API_KEY" }],
  [
    "DATABASE_URL",
    "postgres://me:hunter2@db/x",
    { template: "postgres://me:${env:S_PASSWORD}@db/x" },
  ],
  ["ANY", HEX, { ref: "env:ANY" }],
  ["CONFIG", '{"k":"sk-ant-api03-abcdefghijklmnop"}', { ref: "env:CONFIG" }],
] as const)("the variable %s = %s is kept safely", ([name, value, expected]) => {
  expect(new SecretKeeper("s").variable(name, value, "env")).toEqual(expected);
});

test.for([
  ["Authorization", "Bearer abcdef", { template: "Bearer ${env:S_AUTHORIZATION}" }],
  ["Authorization", "Bearer ${KEY}", { template: "Bearer ${env:KEY}" }],
  ["X-Api-Key", "abcdef", { ref: "env:S_X_API_KEY" }],
  ["Accept", "application/json", "application/json"],
] as const)("the header %s: %s is kept safely", ([name, value, expected]) => {
  expect(new SecretKeeper("s").header(name, value, "headers")).toEqual(expected);
});

test("arguments and addresses lose their secrets and keep the rest", () => {
  const keeper = new SecretKeeper("my server");
  expect(
    keeper.words(
      ["-y", "pkg@1.2.3", "--token", "hunter2", "--key=hunter2", "-e", "PASSWORD=hunter2", "."],
      "args",
    ),
  ).toEqual([
    "-y",
    "pkg@1.2.3",
    "--token",
    { ref: "env:MY_SERVER_TOKEN" },
    { template: "--key=${env:MY_SERVER_KEY}" },
    "-e",
    { template: "PASSWORD=${env:MY_SERVER_PASSWORD}" },
    ".",
  ]);
  expect(keeper.text(`https://mcp.example/s/${HEX}/mcp?api_key=hunter2&v=2`, "url", "url")).toEqual(
    {
      template:
        "https://mcp.example/s/${env:MY_SERVER_URL}/mcp?api_key=${env:MY_SERVER_API_KEY}&v=2",
    },
  );
  expect(keeper.lossy.map(({ field }) => field)).toEqual(["args[3]", "args[4]", "args[6]", "url"]);
});

test.for([
  ["Authorization: Bearer hunter2", { template: "Authorization: Bearer ${env:S_AUTHORIZATION}" }],
  ["Authorization:${AUTH}", { template: "Authorization:${env:AUTH}" }],
  ["--header=X-Api-Key: hunter2", { template: "--header=X-Api-Key: ${env:S_X_API_KEY}" }],
  ["PASSWORD=hunter2 and more", { template: "PASSWORD=${env:S_PASSWORD}" }],
  [
    "env TOKEN=hunter2 npx x --key hunter2 -v",
    { template: "env TOKEN=${env:S_TOKEN} npx x --key ${env:S_KEY} -v" },
  ],
  [
    "curl https://me:hunter2@x.example/",
    { template: "curl https://me:${env:S_PASSWORD}@x.example/" },
  ],
  ["cd /srv && npx server --port 80", "cd /srv && npx server --port 80"],
  [`Bearer ${HEX}`, { template: "Bearer ${env:S_ARGS_0}" }],
] as const)("the argument %s is kept safely", ([word, expected]) => {
  expect(new SecretKeeper("s").words([word], "args")).toEqual([expected]);
});

test("fields that only one tool knows are searched to their depth", () => {
  const keeper = new SecretKeeper("s");
  const value = { oauth: { clientSecret: "hunter2", scopes: ["read"] }, retries: 3 };
  expect(keeper.value(value, "auth", "extra")).toEqual({
    oauth: { clientSecret: { ref: "env:S_CLIENT_SECRET" }, scopes: ["read"] },
    retries: 3,
  });
});
