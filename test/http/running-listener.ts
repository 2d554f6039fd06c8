import type { TestContext } from 'node:test';
import { createListener, type Listener } from '../../src/http/listener.ts';
import type { Route } from '../../src/http/routes.ts';
import { deadlineIn } from '../../src/std/deadline.ts';
import { createTestTelemetry, type TestTelemetry } from '../support/telemetry.ts';

export interface TestListener {
  readonly listener: Listener;
  readonly telemetry: TestTelemetry;
}

export function create(
  routes: readonly Route[],
  changes: { port?: number; connectionsMax?: number } = {},
): TestListener {
  const telemetry = createTestTelemetry();
  const listener = createListener({
    name: 'metrics',
    address: { host: '127.0.0.1', port: changes.port ?? 0 },
    routes,
    connectionsMax: changes.connectionsMax ?? 20,
    events: telemetry.events,
  });
  return { listener, telemetry };
}

/** Closed after the test. */
export async function start(
  t: TestContext,
  routes: readonly Route[],
  changes: { connectionsMax?: number } = {},
): Promise<TestListener> {
  const created = create(routes, changes);
  await created.listener.start();
  t.after(() => created.listener.shutdown(deadlineIn(0)));
  return created;
}
