import { unnamedModel, type Protocol, type ProtocolOptions } from './protocol.ts';
import { createRouteTable } from './route-table.ts';

/**
 * A service of BentoML: every one has its own paths, which are configured, and none names a model. A task is asked for in one
 * request and answered in another: the ones that start it ask for a prediction, those that look after it do not.
 *
 * Source: https://docs.bentoml.com/en/latest/get-started/async-task-queues.html, `_bentoml_impl/server/app.py`
 */
export function createBentoml(options: ProtocolOptions): Protocol {
  const tasks = options.routes.filter(({ task }) => task).map(({ path }) => path);
  const ofTasks = (...verbs: string[]): string[] =>
    tasks.flatMap((path) => verbs.map((verb) => `${path === '/' ? '' : path}/${verb}`));
  return {
    name: 'bentoml',
    ...createRouteTable({
      unnamed: unnamedModel(options),
      inference: [...options.routes.map(({ path }) => path), ...ofTasks('submit', 'retry')],
      control: [
        ...ofTasks('status', 'get', 'cancel'),
        ...['/', '/healthz', '/livez', '/readyz', '/metrics', '/schema.json', '/docs.json'],
        ...['/assets/*', '/static_content/*'],
      ],
    }),
  };
}
