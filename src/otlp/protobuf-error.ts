const problems = {
  truncated: 'a value reaches past the end of its message',
  malformed_varint: 'a varint is longer than 10 bytes',
  malformed_tag: 'a tag has no valid field number or wire type',
  group: 'a group, which proto3 does not have, begins or ends',
  wrong_wire_type: 'a field has another wire type than its definition',
  too_deep: 'messages are nested too deep',
  invalid_utf8: 'a string is not UTF-8',
  invalid_buckets: 'a histogram point has bounds that do not ascend or do not fit its bucket counts',
  invalid_quantiles: 'a summary point has quantiles that do not ascend or are not between 0 and 1',
  invalid_id: 'a trace id is not 16 bytes or a span id not 8 bytes long',
} as const;

/** The only error of decoding. `offset`: the byte of the whole input at which reading stopped. */
export class ProtobufError extends Error {
  override readonly name = 'ProtobufError';
  readonly code: keyof typeof problems;
  readonly offset: number;

  constructor(code: keyof typeof problems, offset: number) {
    super(`${problems[code]} (byte ${offset})`);
    this.code = code;
    this.offset = offset;
  }
}
