/**
 * Why a packet was dropped. Every drop is counted by its reason; none is answered with an error.
 *
 * Layer      connection (L3)
 */
export const DROP_NONE: i32 = 0;
/** Not a packet that the specification allows here. */
export const DROP_MALFORMED: i32 = 1;
/** Its connection id is nobody's. */
export const DROP_UNKNOWN: i32 = 2;
/** Received before, or too old to tell. */
export const DROP_REPLAYED: i32 = 3;
/** Its tag is wrong, or there are no keys to check it with. */
export const DROP_UNAUTHENTIC: i32 = 4;
/** No slot, no entropy, or no memory to keep what it carries. */
export const DROP_FULL: i32 = 5;
