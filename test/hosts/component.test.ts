/**
 * Goal: the component is the engine, for every other language; and contract and code cannot drift apart unseen.
 * Method: the component is built, called through the bindings of the component tools, and completes a connection with
 * the core engine of our own hosts. Each gate is shown a difference and must name it.
 */
import { execFileSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { loadEngine } from "../../host/node/engine.ts";
import type { EndpointEngine } from "../../host/shared/engine/contract.ts";
import type { Engine as Root } from "../../wit/gen/engine.d.ts";
import {
  loadComponentTools,
  loadModule,
  type Binaryen,
  type BinaryenModule,
} from "../../wit/abi.ts";
import WitTransform from "../../wit/transform.ts";
import { ROOT } from "../support/tree.ts";
import { hex, toHex } from "../support/wasm.ts";
import { fetchRuntimes } from "./fetch.ts";
import { createSuiteInput } from "./input.ts";
import { createSuiteEndpoint } from "./suite.ts";

const hasTools = fetchRuntimes();
if (process.env["CI"] === "true" && !hasTools) throw new Error("CI must have the component tools");

describe.skipIf(!hasTools)("the component", { timeout: 240_000 }, () => {
  let folder = "";
  let component: Root;

  beforeAll(async () => {
    execFileSync(process.execPath, [join(ROOT, "build.ts"), "component", "--quiet"]);
    folder = mkdtempSync(join(tmpdir(), "mxp-component-"));
    component = await instantiate(folder);
  }, 240_000);

  afterAll(() => rmSync(folder, { recursive: true, force: true }));

  test("digests have their published values", () => {
    const abc = new TextEncoder().encode("abc");
    // FIPS 180-4, SHA-256 example; RFC 3720 §B.4; xxHash's own value for the empty input.
    expect(toHex(component.digest.sha256(abc))).toBe(
      "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad",
    );
    expect(component.digest.crc32c(0, new Uint8Array(32))).toBe(0x8a9136aa);
    expect(component.digest.xxh3(new Uint8Array(0))).toBe(0x2d06800538d394c2n);
  });

  test("a message has the published bytes, and comes back", () => {
    const header = {
      messageType: 0x10,
      flags: 0,
      messageId: 0x0123456789abcdefn,
      traceId: 0xfedcba9876543210n,
    };
    const payload = new TextEncoder().encode("ping");
    const bytes = component.message.encode(header, payload);
    expect(toHex(bytes)).toBe(
      "3150584d10000000efcdab89674523011032547698badcfe0400000000000000" +
        "70696e679206fe1692c6f3f7",
    );
    expect(component.message.decode(bytes, true)).toEqual({ header, payload });
  });

  test("a wrong message is named by the contract's code", () => {
    const decode = (bytes: Uint8Array): string => {
      try {
        component.message.decode(bytes, true);
      } catch (error) {
        return String(error);
      }
      return "none";
    };
    expect(decode(new Uint8Array(10))).toBe("buffer-too-small");
    expect(decode(new Uint8Array(40))).toBe("invalid-magic");
  });

  test("a ring keeps order and says when it is full", () => {
    const ring = component.ring.Ring.create(2, 32);
    ring.push(hex("01"));
    ring.push(hex("0203"));
    expect(() => ring.push(hex("04"))).toThrow();
    expect([ring.depth(), ring.pop(), ring.pop(), ring.pop()]).toEqual([
      2,
      hex("01"),
      hex("0203"),
      undefined,
    ]);
  });

  test("the component connects to the core engine and moves bytes both ways", () => {
    const input = createSuiteInput();
    const server = createSuiteEndpoint(loadEngine(), input.server, true);
    server.addEntropy(hex(input.server.seed));
    server.pinIdentity(hex(input.client.identity));
    const configuration = {
      seed: hex(input.client.seed),
      staticPrivateKey: hex(input.client.staticPrivateKey),
      certificate: hex(input.client.certificate),
      acceptsConnections: false,
      asksForUnknownPeers: false,
      parameters: {
        maxData: 1_000_000n,
        maxStreamData: 500_000n,
        maxStreamsBidi: 4n,
        idleTimeoutMs: 30_000,
        maxDatagramBytes: 1_000,
        maxMessageBytes: 65_536,
        maxAckDelayUs: 5_000,
      },
      maxPacketBytes: 1_200,
      basePacketBytes: 1_200,
      connectionsMax: 1,
    };
    const client = component.endpoint.Endpoint.create(configuration);
    client.pinIdentity(hex(input.server.identity));
    const result = converse(component, client, server, input);
    expect(result.server).toBe("from the component");
    expect(result.client).toBe("from the core");
    expect(result.bindings[0]).toBe(result.bindings[1]);
    expect(() => component.endpoint.Endpoint.create(configuration)).toThrow();
  });
});

describe.skipIf(!hasTools)("the gates", { timeout: 120_000 }, () => {
  test("a missing or differing export stops the compiler with its name", async () => {
    const binaryen = await loadBinaryen();
    const wrong = (): BinaryenModule =>
      binaryen.parseText(
        `(module (func (export "digest_xxh3") (param i64) (result i64) (local.get 0)))`,
      );
    const transform = Object.assign(new WitTransform(), { binaryen });
    await expect(transform.afterCompile(wrong())).rejects.toThrow(/digest_sha256 is missing/);
    await expect(transform.afterCompile(wrong())).rejects.toThrow(/digest_xxh3 has \(3\)/);
  });

  test("an import that the contract does not have stops the component tools", async () => {
    const binaryen = await loadBinaryen();
    const core = binaryen.parseText(`(module (import "host" "log" (func (param i32))))`);
    const tools = await loadComponentTools();
    const embed = tools.componentEmbed({
      binary: core.emitBinary(),
      witPath: join(ROOT, "wit"),
      world: "engine",
      stringEncoding: "utf8",
    });
    await expect(embed.then((bytes) => tools.componentNew(bytes, []))).rejects.toThrow();
  });

  test("a type that differs from the contract stops the type checker", () => {
    const source = readFileSync(join(ROOT, "wit/agreement.ts"), "utf8");
    const path = join(ROOT, "wit", "agreement-broken.ts");
    writeFileSync(path, source.replace("Lowercase<HandshakePattern>", '"ik" | "nk"'));
    try {
      const tsc = join(ROOT, "node_modules/typescript/bin/tsc");
      expect(() => execFileSync(process.execPath, [tsc, "-p", ROOT], { stdio: "pipe" })).toThrow();
    } finally {
      rmSync(path);
    }
  });
});

type Client = ReturnType<Root["endpoint"]["Endpoint"]["create"]>;

/** Exchanges one text each way between the component (client) and the core engine (server). */
function converse(
  component: Root,
  client: Client,
  server: EndpointEngine,
  input: ReturnType<typeof createSuiteInput>,
): { client: string; server: string; bindings: string[] } {
  const [address, bindings] = [new Uint8Array(24), [] as string[]];
  const text = { client: "", server: "" };
  let nowUs = 1_000_000;
  const near = (): { monotonic: bigint; wall: bigint } => ({
    monotonic: BigInt(nowUs),
    wall: BigInt(input.wallMs),
  });
  const target = {
    remote: address,
    pattern: "ik" as const,
    remoteStatic: hex(input.server.staticPublicKey),
    expectedIdentity: hex(input.server.identity),
    entropy: hex(input.client.seed),
  };
  const connection = component.connection.connect(client, target, near());
  for (let step = 0; step < 200 && (text.client === "" || text.server === ""); step++) {
    nowUs += 1_000;
    const far = { nowUs, wallMs: input.wallMs };
    const due = client.nextTimeout();
    if (due !== undefined && due <= BigInt(nowUs)) client.handleTimeout(near());
    if (server.nextTimeoutUs() <= nowUs) server.handleTimeout(far);
    for (let event = client.pollEvent(); event !== undefined; event = client.pollEvent()) {
      if (event.tag === "connected") {
        bindings.push(toHex(event.val.channelBinding));
        const id = component.stream.open(client, connection, "bytes", "streaming", "talk/1");
        component.stream.write(client, connection, id, utf8("from the component"), true);
      } else if (event.tag === "readable") {
        const found = component.stream.read(client, connection, event.val.id, 1_000);
        if (found.tag === "data") text.client += new TextDecoder().decode(found.val);
      }
    }
    for (let event = server.nextEvent(); event !== null; event = server.nextEvent()) {
      if (event.kind === "connected") bindings.push(toHex(event.channelBinding));
      if (event.kind !== "readable") continue;
      const buffer = new Uint8Array(1_000);
      const count = server.read(event.connection, event.stream, buffer);
      if (count <= 0) continue;
      text.server += new TextDecoder().decode(buffer.subarray(0, count));
      server.write(event.connection, event.stream, utf8("from the core"), true);
    }
    for (const { bytes } of client.transmit(near())) server.queueDatagram(bytes, address);
    server.receive(far);
    const datagrams = server
      .transmit(far)
      .flatMap(({ bytes, segmentBytes }) => split(bytes, segmentBytes));
    client.receive(
      datagrams.map((bytes) => ({ bytes, remote: address })),
      near(),
    );
  }
  return { ...text, bindings };
}

const utf8 = (text: string): Uint8Array => new TextEncoder().encode(text);

function split(bytes: Uint8Array, size: number): Uint8Array[] {
  return Array.from({ length: Math.ceil(bytes.length / size) }, (_, index) =>
    bytes.slice(index * size, (index + 1) * size),
  );
}

/** Compiles the component to JavaScript in `folder` and instantiates it. */
async function instantiate(folder: string): Promise<Root> {
  const { transpileBytes } = await loadModule<{
    transpileBytes: (
      bytes: Uint8Array,
      options: object,
    ) => Promise<{ files: Record<string, Uint8Array> }>;
  }>("jco-transpile/dist/index.js");
  const component = readFileSync(join(ROOT, "build/engine.component.wasm"));
  const options = { name: "engine", instantiation: "async" };
  const { files } = await transpileBytes(component, options);
  for (const [name, bytes] of Object.entries(files)) {
    if (!name.includes("/")) writeFileSync(join(folder, name.replace(/\.js$/, ".mjs")), bytes);
  }
  const module = (await import(pathToFileURL(join(folder, "engine.mjs")).href)) as {
    instantiate: (load: (path: string) => WebAssembly.Module, imports: object) => Promise<Root>;
  };
  return module.instantiate((path) => new WebAssembly.Module(readFileSync(join(folder, path))), {});
}

async function loadBinaryen(): Promise<
  Binaryen & { parseText(text: string): BinaryenModule & { emitBinary(): Uint8Array } }
> {
  return ((await import("binaryen")) as { default: unknown }).default as never;
}
