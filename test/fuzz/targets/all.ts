/** Every fuzz target, in the order of `--list`. */
import type { Target } from "../target.ts";
import { canary } from "./canary.ts";
import { certificate } from "./certificate.ts";
import { connection, handshake } from "./connection.ts";
import { ack, frames } from "./frames.ts";
import { message } from "./message.ts";
import { longHeader, shortHeader } from "./packets.ts";
import { parameters } from "./parameters.ts";

export const TARGETS: readonly Target[] = [
  frames,
  ack,
  parameters,
  shortHeader,
  longHeader,
  message,
  certificate,
  handshake,
  connection,
  canary,
];
