/**
 * Where the engine's records lie, as offsets into its control block: the host's copy of
 * `assembly/abi/layout.ts`. `test/unit/engine/layout.test.ts` fails when they differ.
 */
export const CONTROL_SIZE = 4096;

export const CONFIG_SEED = 0;
export const CONFIG_STATIC_PRIVATE = 32;
export const CONFIG_CERTIFICATE_SIZE = 64;
export const CONFIG_ACCEPTS = 68;
export const CONFIG_ASKS = 72;
export const CONFIG_MAX_PACKET = 76;
export const CONFIG_BASE_PACKET = 80;
export const CONFIG_CONNECTIONS_MAX = 84;
export const CONFIG_MAX_DATA = 88;
export const CONFIG_MAX_STREAM_DATA = 96;
export const CONFIG_MAX_STREAMS = 104;
export const CONFIG_IDLE_TIMEOUT_MS = 112;
export const CONFIG_MAX_DATAGRAM = 116;
export const CONFIG_MAX_MESSAGE = 120;
export const CONFIG_MAX_ACK_DELAY_US = 124;
export const CONFIG_CERTIFICATE = 128;
export const CONFIG_SIZE = 640;

export const CONNECT_REMOTE = 1024;
export const CONNECT_PATTERN = 1048;
export const CONNECT_HAS_STATIC = 1052;
export const CONNECT_HAS_IDENTITY = 1056;
export const CONNECT_NAME_SIZE = 1060;
export const CONNECT_STATIC = 1064;
export const CONNECT_IDENTITY = 1096;
export const CONNECT_NAME = 1128;

export const KEY = 1280;

export const EVENT_KIND = 1536;
export const EVENT_CONNECTION = 1540;
export const EVENT_STREAM = 1544;
export const EVENT_CODE = 1552;
export const EVENT_FLAGS = 1556;
export const EVENT_VALUE = 1560;
export const EVENT_TRACE = 1568;
export const EVENT_DATA = 1576;
export const EVENT_DATA_SIZE = 1580;
export const EVENT_IDENTITY = 1584;
export const EVENT_HAS_IDENTITY = 1588;
export const EVENT_STATIC = 1592;
export const EVENT_HAS_STATIC = 1596;
export const EVENT_BINDING = 1600;
export const EVENT_REMOTE = 1604;

export const KIND_NONE = 0;
export const KIND_CONNECTED = 1;
export const KIND_AUTHENTICATE = 2;
export const KIND_STREAM_OPENED = 3;
export const KIND_READABLE = 4;
export const KIND_WRITABLE = 5;
export const KIND_STREAM_ACKNOWLEDGED = 6;
export const KIND_STREAM_RESET = 7;
export const KIND_STREAM_STOPPED = 8;
export const KIND_MESSAGE_REFUSED = 9;
export const KIND_DATAGRAM = 10;
export const KIND_CLOSED = 11;
export const KIND_STREAMS_AVAILABLE = 12;

export const COUNTERS = 1792;

export const ARENA_RECEIVE = 2048;
export const ARENA_RECEIVE_SIZE = 2052;
export const ARENA_RECEIVE_RECORDS = 2056;
export const ARENA_TRANSMIT_RECORDS = 2060;
export const ARENA_INPUT = 2064;
export const ARENA_INPUT_SIZE = 2068;
export const ARENA_OUTPUT = 2072;
export const ARENA_OUTPUT_SIZE = 2076;

export const BATCH_MAX = 64;

export const RECEIVED_ADDRESS = 0;
export const RECEIVED_DATA = 24;
export const RECEIVED_SIZE = 28;
export const RECEIVED_RECORD_SIZE = 32;

export const TRANSMIT_ADDRESS = 0;
export const TRANSMIT_DATA = 24;
export const TRANSMIT_SIZE = 28;
export const TRANSMIT_SEGMENT = 32;
export const TRANSMIT_RECORD_SIZE = 40;

export const NAME_MAX = 128;
export const REASON_MAX = 256;
export const CERTIFICATE_MAX = 512;
export const MESSAGE_HEADER = 32;
export const MESSAGE_OVERHEAD = 40;
