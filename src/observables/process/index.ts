import type { Instruments } from '../../telemetry/instruments.ts';
import type { ObservableGroup } from '../observable.ts';
import { createNodejsGroup } from './nodejs.ts';
import { createProcessGroup } from './process.ts';
import { createV8Group } from './v8.ts';

export interface ProcessOptions {
  /** For the garbage collections, which are recorded as they happen. */
  readonly instruments: Pick<Instruments, 'histogram'>;
}

/** The gateway's own process, its Node.js and its V8, on any platform. Nothing is started to read them. */
export function createProcessGroups({ instruments }: ProcessOptions): ObservableGroup[] {
  return [createProcessGroup(), createNodejsGroup(), createV8Group({ instruments })];
}
