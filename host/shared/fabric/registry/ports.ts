/** What a registry works with. */
import type { Identity } from "../../trust/identity.ts";
import type { TrustPorts } from "../../trust/ports.ts";

export type RegistryPorts = Pick<TrustPorts, "digest" | "signatures" | "files" | "clock">;

/** Whose signature goes under what is put in. */
export type RegistrySigner = Pick<Identity, "seed" | "publicKey">;
