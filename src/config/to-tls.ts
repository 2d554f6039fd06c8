import type * as z from 'zod';
import type { PemFiles } from '../http/pem.ts';
import type { tlsFiles } from './tls-schema.ts';

type Parsed = z.output<z.ZodObject<ReturnType<typeof tlsFiles>>>;

export function toTls(parsed: Parsed): PemFiles {
  return { caFile: parsed.ca_file, certFile: parsed.cert_file, keyFile: parsed.key_file };
}
