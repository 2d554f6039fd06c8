import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { createProgram, runCli } from '../../src/cli/index.ts';
import type { Environment } from '../../src/cli/environment.ts';
import { configJsonSchema } from '../../src/config/index.ts';

const folder = mkdtempSync(join(tmpdir(), 'metergate-cli-'));
after(() => rmSync(folder, { recursive: true }));

function fileWith(name: string, text: string): string {
  const file = join(folder, name);
  writeFileSync(file, text);
  return file;
}

function environmentThatKeeps(): { environment: Environment; written: { stdout: string; stderr: string } } {
  const written = { stdout: '', stderr: '' };
  const environment: Environment = {
    version: '1.2.3',
    env: {},
    stdout: (text) => (written.stdout += text),
    stderr: (text) => (written.stderr += text),
    interrupted: () => new Promise(() => {}),
  };
  return { environment, written };
}

async function run(...args: string[]): Promise<{ code: number; stdout: string; stderr: string }> {
  const { environment, written } = environmentThatKeeps();
  return { code: await runCli(args, environment), ...written };
}

const good = fileWith('good.yaml', 'upstreams: [{ name: iris, url: "http://127.0.0.1:8080" }]\n');
const bad = fileWith(
  'bad.yaml',
  'upstreams: [{ nam: iris, url: "ftp://x" }]\nlisten: { metrics: 127.0.0.1:9480 }\nshutdown: { timeout: 5 }\n',
);

const doubtful = fileWith(
  'doubtful.yaml',
  'upstreams: [{ name: iris, url: "http://127.0.0.1:8080" }]\n' +
    'push: [{ name: a, endpoint: "http://127.0.0.1:4317", metrics: { included: [inference_requests_total] } }]\n',
);

const cases: Record<string, { args: string[]; code: number; stdout?: RegExp; stderr?: RegExp }> = {
  'prints its version': { args: ['--version'], code: 0, stdout: /^1\.2\.3\n$/ },
  'prints help that names every command': {
    args: ['--help'],
    code: 0,
    stdout: /serve[^]*demo[^]*gpu[^]*check-config[^]*config-schema/,
  },
  'prints help of one command': { args: ['serve', '--help'], code: 0, stdout: /--config <file>.*metergate\.yaml/ },
  'takes no command as bad usage': { args: [], code: 2, stderr: /Usage: metergate/ },
  'takes an unknown command as bad usage and names the nearest': {
    args: ['serv'],
    code: 2,
    stderr: /unknown command 'serv'[^]*Did you mean serve/,
  },
  'takes an unknown option as bad usage': {
    args: ['serve', '--confg', 'x'],
    code: 2,
    stderr: /unknown option '--confg'/,
  },
  'takes a surplus argument as bad usage': { args: ['config-schema', 'x'], code: 2, stderr: /too many arguments/ },
  'takes seconds that are none as bad usage': {
    args: ['demo', '--seconds', 'soon'],
    code: 2,
    stderr: /a number of seconds from 1 to 3600/,
  },
  'takes a backend that there is not as bad usage': {
    args: ['gpu', '--backend', 'nvml'],
    code: 2,
    stderr: /Allowed choices are auto, nvidia-smi, systeminformation, simulated/,
  },
  'takes a program without a name as bad usage': {
    args: ['gpu', '--nvidia-smi', ''],
    code: 2,
    stderr: /a path, or a name on the PATH/,
  },
  'prints the GPUs, and which backend sees them': {
    args: ['gpu', '--backend', 'simulated'],
    code: 0,
    stdout: /^backend: simulated \(.+\)\nindex +model [^]*\n0 +Simulated[^]*\n1 +Simulated.* ok\n$/,
  },
  'says why there are no GPUs, and exits with 1': {
    args: ['gpu', '--backend', 'nvidia-smi', '--nvidia-smi', join(folder, 'no-nvidia-smi')],
    code: 1,
    stdout: /^backend: none \(nvidia-smi does not work here\)\n$/,
    stderr: /^.*no-nvidia-smi.*\n$/,
  },
  'says which configuration file is not there': {
    args: ['serve', '--config', join(folder, 'none.yaml')],
    code: 2,
    stderr: /none\.yaml: 1 problem\n.*cannot read .*none\.yaml/,
  },
  'lists every problem of a bad configuration': {
    args: ['serve', '--config', bad],
    code: 2,
    stderr: /problems\n[^]*upstreams\[0\]\.nam [^]*upstreams\[0\]\.url [^]*shutdown\.timeout /,
  },
  'checks a bad configuration': { args: ['check-config', bad], code: 2, stderr: /listen\.metrics/ },
  'checks a good configuration': { args: ['check-config', good], code: 0, stdout: /good\.yaml: ok\n/ },
  'checks a configuration that is good, and warns of what may be a slip': {
    args: ['check-config', doubtful],
    code: 0,
    stdout: /doubtful\.yaml: ok\n/,
    stderr: /doubtful\.yaml: 2 warnings\n[^]*push\[0\]\.metrics\.included\[0\] .*inference\.requests\?/,
  },
};

for (const [name, { args, code, stdout, stderr }] of Object.entries(cases)) {
  test(name, async () => {
    const result = await run(...args);
    assert.equal(result.code, code, result.stderr);
    if (stdout) assert.match(result.stdout, stdout);
    else assert.equal(result.stdout, '');
    if (stderr) assert.match(result.stderr, stderr);
    else assert.equal(result.stderr, '');
  });
}

test('prints the GPUs as one JSON object', async () => {
  const { code, stdout, stderr } = await run('gpu', '--backend', 'simulated', '--json');
  assert.deepEqual([code, stderr], [0, '']);
  const seen = JSON.parse(stdout) as { backend: string; gpus: { id: string; values: Record<string, number> }[] };
  assert.deepEqual([seen.backend, seen.gpus.length], ['simulated', 2]);
  for (const { id, values } of seen.gpus) {
    assert.ok(id !== '' && Number(values.memoryUtilization) > 0, JSON.stringify(values));
  }
});

test('prints why there are no GPUs in the JSON object, too', async () => {
  const { code, stdout, stderr } = await run('gpu', '--nvidia-smi', '/none', '--backend', 'nvidia-smi', '--json');
  assert.deepEqual([code, stderr], [1, '']);
  const { backend, gpus, errors } = JSON.parse(stdout) as { backend: null; gpus: unknown[]; errors: string[] };
  assert.deepEqual([backend, gpus], [null, []]);
  assert.match(errors.join(), /\/none/);
});

test('prints the JSON Schema of the configuration', async () => {
  const { code, stdout } = await run('config-schema');
  assert.equal(code, 0);
  assert.deepEqual(JSON.parse(stdout), JSON.parse(JSON.stringify(configJsonSchema())));
});

test('every command and option says what it does', () => {
  const program = createProgram(environmentThatKeeps().environment, () => {});
  for (const command of program.commands) {
    assert.notEqual(command.description(), '', command.name());
    for (const option of command.options) assert.notEqual(option.description, '', option.flags);
  }
});
