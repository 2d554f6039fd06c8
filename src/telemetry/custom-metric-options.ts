import { boundsOf, type BucketSpec } from '../metric/buckets.ts';

export type CustomMetricKind = 'counter' | 'gauge' | 'histogram' | 'summary';

export interface CustomMetricOptions extends BucketSpec {
  readonly kind?: CustomMetricKind;
  readonly description?: string;
  /** UCUM. */
  readonly unit?: string;
  /** Keys that every recording must carry, and no others; the model's name and version come by themselves. */
  readonly attributes?: readonly string[];
  /** Series besides the overflow, at least 1; that of all instruments if not given. The engine `sdk` does not look at it. */
  readonly cardinalityLimit?: number;
  /** A series that is not recorded on for so long, at least 1, ends; never if not given, and with the engine `sdk`. */
  readonly expireAfterMs?: number;
}

/** What was asked for, complete. */
export interface CustomDefinition {
  readonly kind: CustomMetricKind;
  readonly description: string;
  readonly unit: string;
  /** Bounds, of histograms only. */
  readonly buckets: readonly number[] | undefined;
  /** In order; undefined = any. */
  readonly attributes: readonly string[] | undefined;
  readonly cardinalityLimit: number | undefined;
  readonly expireAfterMs: number | undefined;
  /** Which of these were asked for, and are not defaults. */
  readonly given: ReadonlySet<string>;
}

/** Those of MLServer, that is of Prometheus' Python client. */
const DEFAULT_BOUNDS = [0.005, 0.01, 0.025, 0.05, 0.075, 0.1, 0.25, 0.5, 0.75, 1, 2.5, 5, 7.5, 10];
const KINDS: readonly unknown[] = ['counter', 'gauge', 'histogram', 'summary'] satisfies CustomMetricKind[];

interface Wanted {
  readonly is: (value: unknown) => boolean;
  readonly text: string;
}

const STRING: Wanted = { is: (value) => typeof value === 'string', text: 'a string' };
const WHOLE: Wanted = {
  is: (value) => Number.isSafeInteger(value) && Number(value) >= 1,
  text: 'a whole number from 1',
};
/** `boundsOf` looks at it. */
const BUCKETS: Wanted = { is: () => true, text: '' };

const OPTIONS: Readonly<Record<keyof CustomMetricOptions, Wanted>> = {
  kind: { is: (value) => KINDS.includes(value), text: `one of ${KINDS.join(', ')}` },
  description: STRING,
  unit: STRING,
  // A copy has no holes, which `every` would step over.
  attributes: {
    is: (value) => Array.isArray(value) && [...(value as unknown[])].every(STRING.is),
    text: 'a list of strings',
  },
  cardinalityLimit: WHOLE,
  expireAfterMs: WHOLE,
  buckets: BUCKETS,
  min: BUCKETS,
  max: BUCKETS,
  factor: BUCKETS,
};

/**
 * @param given the options, or the description alone.
 * @throws TypeError for what is no option, or not of its type; RangeError for buckets that are not valid, or that are not for this kind.
 */
export function readDefinition(name: string, given: CustomMetricOptions | string): CustomDefinition {
  if (!STRING.is(name)) throw new TypeError(`the name of a custom metric must be a string (got ${shown(name)})`);
  const options = typeof given === 'string' ? { description: given } : given;
  checkOptions(name, options);
  const { kind = 'histogram', description = '', unit = '', attributes, cardinalityLimit, expireAfterMs } = options;
  const { buckets, min, max, factor }: BucketSpec = options;
  const asked = [buckets, min, max, factor].some((value: unknown) => value !== undefined);
  if (asked && kind !== 'histogram') throw new RangeError(`${name} is a ${kind}: buckets are for histograms only`);
  const keys = new Set(Object.entries(options).flatMap(([key, value]) => (value === undefined ? [] : [key])));
  if (asked) keys.add('buckets');
  const defaults = kind === 'histogram' ? DEFAULT_BOUNDS : undefined;
  return {
    kind,
    description,
    unit,
    buckets: asked ? boundsOf({ buckets, min, max, factor }, name) : defaults,
    attributes: attributes && [...new Set(attributes)].sort(),
    cardinalityLimit,
    expireAfterMs,
    given: keys,
  };
}

/** Also of callers without TypeScript. */
function checkOptions(name: string, options: unknown): void {
  if (!isObject(options)) {
    throw new TypeError(`${name}: the options must be an object, or a description alone (got ${shown(options)})`);
  }
  for (const [key, value] of Object.entries(options)) {
    if (!isOption(key)) {
      const known = Object.keys(OPTIONS).join(', ');
      throw new TypeError(`${name}.${key} is no option of a custom metric (known are ${known})`);
    }
    const { is, text } = OPTIONS[key];
    if (value !== undefined && !is(value)) throw new TypeError(`${name}.${key} must be ${text} (got ${shown(value)})`);
  }
}

function isOption(key: string): key is keyof CustomMetricOptions {
  return Object.hasOwn(OPTIONS, key);
}

export function isObject(value: unknown): value is object {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** A value in a message, whatever it is. */
export function shown(value: unknown): string {
  if (typeof value === 'string') return JSON.stringify(value);
  if (Array.isArray(value)) return 'a list';
  return isObject(value) ? 'an object' : typeof value === 'function' ? 'a function' : String(value);
}
