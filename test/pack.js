// Run by pack.sh in the folder where the packed tarball was installed: the package is a library, too.
import assert from 'node:assert/strict';
import { createRequire } from 'node:module';
import { pathToFileURL } from 'node:url';

const entry = createRequire(`${process.cwd()}/`).resolve('metergate');
const { createTelemetry } = await import(pathToFileURL(entry).href);
const telemetry = createTelemetry();
telemetry.custom.register('jobs', { kind: 'counter' }).inc(2);
const { snapshot } = await telemetry.pull.collect(1_000);
const jobs = snapshot.scopes.flatMap((scope) => scope.metrics).find((metric) => metric.name === 'jobs');
assert.deepEqual([...jobs.points.values], [2]);
console.log('library: ok');
