import { getHeapSpaceStatistics, getHeapStatistics } from 'node:v8';
import type { Instruments } from '../../telemetry/instruments.ts';
import type { ObservableGroup } from '../observable.ts';
import { recordCollections } from './garbage-collections.ts';
import { readMemoryUsage } from './memory-usage.ts';

export interface V8Options {
  readonly instruments: Pick<Instruments, 'histogram'>;
}

/** The heap of V8, what keeps the event loop alive and, from the start to the close, garbage collections. */
export function createV8Group({ instruments }: V8Options): ObservableGroup {
  let stopRecording: (() => void) | undefined;

  return {
    name: 'v8',
    instruments: [
      'v8js.memory.heap.used',
      'v8js.memory.heap.space.size',
      'v8js.memory.heap.space.available_size',
      'v8js.memory.heap.space.physical_size',
      'metergate.process.heap.limit',
      'metergate.process.memory.external',
      'metergate.process.memory.array_buffers',
      'v8js.resource.active',
    ],
    start: () => {
      stopRecording = recordCollections(instruments.histogram('v8js.gc.duration'));
    },
    sample: (into) => {
      for (const space of getHeapSpaceStatistics()) {
        const attributes = { 'v8js.heap.space.name': space.space_name };
        into.write('v8js.memory.heap.used', space.space_used_size, attributes);
        into.write('v8js.memory.heap.space.size', space.space_size, attributes);
        into.write('v8js.memory.heap.space.available_size', space.space_available_size, attributes);
        into.write('v8js.memory.heap.space.physical_size', space.physical_space_size, attributes);
      }
      into.write('metergate.process.heap.limit', getHeapStatistics().heap_size_limit);
      const memory = readMemoryUsage(into, () => process.memoryUsage());
      into.write('metergate.process.memory.external', memory?.external);
      into.write('metergate.process.memory.array_buffers', memory?.arrayBuffers);

      for (const [type, count] of countBy(process.getActiveResourcesInfo())) {
        into.write('v8js.resource.active', count, { 'v8js.resource.type': type });
      }
    },
    close: () => stopRecording?.(),
  };
}

/** Types of resources are names in Node's source, so there are not many of them. */
function countBy(types: readonly string[]): ReadonlyMap<string, number> {
  const counts = new Map<string, number>();
  for (const type of types) counts.set(type, (counts.get(type) ?? 0) + 1);
  return counts;
}
