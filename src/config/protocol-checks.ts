import type { CheckOptions } from './checks.ts';
import { indices } from './paths.ts';
import { hasOneModel } from './protocols.ts';

/** Checks of what goes with the protocol of an upstream: paths of its own, and models. */
export function checkProtocols({ value, report, reportKey }: CheckOptions): void {
  for (const index of indices(value(['upstreams']))) {
    const protocol = value(['upstreams', index, 'protocol']);
    if (typeof protocol !== 'string') continue;

    const routes = ['upstreams', index, 'routes'];
    const none = indices(value(routes)).length === 0;
    if (protocol === 'bentoml' && none) {
      reportKey(routes, 'must be given, since protocol is bentoml: every service has paths of its own');
    } else if (!none && protocol !== 'bentoml' && protocol !== 'auto') {
      report(routes, 'must be left out, unless protocol is bentoml or auto');
    }

    const models = ['upstreams', index, 'models'];
    const count = indices(value(models)).length;
    if (hasOneModel(protocol) && count > 1) {
      report(models, `must have one entry, since protocol is ${protocol}, whose servers have one model`);
    } else if (protocol === 'mlflow-tracking' && count > 0) {
      report(models, 'must be left out, since protocol is mlflow-tracking, whose servers have no models to ask');
    }
  }
}
