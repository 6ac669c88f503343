/** The functions that `engine.wasm` exports (assembly/index.ts). Times are whole numbers; u64 is bigint. */
export interface EngineExports {
  controlAddress(): number;

  endpointCreate(): number;
  endpointDispose(): void;
  endpointReceive(count: number, nowUs: number, wallMs: number): void;
  endpointHandleTimeout(nowUs: number, wallMs: number): void;
  endpointNextTimeoutUs(): number;
  endpointNextEvent(): number;
  endpointTransmit(nowUs: number, wallMs: number): number;
  endpointAddEntropy(): void;
  endpointEntropyWanted(): number;
  endpointTrustAuthority(): number;
  endpointPinIdentity(): number;
  endpointUnpinIdentity(): void;
  endpointStats(): void;

  connectionConnect(nowUs: number, wallMs: number): number;
  connectionAuthenticate(connection: number, isAccepted: number, nowUs: number): void;
  connectionClose(
    connection: number,
    applicationCode: bigint,
    reasonSize: number,
    nowUs: number,
  ): void;
  connectionStats(connection: number): number;
  connectionSendDatagram(connection: number, size: number): number;

  streamOpen(connection: number, kind: number, band: number, nameSize: number): bigint;
  streamWrite(connection: number, stream: bigint, size: number, isLast: number): number;
  streamRead(connection: number, stream: bigint, size: number): number;
  streamReset(connection: number, stream: bigint, code: bigint): number;
  streamStop(connection: number, stream: bigint, code: bigint): number;

  messageSend(
    connection: number,
    stream: bigint,
    typeAndFlags: number,
    messageId: bigint,
    traceId: bigint,
    payloadSize: number,
    isLast: number,
  ): number;
  messageRead(connection: number, stream: bigint): number;

  digestArea(): number;
  digestAreaSize(): number;
  digestInit(): void;
  digestUpdate(size: number): void;
  digestFinal(): void;
}
