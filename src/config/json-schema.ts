import * as z from 'zod';
import type { Path } from './paths.ts';
import { configSchema } from './schema.ts';

/** The part of JSON Schema (draft 2020-12) that `configSchema` turns into. */
export interface JsonSchema {
  readonly type?: string | readonly string[];
  readonly description?: string;
  readonly default?: unknown;
  readonly properties?: Readonly<Record<string, JsonSchema>>;
  readonly additionalProperties?: boolean | JsonSchema;
  readonly items?: JsonSchema;
}

/** What may be written in the YAML file, before defaults and units. A string `${NAME}` may also stand where a number or boolean is asked for. */
export function configJsonSchema(): JsonSchema {
  return z.toJSONSchema(configSchema, { io: 'input', target: 'draft-2020-12' }) as JsonSchema;
}

/** @returns the schema of the value at `path`; undefined where no key is known. */
export function schemaAt(schema: JsonSchema, path: Path): JsonSchema | undefined {
  return path.reduce<JsonSchema | undefined>((at, step) => {
    if (at === undefined || typeof step === 'number') return at?.items;
    if (at.properties && Object.hasOwn(at.properties, step)) return at.properties[step];
    return typeof at.additionalProperties === 'object' ? at.additionalProperties : undefined;
  }, schema);
}
