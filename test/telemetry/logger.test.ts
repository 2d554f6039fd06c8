import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { describe, it } from 'node:test';
import type { LoggerOptions } from '../../src/telemetry/logger.ts';

const module = new URL('../../src/telemetry/logger.ts', import.meta.url).href;

/** A process of its own that logs and exits at once, so that what it did not write by then is lost. */
function run(options: LoggerOptions) {
  const program = `
    import { createLogger } from ${JSON.stringify(module)};
    const logger = await createLogger(${JSON.stringify(options)});
    logger.debug('looking');
    logger.info('serving', { inference: 'http://127.0.0.1:9480' });
    logger.warn('export failed', { points: 3 });
    logger.error('start failed', { error: 'line one\\nline two' });
    process.exit(0);`;
  const { stdout, stderr } = spawnSync(
    process.execPath,
    ['--disable-warning=ExperimentalWarning', '--input-type=module', '--eval', program],
    { encoding: 'utf8', env: { ...process.env, FORCE_COLOR: '0' } },
  );
  return { stdout, stderr };
}

describe('the logger', () => {
  it('writes one JSON object a line on standard error, with the level as a word and the time', () => {
    const { stdout, stderr } = run({ level: 'info', format: 'json' });
    assert.equal(stdout, '');
    const lines = stderr
      .trimEnd()
      .split('\n')
      .map((line) => JSON.parse(line) as Record<string, unknown>);
    for (const { time } of lines) assert.equal(new Date(String(time)).toISOString(), time);
    assert.deepEqual(
      lines.map((line) => ({ ...line, time: undefined })),
      [
        { time: undefined, level: 'info', inference: 'http://127.0.0.1:9480', msg: 'serving' },
        { time: undefined, level: 'warn', points: 3, msg: 'export failed' },
        { time: undefined, level: 'error', error: 'line one\nline two', msg: 'start failed' },
      ],
    );
  });

  it('writes nothing below its level', () => {
    const levels = (['debug', 'error', 'silent'] as const).map(
      (level) => run({ level, format: 'json' }).stderr.split('\n').length - 1,
    );
    assert.deepEqual(levels, [4, 1, 0]);
  });

  it('writes lines for people when it is asked to, on standard error as well', () => {
    const { stdout, stderr } = run({ level: 'info', format: 'pretty' });
    assert.equal(stdout, '');
    assert.match(stderr, /INFO.*: .*serving/);
    assert.match(stderr, /WARN.*: .*export failed/);
    assert.match(stderr, /points.*: .*3/);
    assert.doesNotMatch(stderr, /looking|"level"|"msg"/);
  });
});
