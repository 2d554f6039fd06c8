import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { Agent, request as httpRequest, type IncomingMessage } from 'node:http';
import { connect, type Socket } from 'node:net';
import { text } from 'node:stream/consumers';
import { after, test, type TestContext } from 'node:test';
import { setTimeout as wait } from 'node:timers/promises';
import { irisModel, predict } from '../../examples/iris-server/classifier.ts';
import type { InferCounts } from '../../examples/iris-server/ledger.ts';
import { type IrisServer, type IrisServerOptions, startIrisServer } from '../../examples/iris-server/server.ts';
import { accuracy, splitIris, trainIris } from '../../examples/iris-server/train.ts';

const setosa = [5.1, 3.5, 1.4, 0.2];
const virginica = [6.7, 3.3, 5.7, 2.5];
const none: InferCounts = { success: 0, failure: 0, aborted: 0, died: 0 };

interface InferAnswer {
  id?: string;
  model_name: string;
  model_version: string;
  outputs: { name: string; shape: number[]; datatype: string; data: unknown[] }[];
}

interface Stats {
  model_stats: {
    name: string;
    version: string;
    inference_count: number;
    execution_count: number;
    inference_stats: Record<'success' | 'fail' | 'aborted' | 'died', { count: number; ns: number }>;
  }[];
}

test('the committed model has the accuracy that it claims', () => {
  const { train, test: heldOut } = splitIris();
  assert.equal(train.length + heldOut.length, 150);
  assert.deepEqual(irisModel.accuracy, { train: accuracy(train, irisModel), test: accuracy(heldOut, irisModel) });
  assert.ok(irisModel.accuracy.test >= 0.93);
});

test('retraining gives the committed model', () => {
  assert.deepEqual(trainIris(), irisModel);
});

test('no row is both trained on and held out', () => {
  const { train, test: heldOut } = splitIris();
  const perClass = (rows: typeof train): number[] =>
    irisModel.classes.map((name) => rows.filter(({ label }) => label === name).length);
  assert.deepEqual([perClass(train), perClass(heldOut)], [Array(3).fill(35), Array(3).fill(15)]);
  assert.ok(train.every((row) => !heldOut.some((other) => other === row)));
});

test('probabilities add up to 1 for the largest numbers that are let in', () => {
  for (const value of [3.4e38, -3.4e38, 0]) {
    const { probabilities } = predict([value, -value, value, value]);
    assert.ok(Math.abs(probabilities.reduce((sum, p) => sum + p, 0) - 1) < 1e-12);
  }
});

test('describes itself, its model and their health', async (t) => {
  const { url } = await started(t);
  const metadata = await json(await fetch(`${url}/v2`));
  assert.deepEqual(metadata, { name: 'iris-server', version: '1', extensions: ['statistics'] });
  assert.deepEqual(await json(await fetch(`${url}/v2/health/live`)), { live: true });
  assert.deepEqual(await json(await fetch(`${url}/v2/health/ready`)), { ready: true });
  for (const path of ['/v2/models/iris', '/v2/models/iris/versions/1']) {
    const model = (await json(await fetch(url + path))) as { name: string; versions: string[] };
    assert.deepEqual([model.name, model.versions], ['iris', ['1']]);
    assert.deepEqual(await json(await fetch(`${url}${path}/ready`)), { name: 'iris', ready: true });
  }
});

test('classifies rows, flat or nested, of either datatype, with or without a version', async (t) => {
  const server = await started(t);
  const flat = { inputs: [features([2, 4], [...setosa, ...virginica])], id: 'a request' };
  const nested = { inputs: [{ ...features([2, 4], [setosa, virginica]), datatype: 'FP32' }], id: 'a request' };
  for (const [path, body] of [
    ['/v2/models/iris/infer', flat],
    ['/v2/models/iris/versions/1/infer?trace=1', nested],
    ['/v2/models/%69ris/infer', flat],
  ] as const) {
    const response = await fetch(server.url + path, { method: 'POST', body: JSON.stringify(body) });
    assert.equal(response.status, 200);
    const { outputs, ...rest } = (await response.json()) as InferAnswer;
    assert.deepEqual(rest, { model_name: 'iris', model_version: '1', id: 'a request' });
    const [label, index, probabilities] = outputs;
    assert.deepEqual(label, { name: 'label', shape: [2], datatype: 'BYTES', data: ['setosa', 'virginica'] });
    assert.deepEqual(index, { name: 'class', shape: [2], datatype: 'INT64', data: [0, 2] });
    assert.deepEqual(
      [probabilities?.name, probabilities?.shape, probabilities?.datatype, probabilities?.data.length],
      ['probabilities', [2, 3], 'FP64', 6],
    );
  }
  assert.deepEqual(server.counts(), { ...none, success: 3 });
  const stats = await statsOf(server);
  assert.deepEqual([stats.inference_count, stats.execution_count], [6, 3]);
});

test('a bad request is answered with its reason and counted as a failure', async (t) => {
  const server = await started(t);
  const input = features([1, 4], setosa);
  const cases: Record<string, { body: string; status?: number; error: RegExp }> = {
    'not JSON': { body: '{"inputs": [', error: /not valid JSON/ },
    'no body': { body: '', error: /not valid JSON/ },
    'not an object': { body: '[]', error: /must be a JSON object/ },
    'an id of another type': { body: JSON.stringify({ id: 1, inputs: [input] }), error: /^id must be/ },
    'no inputs': { body: '{}', error: /one tensor named features/ },
    'another name': { body: withInput({ name: 'x' }), error: /one tensor named features/ },
    'a wrong width': { body: withInput({ shape: [1, 3] }), error: /shape/ },
    'a wrong rank': { body: withInput({ shape: [4] }), error: /shape/ },
    'no rows': { body: withInput({ shape: [0, 4], data: [] }), error: /at least 1/ },
    'a wrong datatype': { body: withInput({ datatype: 'INT64' }), error: /FP32 or FP64/ },
    'too few numbers': { body: withInput({ data: [1, 2, 3] }), error: /1 times 4/ },
    'rows of another width': {
      body: withInput({
        shape: [2, 4],
        data: [
          [1, 2],
          [3, 4, 5, 6, 7, 8],
        ],
      }),
      error: /2 times 4/,
    },
    'a number that is not finite': { body: withInput({}).replace('5.1', '1e999'), error: /finite/ },
    'a number beyond FP32': { body: withInput({ data: [1e39, 1, 1, 1] }), error: /finite/ },
    'a string': { body: withInput({ data: ['5', 1, 1, 1] }), error: /finite/ },
    'parameters of another type': { body: withParameters([]), error: /parameters must be/ },
    'a negative wait': { body: withParameters({ delay_ms: -1 }), error: /delay_ms/ },
    'a wait of another type': { body: withParameters({ hold_ms: '1' }), error: /hold_ms/ },
    'die of another type': { body: withParameters({ die: 1 }), error: /die must be/ },
    'die on a server without faults': { body: withParameters({ die: true }), error: /started with faults/ },
    'too large': { body: ' '.repeat(1024 * 1024 + 1), status: 413, error: /larger than 1048576/ },
  };
  for (const [name, { body, status = 400, error }] of Object.entries(cases)) {
    const response = await infer(server, body);
    assert.equal(response.status, status, name);
    assert.match(await errorOf(response), error, name);
  }
  assert.deepEqual(server.counts(), { ...none, failure: Object.keys(cases).length });
  await assertAgree(server);
});

test('an unknown model or version is 404, counted, and not in the statistics of the model', async (t) => {
  const server = await started(t);
  const body = withParameters({});
  for (const model of ['rose', 'iris/versions/2', '%zz', 'Iris']) {
    const response = await fetch(`${server.url}/v2/models/${model}/infer`, { method: 'POST', body });
    assert.equal(response.status, 404);
    assert.match(await errorOf(response), /unknown model or version/);
    assert.equal((await fetch(`${server.url}/v2/models/${model}`)).status, 404);
  }
  assert.deepEqual(server.counts(), { ...none, failure: 4 });
  assert.equal((await statsOf(server)).inference_stats.fail.count, 0);
});

test('a method or path that the protocol does not have is refused and is no infer request', async (t) => {
  const server = await started(t);
  const wrongMethod = await fetch(`${server.url}/v2/models/iris/infer`);
  assert.deepEqual([wrongMethod.status, wrongMethod.headers.get('allow')], [405, 'POST']);
  assert.match(await errorOf(wrongMethod), /POST only/);
  const posted = await fetch(`${server.url}/v2/health/live`, { method: 'POST', body: 'x' });
  assert.deepEqual([posted.status, posted.headers.get('allow')], [405, 'GET']);
  assert.equal((await fetch(`${server.url}/metrics`)).status, 404);
  assert.deepEqual(server.counts(), none);
});

test('hold_ms sends the first half at once and the rest later', async (t) => {
  const server = await started(t);
  const plain = await (await infer(server, withParameters({}))).text();
  const { response, destroy } = await send(server, withParameters({ delay_ms: 1, hold_ms: 30_000 }));
  const [half] = (await once(response, 'data')) as [Buffer];
  assert.equal(half.toString(), plain.slice(0, plain.length >> 1));
  assert.equal(response.headers['content-length'], String(plain.length));
  assert.deepEqual(server.counts(), { ...none, success: 1 });
  destroy();
  await settles(server, { ...none, success: 1, aborted: 1 });

  const whole = await infer(server, withParameters({ hold_ms: 5 }));
  assert.equal(await whole.text(), plain);
  assert.deepEqual(server.counts(), { ...none, success: 2, aborted: 1 });
  await assertAgree(server);
});

test('a downstream that leaves while it waits is counted as aborted, and the model does not run', async (t) => {
  const server = await started(t);
  const leave = async (): Promise<void> => {
    const socket = raw(server);
    socket.end(rawInfer(withParameters({ delay_ms: 60_000 })));
    assert.equal(await text(socket), '');
  };
  await Promise.all(Array.from({ length: 20 }, leave));
  await settles(server, { ...none, aborted: 20 });
  assert.equal((await statsOf(server)).execution_count, 0);
  await assertAgree(server);
});

test('a downstream that leaves with a part of the answer unread is counted as aborted', async (t) => {
  const server = await started(t);
  const rows = 100_000; // more of an answer than the sockets' buffers take
  const { destroy } = await send(server, withInput({ shape: [rows, 4], data: Array(rows * 4).fill(1) }));
  assert.deepEqual(server.counts(), none);
  destroy();
  await settles(server, { ...none, aborted: 1 });
});

test('a request body that is cut off is counted as aborted', async (t) => {
  const server = await started(t);
  const cuts: Record<string, (socket: Socket) => void> = {
    'half-closed': (socket) => socket.end('{"inputs"'),
    reset: (socket) => socket.resetAndDestroy(),
    'badly framed': (socket) => socket.write('5\r\n{"inp\r\nzz\r\n'),
  };
  let aborted = 0;
  for (const [name, cut] of Object.entries(cuts)) {
    const socket = raw(server);
    const framing = name === 'badly framed' ? 'transfer-encoding: chunked' : 'content-length: 100';
    socket.write(`POST /v2/models/iris/infer HTTP/1.1\r\nhost: x\r\nexpect: 100-continue\r\n${framing}\r\n\r\n`);
    const [interim] = (await once(socket, 'data')) as [Buffer];
    assert.match(interim.toString(), /^HTTP\/1\.1 100 /);
    cut(socket);
    if (!socket.destroyed) assert.equal(await text(socket), '', name);
    await settles(server, { ...none, aborted: ++aborted });
  }
  await assertAgree(server);
});

test('pipelined requests are counted one by one when their connection goes', async (t) => {
  const server = await started(t);
  raw(server).end(rawInfer(withParameters({ delay_ms: 60_000 })).repeat(3));
  await settles(server, { ...none, aborted: 3 });
});

test('what is not HTTP is answered 400 and is no infer request', async (t) => {
  const server = await started(t);
  const socket = raw(server);
  socket.write('nonsense\r\n\r\n');
  assert.match(await text(socket), /^HTTP\/1\.1 400 /);
  assert.deepEqual(server.counts(), none);
});

test('die cuts the connection after half of the body', async (t) => {
  const server = await started(t, { faults: true });
  const plain = await (await infer(server, withParameters({}))).text();
  const { response } = await send(server, withParameters({ die: true, hold_ms: 1 }));
  const chunks: Buffer[] = [];
  response.on('data', (chunk: Buffer) => chunks.push(chunk));
  await assert.rejects(once(response, 'end'), { code: 'ECONNRESET' });
  assert.equal(Buffer.concat(chunks).toString(), plain.slice(0, plain.length >> 1));
  assert.deepEqual(server.counts(), { ...none, success: 1, died: 1 });
  await assertAgree(server);
});

test('requests of every result, all at once, are each counted once', async (t) => {
  const server = await started(t, { faults: true });
  const abort = new AbortController();
  const each = 100;
  const whole = async (body: string): Promise<string> => (await infer(server, body)).text();
  const complete = Promise.allSettled(
    Array.from({ length: each }, () => [
      whole(withParameters({ delay_ms: 5 })),
      whole('{}'),
      whole(withParameters({ die: true })),
    ]).flat(),
  );
  const held = Array.from({ length: each }, () => infer(server, withParameters({ hold_ms: 60_000 }), abort.signal));
  const bodies = (await Promise.all(held)).map((response) => response.text());
  abort.abort();
  await Promise.allSettled(bodies);
  await complete;
  await settles(server, { success: each, failure: each, died: each, aborted: each });
  await assertAgree(server);
});

test('close breaks off what is under way, counts it, and may be called again', async () => {
  const server = await startIrisServer();
  const { response } = await send(server, withParameters({ hold_ms: 60_000 }));
  const idle = await fetch(`${server.url}/v2`);
  const broken = assert.rejects(text(response));
  await Promise.all([server.close(), server.close()]);
  assert.deepEqual(server.counts(), { ...none, aborted: 1 });
  await Promise.all([broken, idle.text()]);
  await server.close();
  await assert.rejects(fetch(server.url));
});

test('a port in use rejects the start', async (t) => {
  const { url } = await started(t);
  await assert.rejects(startIrisServer({ port: Number(new URL(url).port) }), { code: 'EADDRINUSE' });
});

test('an idle connection stays open as long as it is told', async (t) => {
  const { url } = await started(t, { keepAliveTimeoutMs: 7000 });
  const response = await fetch(`${url}/v2`);
  assert.equal(response.headers.get('keep-alive'), 'timeout=7');
  await response.text();
});

test('the command line serves until SIGTERM and refuses what it does not know', async () => {
  const program = new URL('../../examples/iris-server/main.ts', import.meta.url).pathname;
  const child = spawn(process.execPath, [program, '--port', '0'], { stdio: ['ignore', 'ignore', 'pipe'] });
  const [line] = (await once(child.stderr, 'data')) as [Buffer];
  const { url } = JSON.parse(line.toString()) as { url: string };
  assert.deepEqual(await json(await fetch(`${url}/v2/health/ready`)), { ready: true });
  child.kill('SIGTERM');
  assert.deepEqual(await once(child, 'close'), [0, null]);

  const refused = spawn(process.execPath, [program, '--prot', '1'], { stdio: ['ignore', 'ignore', 'pipe'] });
  assert.match(await text(refused.stderr), /^usage: /);
  assert.equal(refused.exitCode ?? (await once(refused, 'exit'))[0], 2);
});

const agent = new Agent({ keepAlive: true });
after(() => agent.destroy());

async function started(t: TestContext, options?: IrisServerOptions): Promise<IrisServer> {
  const server = await startIrisServer(options);
  t.after(() => server.close());
  return server;
}

function features(shape: number[], data: unknown[]): Record<string, unknown> {
  return { name: 'features', shape, datatype: 'FP64', data };
}

function withInput(changes: Record<string, unknown>): string {
  return JSON.stringify({ inputs: [{ ...features([1, 4], setosa), ...changes }] });
}

function withParameters(parameters: unknown): string {
  return JSON.stringify({ parameters, inputs: [features([1, 4], setosa)] });
}

function infer({ url }: IrisServer, body: string, signal?: AbortSignal): Promise<Response> {
  return fetch(`${url}/v2/models/iris/infer`, { method: 'POST', body, signal: signal ?? null });
}

/** For what `fetch` does not show: the parts of a body as they come. */
async function send({ url }: IrisServer, body: string): Promise<{ response: IncomingMessage; destroy: () => void }> {
  const request = httpRequest(`${url}/v2/models/iris/infer`, { method: 'POST', agent });
  request.end(body);
  const [response] = (await once(request, 'response')) as [IncomingMessage];
  return { response, destroy: () => request.destroy() };
}

function raw({ url }: IrisServer): Socket {
  return connect(Number(new URL(url).port), '127.0.0.1');
}

/** Written with `end`, it is a request followed by the leaving of its downstream, in an order that the network keeps. */
function rawInfer(body: string): string {
  return `POST /v2/models/iris/infer HTTP/1.1\r\nhost: x\r\ncontent-length: ${body.length}\r\n\r\n${body}`;
}

function json(response: Response): Promise<unknown> {
  assert.equal(response.status, 200);
  assert.equal(response.headers.get('content-type'), 'application/json');
  return response.json();
}

async function errorOf(response: Response): Promise<string> {
  const { error } = (await response.json()) as { error: string };
  return error;
}

async function statsOf({ url }: IrisServer): Promise<Stats['model_stats'][0]> {
  const { model_stats: models } = (await json(await fetch(`${url}/v2/models/iris/versions/1/stats`))) as Stats;
  const [model] = models;
  assert.ok(model && models.length === 1);
  assert.deepEqual([model.name, model.version], ['iris', '1']);
  return model;
}

/** Of a server that was asked for its own model only. */
async function assertAgree(server: IrisServer): Promise<void> {
  const { success, fail, aborted, died } = (await statsOf(server)).inference_stats;
  assert.deepEqual(
    { success: success.count, failure: fail.count, aborted: aborted.count, died: died.count },
    server.counts(),
  );
  for (const { count, ns } of [success, fail, aborted, died]) assert.equal(ns > 0, count > 0);
}

/** The server learns a little later that a downstream has left. */
async function settles(server: IrisServer, expected: InferCounts): Promise<void> {
  const tooLong = AbortSignal.timeout(20_000);
  while (sum(server.counts()) < sum(expected) && !tooLong.aborted) await wait(5);
  assert.deepEqual(server.counts(), expected);
}

function sum(counts: InferCounts): number {
  return Object.values(counts).reduce((total, count) => total + count, 0);
}
