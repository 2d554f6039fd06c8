/** What a user says about the buckets of a histogram: `buckets`, or all three of `min`, `max` and `factor`. */
export interface BucketSpec {
  /** Upper, inclusive bounds, ascending. A last one of Infinity may be there: every histogram has that bucket. */
  readonly buckets?: readonly number[];
  /** The first bound. */
  readonly min?: number;
  /** The last bound, whether `factor` leads to it or not. */
  readonly max?: number;
  /** Each bound is the one before times this. */
  readonly factor?: number;
}

export interface BucketPlace {
  readonly key: keyof BucketSpec;
  /** Of an entry of `buckets`. */
  readonly index?: number;
}

export interface BucketFault extends BucketPlace {
  /** The second half of a sentence that starts with the key: `must be greater than 1`. */
  readonly text: string;
  /** The place of a value that belongs behind `text`. */
  readonly than?: BucketPlace;
}

/** `bounds`: at least one, finite, ascending, a list of their own. */
export type BucketsResult =
  | { readonly ok: true; readonly bounds: readonly number[] }
  | { readonly ok: false; readonly faults: readonly BucketFault[] };

/** A specification as it was read: a value may be of any type, and undefined is not given. */
type Given = Readonly<Partial<Record<keyof BucketSpec, unknown>>>;

const LISTED_MAX = 200;
/** Without `max`, as BentoML has it. */
const GROWN_MAX = 100;
const TRIPLE = ['min', 'max', 'factor'] as const;

/** @returns the bounds of a specification, or all that is wrong with it. */
export function readBuckets(spec: Given): BucketsResult {
  const faults = [...formFaults(spec), ...listFaults(spec), ...tripleFaults(spec)];
  if (faults.length > 0) return { ok: false, faults };
  const { buckets, ...triple } = spec as BucketSpec;
  return { ok: true, bounds: buckets?.filter(Number.isFinite) ?? grown(triple as Required<BucketSpec>) };
}

/**
 * The same for code instead of files.
 *
 * @param where what messages call the specification, such as `instruments["x"]`. @throws RangeError with all faults, each with its value.
 */
export function boundsOf(spec: BucketSpec, where: string): readonly number[] {
  const result = readBuckets(spec);
  if (result.ok) return result.bounds;
  const sentences = result.faults.map((fault) => {
    const than = fault.than ? `, ${shown(valueAt(spec, fault.than))}` : '';
    const index = fault.index === undefined ? '' : `[${fault.index}]`;
    return `${where}.${fault.key}${index} ${fault.text}${than} (got ${shown(valueAt(spec, fault))})`;
  });
  throw new RangeError(sentences.join('; '));
}

function formFaults(spec: Given): BucketFault[] {
  const given = TRIPLE.filter((key) => spec[key] !== undefined);
  if (spec.buckets !== undefined) {
    return given.length === 0 ? [] : [{ key: 'buckets', text: `must not be given beside ${given.join(' and ')}` }];
  }
  if (given.length === 0) return [{ key: 'buckets', text: 'must be given, or else min, max and factor' }];
  return TRIPLE.filter((key) => spec[key] === undefined).map((key) => ({
    key,
    text: 'must be given, since min, max and factor go together',
  }));
}

function listFaults({ buckets }: Given): BucketFault[] {
  if (buckets === undefined) return [];
  if (!Array.isArray(buckets)) return [{ key: 'buckets', text: 'must be a list of numbers' }];
  // A copy has no holes, which flatMap would step over.
  const bounds: unknown[] = buckets.at(-1) === Infinity ? buckets.slice(0, -1) : [...(buckets as unknown[])];
  if (bounds.length === 0) return [{ key: 'buckets', text: 'must have a finite bound' }];
  if (bounds.length > LISTED_MAX) return [{ key: 'buckets', text: `must have at most ${LISTED_MAX} bounds` }];
  return bounds.flatMap((_, index) => boundFaults(bounds, index));
}

function boundFaults(bounds: readonly unknown[], index: number): BucketFault[] {
  const [bound, before] = [bounds[index], bounds[index - 1]];
  const fault = { key: 'buckets', index } as const;
  if (!isFinite(bound)) return [{ ...fault, text: 'must be a finite number, only the last may be Infinity' }];
  if (!isFinite(before) || before < bound) return [];
  return [{ ...fault, text: 'must be greater than the one before it', than: { key: 'buckets', index: index - 1 } }];
}

function tripleFaults({ min, max, factor }: Given): BucketFault[] {
  const faults = Object.entries({ min, max, factor }).flatMap(([key, value]): BucketFault[] =>
    value === undefined || isFinite(value) ? [] : [{ key: key as keyof BucketSpec, text: 'must be a finite number' }],
  );
  if (isFinite(min) && min <= 0) faults.push({ key: 'min', text: 'must be greater than 0' });
  if (isFinite(factor) && factor <= 1) faults.push({ key: 'factor', text: 'must be greater than 1' });
  if (!isFinite(min)) return faults;
  if (isFinite(max) && max <= min) faults.push({ key: 'max', text: 'must be greater than min', than: { key: 'min' } });
  // Next to 0 doubles are so far apart that a product may round to what it came from.
  if (isFinite(factor) && min > 0 && factor > 1 && min * factor === min) {
    faults.push({ key: 'min', text: 'must not be so close to 0 that factor leaves it as it is' });
  }
  return faults;
}

/** BentoML's `exponential_buckets`: bounds, and with them the series of its users, are the same to the last bit. */
function grown({ min, max, factor }: Required<BucketSpec>): number[] {
  const bounds: number[] = [];
  for (let bound = min; bound < max && bounds.length < GROWN_MAX; bound *= factor) bounds.push(bound);
  return [...bounds, max];
}

function isFinite(value: unknown): value is number {
  return Number.isFinite(value);
}

function valueAt(spec: BucketSpec, { key, index }: BucketPlace): unknown {
  return index === undefined ? spec[key] : spec.buckets?.[index];
}

function shown(value: unknown): string {
  if (Array.isArray(value)) return `a list of ${value.length}`;
  return typeof value === 'string' ? JSON.stringify(value) : String(value);
}
