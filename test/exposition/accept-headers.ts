import type { Escaping } from '../../src/exposition/escaping.ts';
import type { Format } from '../../src/exposition/negotiation.ts';

/** A format with its escaping, where it has a choice of them. */
export type Chosen = 'text' | `${Exclude<Format, 'text'>} ${Escaping}`;

export const OM = 'application/openmetrics-text';
export const PROTO = 'application/vnd.google.protobuf;proto=io.prometheus.client.MetricFamily;encoding=delimited';
const BROWSER = 'text/html,application/xhtml+xml,application/xml;q=0.9';

/** What they really send, from the sources and documentation of each, and what they are to get. */
export const clients: Record<string, [accept: string | undefined, Chosen]> = {
  'Prometheus 1': [
    `${PROTO};q=0.7,text/plain;version=0.0.4;q=0.3,application/json;schema="prometheus/telemetry";version=0.0.2;q=0.2,*/*;q=0.1`,
    'protobuf underscores',
  ],
  'Prometheus 2.0, vmagent, Netdata': ['text/plain;version=0.0.4;q=1,*/*;q=0.1', 'text'],
  'Prometheus 2.5 to 2.34': [
    `${OM}; version=0.0.1,text/plain;version=0.0.4;q=0.5,*/*;q=0.1`,
    'openmetrics underscores',
  ],
  'Prometheus 2.42, Datadog Agent': [
    `${OM};version=1.0.0,${OM};version=0.0.1;q=0.75,text/plain;version=0.0.4;q=0.5,*/*;q=0.1`,
    'openmetrics underscores',
  ],
  'Prometheus 2.42 with native histograms': [
    `${PROTO},${OM};version=1.0.0;q=0.8,${OM};version=0.0.1;q=0.75,text/plain;version=0.0.4;q=0.5,*/*;q=0.1`,
    'protobuf underscores',
  ],
  'Prometheus 3, OTel Collector': [
    `${OM};version=1.0.0;escaping=allow-utf-8;q=0.6,${OM};version=0.0.1;q=0.5,text/plain;version=1.0.0;escaping=allow-utf-8;q=0.4,text/plain;version=0.0.4;q=0.3,*/*;q=0.2`,
    'openmetrics allow-utf-8',
  ],
  'Prometheus 3, OTel Collector with native histograms': [
    `${PROTO};q=0.6,${OM};version=1.0.0;escaping=allow-utf-8;q=0.5,${OM};version=0.0.1;q=0.4,text/plain;version=1.0.0;escaping=allow-utf-8;q=0.3,text/plain;version=0.0.4;q=0.2,*/*;q=0.1`,
    'protobuf underscores',
  ],
  'Prometheus 3 and Collectors with legacy names': [
    `${OM};version=1.0.0;escaping=underscores;q=0.7,${OM};version=0.0.1;q=0.6,text/plain;version=1.0.0;escaping=underscores;q=0.5,text/plain;version=0.0.4;q=0.4,*/*;q=0.3`,
    'openmetrics underscores',
  ],
  'Prometheus 3 that is told to ask for OpenMetrics 2 or text 1.0.0, with dots': [
    `${OM};version=2.0.0;escaping=dots;q=0.7,text/plain;version=1.0.0;escaping=dots;q=0.6,*/*;q=0.5`,
    'text_1_0_0 dots',
  ],
  Telegraf: [`${PROTO};q=0.7,text/plain;version=0.0.4;q=0.3`, 'protobuf underscores'],
  curl: ['*/*', 'text'],
  Chrome: [`${BROWSER},image/avif,image/webp,image/apng,*/*;q=0.8,application/signed-exchange;v=b3;q=0.7`, 'text'],
  Firefox: [`${BROWSER},*/*;q=0.8`, 'text'],
  Java: ['text/html, image/gif, image/jpeg, *; q=.2, */*; q=.2', 'text'],
  axios: ['application/json, text/plain, */*', 'text'],
  'no header': [undefined, 'text'],
};
