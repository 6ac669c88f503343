/**
 * The two imports of the canonical ABI that make a handle of an address. They are the host's bookkeeping, not a
 * call into it: the build gives them their names (wit/transform.ts).
 *
 * Spec       Component Model, canonical ABI: `resource.new`
 * Layer      abi (L5)
 */
export declare function resourceNewEndpoint(address: usize): i32;
export declare function resourceNewRing(address: usize): i32;
