/** How a route carries what goes over it, in the order of preference that nothing else decides. */
export const LANES = ["shm", "uds", "tcp", "mxp"] as const;

export type Lane = (typeof LANES)[number];
