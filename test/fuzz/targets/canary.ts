/** A decoder with a planted over-read (test/entry/canary.ts): the fuzzer must find it. */
import { encodeFrame } from "../../reference/frames.ts";
import { TestModule } from "../../support/wasm.ts";
import { putAtEnd } from "../../support/wire-frames.ts";
import { anyFrame } from "../../support/wire-values.ts";
import { mutate } from "../mutate.ts";
import { judged, type Target } from "../target.ts";

export const canary: Target = {
  name: "canary",
  about: "a frame reader that trusts padding which is not there: finding it is the point",
  entries: ["canary"],
  isCanary: true,
  prepare() {
    const wasm = new TestModule("canary");
    return (random) => {
      const input = mutate(random, encodeFrame(anyFrame(random)));
      return judged(input, () => {
        const size = wasm.exports["canaryFrameSize"]!(putAtEnd(wasm, input), input.length);
        return size >= 0;
      });
    };
  },
};
