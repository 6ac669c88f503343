/**
 * Whose signatures count for what the log names. It was verified when it was logged, and the log names it by its digest;
 * that a key was revoked since is no reason to leave a change half done, nor to forget who made one.
 */
import { parseKeyText } from "../../trust/key-text.ts";
import type { SignerCheck } from "../registry/signature.ts";

export const LOGGED: SignerCheck = {
  keyOf(text) {
    const key = parseKeyText(text);
    return key?.kind === "identity" ? key.key : null;
  },
};
