import { choice, flag, patterns, section, text } from './kinds.ts';
import { matching } from './values.ts';

export function pull() {
  return section({
    enabled: flag().default(true).describe('Whether there is a metrics listener.'),
    path: text(
      matching(/^(\/(?!\.{1,2}(\/|$))[\w.~-]+)+$/),
      'must be a path such as /metrics, without dot segments and without a slash at its end',
    )
      .refine((path) => !path.endsWith('/otel-js'), 'must not end in /otel-js: that is the page below it')
      .prefault('/metrics')
      .describe('Where the metrics are on that listener.'),
    translation_strategy: choice(
      'underscore_escaping_with_suffixes',
      'underscore_escaping_without_suffixes',
      'no_utf8_escaping_with_suffixes',
      'no_translation',
    )
      .default('underscore_escaping_with_suffixes')
      .describe('What OpenTelemetry names become at Prometheus, before the escaping that a scraper asks for.'),
    scope_info_enabled: flag().default(true).describe('Whether every series has the labels otel_scope_*.'),
    target_info_enabled: flag()
      .default(true)
      .describe('Whether there is target_info, which has the attributes of the resource as labels.'),
    resource_constant_labels: section({
      included: patterns().optional().describe('Keys of those that are; all, if not given.'),
      excluded: patterns().default([]).describe('Keys of those that are not, though they are included.'),
    })
      .optional()
      .describe(
        'Which attributes of the resource are labels of every series; none, if not given. * and ? are wildcards.',
      ),
    otel_js_enabled: flag()
      .default(false)
      .describe(
        "Whether there is a page otel-js below it, as OpenTelemetry's own exporter prints it; for comparison, since a large one stops everything else.",
      ),
    created_enabled: flag()
      .default(false)
      .describe('Whether OpenMetrics has _created samples; Prometheus takes each for a series of its own.'),
  })
    .prefault({})
    .describe('Scrapes by Prometheus.');
}
