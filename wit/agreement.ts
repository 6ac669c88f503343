/**
 * The third gate between contract and code: the types of our hosts and those generated from wit/ have the same
 * names. A difference is an error of the type checker here.
 */
import type {
  BAND,
  ConnectOptions,
  EndpointConfig,
  EngineEvent,
  HandshakePattern,
  StreamKind,
  Transmit,
  TransportParameters,
  Trust,
} from "../host/shared/engine/contract.ts";
import type { ErrorCode } from "../host/shared/ports/failure.ts";
import type * as connection from "./gen/interfaces/mxp-engine-connection.js";
import type * as endpoint from "./gen/interfaces/mxp-engine-endpoint.js";
import type * as types from "./gen/interfaces/mxp-engine-types.js";

/** True when both types have the same members. */
type Same<A, B> = [A, B] extends [B, A] ? true : false;

/** Each line names a part of the contract; `false` where it and the code disagree. */
export interface Agreement {
  readonly errorCodes: Same<ErrorCode, types.ErrorCode>;
  readonly bands: Same<keyof typeof BAND, types.Band>;
  readonly patterns: Same<Lowercase<HandshakePattern>, types.Pattern>;
  readonly streamKinds: Same<StreamKind, types.StreamKind>;
  readonly trust: Same<Trust, types.Trust>;
  readonly events: Same<EngineEvent["kind"], endpoint.Event["tag"]>;
  readonly parameters: Same<keyof TransportParameters, keyof endpoint.Parameters>;
  readonly configuration: Same<keyof EndpointConfig, keyof endpoint.Configuration>;
  readonly transmit: Same<keyof Transmit, keyof endpoint.Transmit>;
  readonly target: Same<keyof ConnectOptions, keyof connection.Target>;
}

export const agreement: Readonly<Record<keyof Agreement, true>> & Agreement = {
  errorCodes: true,
  bands: true,
  patterns: true,
  streamKinds: true,
  trust: true,
  events: true,
  parameters: true,
  configuration: true,
  transmit: true,
  target: true,
};
