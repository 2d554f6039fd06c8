import { labelName } from '../exposition/names.ts';
import { unique, type CheckOptions } from './checks.ts';
import { HEADER_ATTRIBUTES_MAX, labelFaults } from './label-keys.ts';
import { indices, isMapping, pathText } from './paths.ts';

/** Checks of the attributes that the file adds to series: they must stay apart, as labels at Prometheus as well. */
export function checkLabels(options: CheckOptions): void {
  const owners = labelsOfUpstreams(options);
  const { value, report } = options;
  const list = ['telemetry', 'attributes_from_headers'];
  if (indices(value(list)).length > HEADER_ATTRIBUTES_MAX) {
    report(list, `must have at most ${HEADER_ATTRIBUTES_MAX} entries`);
  }
  unique(options, list, 'header', (header) => header.toLowerCase());
  unique(options, list, 'attribute');

  const attributes = indices(value(list)).flatMap((index) => {
    const path = [...list, index, 'attribute'];
    const attribute = value(path);
    return typeof attribute === 'string' && attribute !== '' ? [{ path, attribute }] : [];
  });
  // What is there twice has been reported, and the second would only say that it is the label of the first.
  const faults = labelFaults([...new Set(attributes.map(({ attribute }) => attribute))]);
  for (const { path, attribute } of attributes) {
    const owner = owners.get(labelName(attribute));
    const fault =
      owner === undefined
        ? faults.get(attribute)
        : `must have another key: ${owner} is the label ${labelName(attribute)}, too`;
    if (fault !== undefined) report(path, fault);
  }
}

/** @returns by the label at Prometheus, a key under `labels` of an upstream that becomes it. */
function labelsOfUpstreams({ value, report }: CheckOptions): ReadonlyMap<string, string> {
  const owners = new Map<string, string>();
  for (const index of indices(value(['upstreams']))) {
    const path = ['upstreams', index, 'labels'];
    const labels = value(path);
    const keys = isMapping(labels) ? Object.keys(labels) : [];
    for (const [key, fault] of labelFaults(keys)) report([...path, key], fault);
    for (const key of keys) owners.set(labelName(key), pathText([...path, key]));
  }
  return owners;
}
