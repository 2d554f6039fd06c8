#!/usr/bin/env node
// Plain JavaScript that any Node.js of the last ten years parses, so that an old one gets a sentence and not a stack trace.
import { existsSync } from 'node:fs';

const [major, minor] = process.versions.node.split('.').map(Number);
if (major < 22 || (major === 22 && minor < 19)) {
  console.error(`metergate needs Node.js 22.19 or newer; this is ${process.versions.node}.`);
  process.exitCode = 2;
} else {
  // Before anything takes a thread of libuv's pool, which has four: a queue's disk that stands still may hold up to twelve.
  process.env.UV_THREADPOOL_SIZE ??= '20';
  // The repo runs its TypeScript as it is; the published package holds what was compiled from it.
  const source = new URL('../src/main.ts', import.meta.url);
  const entry = existsSync(source) ? source : new URL('../dist/src/main.js', import.meta.url);
  import(entry.href).then(({ main }) => main());
}
