import { configJsonSchema } from '../config/index.ts';
import type { Environment } from './environment.ts';

export function printConfigSchema({ stdout }: Environment): void {
  stdout(`${JSON.stringify(configJsonSchema(), null, 2)}\n`);
}
