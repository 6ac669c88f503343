/** What the component exports: the functions of wit/world.wit under the names of wit/abi.ts, and nothing else. */
import {
  connection_authenticate,
  connection_close,
  connection_connect,
  connection_send_datagram,
} from "./abi/component/connection.ts";
import {
  digest_crc32c,
  digest_sha256,
  digest_sha256_post,
  digest_xxh3,
} from "./abi/component/digest.ts";
import {
  endpoint_add_entropy,
  endpoint_create,
  endpoint_dtor,
  endpoint_handle_timeout,
  endpoint_next_timeout,
  endpoint_pin_identity,
  endpoint_receive,
  endpoint_transmit,
  endpoint_transmit_post,
  endpoint_trust_authority,
  endpoint_unpin_identity,
} from "./abi/component/endpoint.ts";
import { endpoint_poll_event } from "./abi/component/event.ts";
import { cabi_realloc } from "./abi/component/memory.ts";
import {
  message_decode,
  message_decode_post,
  message_encode,
  message_encode_post,
} from "./abi/component/message.ts";
import {
  ring_create,
  ring_depth,
  ring_dtor,
  ring_pop,
  ring_pop_post,
  ring_push,
} from "./abi/component/ring.ts";
import {
  stream_open,
  stream_read,
  stream_read_message,
  stream_reset,
  stream_send_message,
  stream_stop,
  stream_write,
} from "./abi/component/stream.ts";

export {
  cabi_realloc,
  connection_authenticate,
  connection_close,
  connection_connect,
  connection_send_datagram,
  digest_crc32c,
  digest_sha256,
  digest_sha256_post,
  digest_xxh3,
  endpoint_add_entropy,
  endpoint_create,
  endpoint_dtor,
  endpoint_handle_timeout,
  endpoint_next_timeout,
  endpoint_pin_identity,
  endpoint_poll_event,
  endpoint_receive,
  endpoint_transmit,
  endpoint_transmit_post,
  endpoint_trust_authority,
  endpoint_unpin_identity,
  message_decode,
  message_decode_post,
  message_encode,
  message_encode_post,
  ring_create,
  ring_depth,
  ring_dtor,
  ring_pop,
  ring_pop_post,
  ring_push,
  stream_open,
  stream_read,
  stream_read_message,
  stream_reset,
  stream_send_message,
  stream_stop,
  stream_write,
};
