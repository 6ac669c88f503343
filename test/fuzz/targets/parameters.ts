/** Transport parameters, as they lie in decrypted Noise payloads. */
import * as twin from "../../reference/parameters.ts";
import { TestModule } from "../../support/wasm.ts";
import { decodeParameters, reencodeParameters } from "../../support/wire-packets.ts";
import { anyIgnoredParameter, anyParameters } from "../../support/wire-values.ts";
import { mutate } from "../mutate.ts";
import { judged, requireEqual, type Target } from "../target.ts";

const PARAMETER_INVALID = -23;

/** Known parameters in the order of their ids, as the engine writes them. */
function canonical(value: twin.ParametersValue): Uint8Array<ArrayBuffer> {
  const numbers = [...value.numbers].map(([id, number]) => {
    const size = id === 9 ? 2 : id <= 3 || id === 8 ? 8 : 4;
    const bytes = Uint8Array.from({ length: size }, (_, index) =>
      Number((number >> BigInt(8 * index)) & 0xffn),
    );
    return { id, value: bytes };
  });
  const strings = [...value.strings].map(([id, bytes]) => ({ id, value: bytes }));
  const sorted = [...numbers, ...strings].sort((a, b) => a.id - b.id);
  return twin.encodeParameters(sorted, 0);
}

export const parameters: Target = {
  name: "parameters",
  about: "handshake payloads against the twin, clear and encrypted, encoded again when accepted",
  entries: ["wire"],
  prepare() {
    const wasm = new TestModule("wire");
    return (random) => {
      const list = anyParameters(random);
      if (random.chance(0.5)) list.push(anyIgnoredParameter(random));
      if (random.chance(0.3)) list.sort(() => random.float() - 0.5);
      if (random.chance(0.1) && list.length > 0) list.push(random.pick(list));
      const input = mutate(random, twin.encodeParameters(list, random.between(0, 12)));
      const isEncrypted = random.chance(0.6);
      return judged(input, () => {
        const expected = twin.decodeParameters(input, isEncrypted);
        const decoded = decodeParameters(wasm, input, isEncrypted);
        requireEqual(decoded, expected ?? PARAMETER_INVALID, "decoding");
        if (expected === null) return false;
        requireEqual(reencodeParameters(wasm, input), canonical(expected), "encoding again");
        return true;
      });
    };
  },
};
