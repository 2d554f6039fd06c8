import { eventually } from '../../support/processes.ts';
import type { Bentoml } from './bentoml.ts';
import { countsOfPage, type Counts } from './counts.ts';
import { json, type Asking } from './exchange.ts';
import { tally, type Entry, type Kind } from './ledger.ts';

/** The paths of bento.py, for the gateway. */
export const ROUTES = [
  { path: '/shout' },
  { path: '/v2/count' },
  { path: '/spell' },
  { path: '/go_on' },
  { path: '/reverse', task: true },
];

/** No path names it. */
export const MODEL = { name: 'letters', version: '3' };

export function post(path: string, text: string): Asking {
  return { path, ...json({ text }) };
}

export const kinds = {
  shout: { ...post('/shout', 'abc'), count: 40, status: 200, route: '/shout', model: MODEL },
  'shout that fails': { ...post('/shout', '!'), count: 15, status: 500, route: '/shout', model: MODEL },
  'no JSON': { ...post('/shout', ''), body: '{', count: 15, status: 400, route: '/shout', model: MODEL },
  'no text': { ...post('/shout', ''), body: '{}', count: 10, status: 400, route: '/shout', model: MODEL },
  count: { ...post('/v2/count', 'abc'), count: 40, status: 200, route: '/v2/count', model: MODEL },
  stream: { ...post('/spell', 'abc'), count: 20, status: 200, route: '/spell', model: MODEL },
  // It logs what went wrong and ends the stream as if nothing had.
  'stream that fails': { ...post('/spell', 'ab!'), count: 10, status: 200, route: '/spell', model: MODEL },
  'task at once': { ...post('/reverse', 'abc'), count: 10, status: 200, route: '/reverse', model: MODEL },
  task: { ...post('/reverse/submit', 'abc'), count: 15, status: 200, route: '/reverse/submit', model: MODEL },
  // Submitted all the same; that it failed is answered to who asks for its result.
  'task that fails': { ...post('/reverse/submit', '!'), count: 5, status: 200, route: '/reverse/submit', model: MODEL },
  'task again that there is not': {
    ...{ method: 'POST', path: '/reverse/retry?task_id=none', count: 5, status: 404 },
    ...{ route: '/reverse/retry', model: MODEL },
  },
  'status of no task': { path: '/reverse/status?task_id=none', count: 5, status: 404, route: '/reverse/status' },
  'result without a task': { path: '/reverse/get', count: 5, status: 400, route: '/reverse/get' },
  'no such method': { path: '/shout', count: 5, status: 405, route: '/shout' },
  'no such path': { path: '/nothing', count: 5, status: 404 },
  health: { path: '/healthz', count: 10, status: 200, route: '/healthz' },
  schema: { path: '/schema.json', count: 5, status: 200, route: '/schema.json' },
} satisfies Record<string, Kind>;

/** By path and status, whatever the method. When it serves nothing any more: an answer is counted when its last part goes out. */
export async function bentomlCounts(bentoml: Bentoml): Promise<Counts> {
  const page = await eventually(async () => {
    const text = await bentoml.metrics();
    const active = countsOfPage(text, 'bentoml_service_request_in_progress', () => 'all');
    return Object.keys(active).length === 0 ? text : undefined;
  });
  return countsOfPage(page, 'bentoml_service_request_total', ({ endpoint = '', http_response_code = '' }) => {
    return `${endpoint} ${http_response_code}`;
  });
}

export function expectedAtBentoml(ledger: readonly Entry[]): Counts {
  return tally(ledger, ({ kind, status }) => `${pathOf(kind)} ${status}`);
}

/** What it counted of the paths that ask for predictions. */
export function successes(counts: Counts): number {
  const paths = ROUTES.flatMap(({ path, task }) => (task ? [path, `${path}/submit`, `${path}/retry`] : [path]));
  return paths.reduce((sum, path) => sum + (counts[`${path} 200`] ?? 0), 0);
}

function pathOf({ path }: Asking): string {
  return path.split('?')[0] ?? '';
}
