/**
 * An MCP server that misbehaves on demand, run as a real child process: `node tool-server-double.ts <mode>`.
 *
 *   good       answers `echo` and counts its calls           modern    speaks 2026-07-28 only
 *   banner     prints lines before it speaks the protocol    crash     exits in the middle of a call
 *   hang       never answers a call, nor anything after it   slow      answers a call after 300 ms
 *   nonsense   answers a call with a line of no meaning      flood     answers a call with notifications for ever
 *   huge       answers a call with one endless line          orphan    starts a child of its own and hangs
 *   mute       never answers initialize                      dies      exits at once
 *   stranger   answers a question nobody asked               repeatable  as slow, and says it may be repeated
 *   gate       writes the file `<text>.started`, and answers a call when the file `<text>` is there
 *   scripted   has the tools and the version of the JSON file that its next argument names, and says when they change;
 *              each call's text goes into a file of the same name with `.calls` behind it
 */
import { spawn } from "node:child_process";
import { appendFileSync, existsSync, readFileSync, watchFile, writeFileSync } from "node:fs";
import { createInterface } from "node:readline";

const mode = process.argv[2] ?? "good";
const REVISION = mode === "modern" ? "2026-07-28" : "2025-11-25";
const isSlow = mode === "slow" || mode === "repeatable";
let isDeaf = false;
let calls = 0;

interface Message {
  readonly id?: number;
  readonly method?: string;
  readonly params?: { readonly name?: string; readonly arguments?: { readonly text?: string } };
}

const write = (text: string): void => void process.stdout.write(`${text}\n`);
const send = (message: object): void => write(JSON.stringify({ jsonrpc: "2.0", ...message }));

if (mode === "dies") {
  process.stderr.write("cannot open the database, token=hunter2hunter2\n");
  process.exit(3);
}
if (mode === "banner") write("Welcome!\n\n~~~ starting ~~~");
if (mode === "orphan") {
  const child = spawn(process.execPath, ["-e", "setInterval(() => {}, 1000)"], { stdio: "ignore" });
  process.stderr.write(`orphan ${child.pid}\n`);
}

const ECHO = {
  name: "echo",
  description: "Returns its text.",
  inputSchema: { type: "object", properties: { text: { type: "string" } }, required: ["text"] },
  annotations: mode === "repeatable" ? { idempotentHint: true } : {},
};

/** What a scripted server says of itself now. */
function script(): { readonly version?: string; readonly tools?: readonly object[] } {
  if (mode !== "scripted") return {};
  return JSON.parse(readFileSync(process.argv[3] ?? "", "utf8")) as ReturnType<typeof script>;
}
if (mode === "scripted") {
  watchFile(process.argv[3] ?? "", { interval: 50 }, () =>
    send({ method: "notifications/tools/list_changed" }),
  );
}

function answerCall(id: number, text: string): void {
  calls += 1;
  if (mode === "scripted") appendFileSync(`${process.argv[3]}.calls`, `${text}\n`);
  const result = { content: [{ type: "text", text }], calls };
  const complete = mode === "modern" ? { resultType: "complete", ...result } : result;
  if (mode === "crash" && text === "crash") process.exit(7);
  else if ((mode === "hang" || mode === "orphan") && text === "hang") isDeaf = true;
  else if (mode === "nonsense" && text === "nonsense") write("Segmentation fault (core dumped)");
  else if (mode === "stranger" && text === "stranger") send({ id: 4711, result: {} });
  else if (mode === "flood" && text === "flood") {
    const notice = { method: "notifications/message", params: { level: "info", data: "x" } };
    setInterval(() => {
      for (let index = 0; index < 500; index++) send(notice);
    }, 1);
  } else if (mode === "huge" && text === "huge") {
    const piece = "x".repeat(65536);
    process.stdout.write(`{"jsonrpc":"2.0","id":${id},"result":{"content":"`);
    setInterval(() => process.stdout.write(piece), 1);
  } else if (mode === "gate") {
    writeFileSync(`${text}.started`, "");
    const timer = setInterval(() => {
      if (!existsSync(text)) return;
      clearInterval(timer);
      send({ id, result: complete });
    }, 20);
  } else if (isSlow) setTimeout(() => send({ id, result: complete }), 300);
  else send({ id, result: complete });
}

createInterface({ input: process.stdin }).on("line", (line) => {
  if (isDeaf) return;
  const message = JSON.parse(line) as Message;
  const { id, method, params } = message;
  if (id === undefined) return;
  if (method === "initialize" && mode === "mute") return;
  if (method === "initialize" && mode === "modern") {
    const data = { supported: [REVISION], requested: "2025-11-25" };
    send({ id, error: { code: -32022, message: "Unsupported protocol version", data } });
  } else if (method === "initialize") {
    const serverInfo = { name: "double", version: script().version ?? "1.2.3" };
    send({ id, result: { protocolVersion: REVISION, capabilities: { tools: {} }, serverInfo } });
  } else if (method === "server/discover") {
    const info = { "io.modelcontextprotocol/serverInfo": { name: "double", version: "1.2.3" } };
    send({ id, result: { supportedVersions: [REVISION], capabilities: {}, _meta: info } });
  } else if (method === "tools/list") send({ id, result: { tools: script().tools ?? [ECHO] } });
  else if (method === "tools/call") answerCall(id, params?.arguments?.text ?? "");
  else send({ id, error: { code: -32601, message: "no such method" } });
});
process.stdin.on("end", () => process.exit(0));
