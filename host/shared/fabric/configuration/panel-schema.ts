/** The form of `.rtt/panel.yaml`, for editors and for CUE; panel.ts reads it. The bounds are the published ones. */
import { FLAG, choice, list, object, optional, text, whole } from "./schema.ts";

const LIST_MAX = 1000;
const LINE = text("[^\\x00]+", 4096, "a text that is not empty");
const LINES = list(text("[^\\x00]*", 4096, "a text"), LIST_MAX);
const LANE = choice("shm", "uds", "tcp", "quic", "mxp");

export const PANEL_SCHEMA = object({
  api: optional(
    object({
      listen: optional(
        object({
          unix: optional(LINE, "The socket that the panel listens on."),
          npipe: optional(LINE, "The named pipe of Windows that it listens on."),
        }),
        "Where the panel listens.",
      ),
    }),
    "The panel.",
  ),
  scan: optional(
    object({
      roots: optional(LINES, "Folders that are scanned."),
      ignore: optional(LINES, "Names of folders that are not."),
    }),
    "What a scan looks at.",
  ),
  routing: optional(
    object({
      prefer: optional(list(LANE, LIST_MAX), "Lanes, the most preferred first."),
      rewire_atomic: optional(FLAG, "A change is visible as a whole or not at all."),
    }),
    "How routes are carried.",
  ),
  security: optional(
    object({
      strict_manifests: optional(FLAG, "What is not signed is refused."),
      allow_unsigned: optional(LINES, "Patterns over namespace/type/name that may be unsigned."),
    }),
    "What is believed.",
  ),
  health: optional(
    object({
      heartbeat_ms: optional(whole(100, 5000), "How often a node says that it is there."),
      trip_threshold: optional(
        object({
          errors: optional(whole(1, 1_000_000), "So many errors …"),
          window_ms: optional(whole(1000, 3_600_000), "… in this time trip a route."),
        }),
        "When a route is taken out.",
      ),
    }),
    "When something is not well.",
  ),
});
