/** Registries for tests: in memory, with signers made of a byte. */
import { Registry } from "../../host/shared/fabric/registry/registry.ts";
import type { RegistryOptions } from "../../host/shared/fabric/registry/index-file.ts";
import type { RegistryObject } from "../../host/shared/fabric/registry/object.ts";
import type { RegistrySigner } from "../../host/shared/fabric/registry/ports.ts";
import { parseSymbolAddress } from "../../host/shared/fabric/symbol.ts";
import { nodeSignatures } from "../../host/node/signatures.ts";
import { fromUtf8, utf8 } from "../../host/shared/trust/bytes.ts";
import { formatIdentityKey } from "../../host/shared/trust/key-text.ts";
import { MemoryFiles } from "./memory-files.ts";
import { testPorts } from "./ports.ts";

/** The folder of registries in memory. */
export const FOLDER = "/p/.rtt/registry";

/** A signer whose seed is one byte, repeated. */
export function signerOf(byte: number): RegistrySigner & { readonly key: string } {
  const seed = new Uint8Array(32).fill(byte);
  const publicKey = nodeSignatures.publicKey(seed);
  return { seed, publicKey, key: formatIdentityKey(publicKey) };
}

export const OWNER = signerOf(1);
export const COLLEAGUE = signerOf(2);
export const STRANGER = signerOf(3);

/** A registry in memory, the owner's unless the options say otherwise. */
export async function memoryRegistry(
  options: RegistryOptions = { signer: OWNER },
  files: MemoryFiles = new MemoryFiles(),
) {
  const ports = testPorts({ files });
  const registry = await Registry.open(ports, FOLDER, options);
  return { files, ports, registry };
}

/** An agent in the published form, at an address of its own. */
export function agentObject(id: string, version = "1.0.0", more: object = {}): RegistryObject {
  const address = `rtt://test/agent/${id}@${version}`;
  return {
    kind: "agent",
    address: parseSymbolAddress(address),
    body: {
      $schema: "https://rtt/agent-manifest/v1",
      id,
      version,
      rtt_saddr: address,
      ...more,
    },
  };
}

/** Replaces a text file by what `change` makes of it. */
export function editFile(files: MemoryFiles, path: string, change: (text: string) => string): void {
  const bytes = files.all.get(path);
  if (bytes === undefined) throw new Error(`there is no ${path}`);
  files.all.set(path, utf8(change(fromUtf8(bytes) as string)));
}
