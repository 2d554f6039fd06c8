import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { test } from 'node:test';
import { promisify } from 'node:util';
import { parse } from 'yaml';
import { parseConfig } from '../../src/config/index.ts';
import { interopProgram, skipWithout, type InteropProgram } from '../support/interop.ts';

const run = promisify(execFile);

interface Service {
  image: string;
  command?: string[];
  entrypoint?: string[];
  environment?: Record<string, string>;
  volumes?: string[];
  ports?: string[];
}

const readYaml = async (path: string): Promise<unknown> => parse(await readFile(path, 'utf8'), { merge: true });
const { services } = (await readYaml('docker-compose.yml')) as { services: Record<string, Service> };
const dockerfile = await readFile('Dockerfile', 'utf8');

const checks: Record<string, { program: InteropProgram; args: string[] }> = {
  'docker-compose accepts docker-compose.yml': { program: 'dockerCompose', args: ['config', '-q'] },
  'promtool accepts prometheus/prometheus.yml': {
    program: 'promtool',
    args: ['check', 'config', 'prometheus/prometheus.yml'],
  },
  'the Collector accepts otel-collector/config.yaml': {
    program: 'otelcol',
    args: ['validate', '--config', 'otel-collector/config.yaml'],
  },
};
for (const [name, { program, args }] of Object.entries(checks)) {
  test(name, { skip: skipWithout(program) }, async () => {
    await run(interopProgram(program), args);
  });
}

test('the Dockerfile copies and runs what the repo has', async () => {
  const { scripts } = JSON.parse(await readFile('package.json', 'utf8')) as { scripts: Record<string, string> };
  const letIn = (await readFile('.dockerignore', 'utf8')).split('\n');
  for (const [, list = ''] of dockerfile.matchAll(/^COPY (?!--from)(.+) \S+$/gm)) {
    for (const path of list.split(' ')) {
      assert.ok(existsSync(path), `COPY ${path}`);
      assert.ok(letIn.includes(`!${path}`), `${path} is kept out by .dockerignore`);
    }
  }
  for (const [, script = ''] of dockerfile.matchAll(/npm run (\S+)/g))
    assert.ok(script in scripts, `npm run ${script}`);
  const [, entrypoint = ''] = /^ENTRYPOINT (.+)$/m.exec(dockerfile) ?? [];
  const [, program = ''] = JSON.parse(entrypoint) as string[];
  assert.ok(existsSync(program), program);
});

test('compose mounts, runs and configures what there is', async () => {
  const collectorConfig = await readFile('otel-collector/config.yaml', 'utf8');
  for (const [name, { volumes = [], entrypoint }] of Object.entries(services)) {
    for (const [host = ''] of volumes.map((volume) => volume.split(':'))) {
      if (host.startsWith('.')) assert.ok(existsSync(host), `${name} mounts ${host}`);
    }
    const compiled = entrypoint?.find((part) => part.startsWith('dist/'));
    if (compiled === undefined) continue;
    const source = compiled.replace(/^dist\/(.+)\.js$/, '$1.ts');
    assert.ok(existsSync(source), `${name} runs ${compiled}`);
  }
  for (const variable of Object.keys(services.collector?.environment ?? {})) {
    assert.ok(collectorConfig.includes(`\${env:${variable}:-`), `the Collector reads ${variable}`);
  }
});

test('the gateway accepts examples/compose/metergate.yaml', async () => {
  const source = 'examples/compose/metergate.yaml';
  const readNothing = (path: string): string => assert.fail(`it reads ${path}`);
  const result = parseConfig({ text: await readFile(source, 'utf8'), source, env: {}, readFile: readNothing });
  assert.ok(result.ok, result.ok ? '' : JSON.stringify(result.problems));
});

test('compose publishes on loopback only and pins every image', () => {
  for (const [name, { image, ports = [] }] of Object.entries(services)) {
    assert.match(image, /:(local|v?\d+\.\d+\.\d+)$/, name);
    for (const port of ports) assert.match(port, /^127\.0\.0\.1:/, name);
  }
});

test('a scraped series and a pushed one carry the same job and instance', async () => {
  const { resource } = (await readYaml('examples/compose/metergate.yaml')) as { resource: Record<string, string> };
  const { scrape_configs: jobs } = (await readYaml('prometheus/prometheus.yml')) as {
    scrape_configs: {
      job_name: string;
      honor_labels?: boolean;
      static_configs: { targets: string[]; labels: Record<string, string> }[];
    }[];
  };
  const [scrape, push] = jobs;
  assert.equal(scrape?.job_name, resource['service.name']);
  assert.equal(scrape?.static_configs[0]?.labels.instance, resource['service.instance.id']);
  assert.equal(push?.honor_labels, true);
  const hosts = jobs.flatMap((job) =>
    job.static_configs.flatMap(({ targets }) => targets.map((target) => target.split(':')[0] ?? '')),
  );
  for (const host of hosts) assert.ok(host in services, `${host} is a service of docker-compose.yml`);
});
