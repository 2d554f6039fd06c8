import { readFileSync } from 'node:fs';
import protobuf from 'protobufjs';

// OTLP as another library reads and writes it, by the public definitions.

const definition = readFileSync(new URL('../fixtures/otlp-metrics.proto', import.meta.url), 'utf8');
const { root } = protobuf.parse(definition);
root.resolveAll(); // Before that it does not know what is packed.

type Message = Readonly<Record<string, unknown>>;

/** Fields that are not there are not there; 64-bit integers are decimal text, bytes hexadecimal. */
export function decodeMessage(type: string, bytes: Uint8Array): Message {
  const lookedUp = root.lookupType(type);
  const message = lookedUp.toObject(lookedUp.decode(bytes), { longs: String, enums: String });
  return withHex(message) as Message;
}

/** @throws where a field is unknown, there twice, or a number of a list not packed: it would be lost or different on the way back. */
export function decodeRequest(bytes: Uint8Array): Message {
  const type = root.lookupType('ExportMetricsServiceRequest');
  const again = type.encode(type.decode(bytes)).finish().length;
  if (again !== bytes.length) throw new Error(`${bytes.length} bytes say what ${again} would`);
  return decodeMessage('ExportMetricsServiceRequest', bytes);
}

export function encodeMessage(type: string, message: object): Uint8Array {
  const lookedUp = root.lookupType(type);
  return lookedUp.encode(lookedUp.fromObject(message)).finish();
}

function withHex(value: unknown): unknown {
  if (value instanceof Uint8Array) return Buffer.from(value).toString('hex');
  if (Array.isArray(value)) return value.map(withHex);
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([key, own]) => [key, withHex(own)]));
}
