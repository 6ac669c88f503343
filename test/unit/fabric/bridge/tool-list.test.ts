/**
 * Goal: a published list of tools is read by one rule, a fault in it is named with its line, and what a user has made
 * of a manifest stays. Method: lists with one fault each; manifests that were there before.
 */
import { expect, test } from "vitest";
import { registerListedTools } from "../../../../host/shared/fabric/bridge/register-tools.ts";
import { readToolList } from "../../../../host/shared/fabric/bridge/tool-manifest.ts";
import { Failure } from "../../../../host/shared/ports/failure.ts";
import { fromUtf8, utf8 } from "../../../../host/shared/trust/bytes.ts";
import { agentObject, memoryRegistry } from "../../../support/registry.ts";

const MANIFESTS = "/p/.rtt/manifests";
const MANIFEST = `${MANIFESTS}/mcp.work.tool.send.json`;

test.each([
  ["tools.json:2: ", '{\n"tools": [,]}'],
  ['tools.json:1: "tools" must be a list', "{}"],
  ['tools.json:1: "tools" must be a list', '{"tools": {}}'],
  ["tools.json:2: tools[0] is not an object", '{"tools": [\n1]}'],
  ["tools.json:3: tools[1] has no name", '{"tools": [{"name": "a"},\n\n{"version": "1.0.0"}]}'],
  ["tools.json:1: tools[0] has no name", '{"tools": [{"name": "a", "version": 1}]}'],
  ["capabilities that are no list of texts", '{"tools": [{"name": "a", "capabilities": "x"}]}'],
  ["capabilities that are no list of texts", '{"tools": [{"name": "a", "capabilities": [1]}]}'],
  ["a name or version that makes no address", '{"tools": [{"name": "пример"}]}'],
  ["a name or version that makes no address", '{"tools": [{"name": "a", "version": "one"}]}'],
])("refused: %s", (problem, text) => {
  let failure: Failure | null = null;
  try {
    readToolList(utf8(text), "tools.json", "work");
  } catch (thrown) {
    failure = Failure.from(thrown);
  }
  expect(failure?.code).toBe("config-invalid");
  expect(failure?.message).toContain(problem);
});

test("bytes that are no text are no list", () => {
  const bytes = new Uint8Array([0x7b, 0xff, 0x7d]);
  expect(() => readToolList(bytes, "tools.json", "work")).toThrow(/tools\.json:1/);
});

test("a list that was registered before changes nothing, and an edited manifest stays", async () => {
  const { registry, files } = await memoryRegistry();
  await registry.put(agentObject("send"));
  const listed = readToolList(utf8('{"tools": [{"name": "send"}]}'), "tools.json", "work");
  const register = () => registerListedTools(files, registry, MANIFESTS, listed);
  expect(await register()).toMatchObject({ addresses: ["rtt://mcp/work/tool/send@1.0.0"] });
  const generation = await registry.generation();
  const written = files.all.get(MANIFEST);
  expect(await register()).toMatchObject({ addresses: [], keptManifests: [] });
  expect(files.all.get(MANIFEST)).toEqual(written);
  expect(await registry.generation()).toBe(generation);
});

test("a manifest that lies there already is kept when its tool is listed for the first time", async () => {
  const { registry, files } = await memoryRegistry();
  await files.write(MANIFEST, utf8('{"mine": true}'));
  const listed = readToolList(utf8('{"tools": [{"name": "send"}]}'), "tools.json", "work");
  const { keptManifests } = await registerListedTools(files, registry, MANIFESTS, listed);
  expect(keptManifests).toEqual(["mcp.work.tool.send.json"]);
  expect(fromUtf8(files.all.get(MANIFEST) as Uint8Array)).toBe('{"mine": true}');
});

test("an empty list registers nothing", async () => {
  const { registry, files } = await memoryRegistry();
  await registry.put(agentObject("send"));
  const none = readToolList(utf8('{"tools": []}'), "tools.json", "work");
  expect(await registerListedTools(files, registry, MANIFESTS, none)).toEqual({
    addresses: [],
    replaced: [],
    keptManifests: [],
    problems: [],
  });
});
