import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import fc from 'fast-check';
import { escapeLabel, escapeName } from '../../src/exposition/escaping.ts';
import { labelName, translateName, type TranslationStrategy } from '../../src/exposition/names.ts';
import { unitWords } from '../../src/exposition/units.ts';
import { skipWithout } from '../support/interop.ts';
import { startJudge, type Judge, type OtelName } from '../support/judge.ts';

// Random names by ours and by what the Collector and Prometheus use. Where they may differ is listed, and nowhere else.

const COUNT = process.env.METERGATE_LONG === undefined ? 10_000 : 100_000;
const BATCH = 10_000;

type Item = Required<OtelName> & { readonly type: keyof typeof KINDS };

const KINDS = { counter: 'counter', updown: 'up_down_counter', gauge: 'gauge', histogram: 'histogram' } as const;
const STRATEGIES = {
  UnderscoreEscapingWithSuffixes: 'underscore_escaping_with_suffixes',
  UnderscoreEscapingWithoutSuffixes: 'underscore_escaping_without_suffixes',
  NoUTF8EscapingWithSuffixes: 'no_utf8_escaping_with_suffixes',
  NoTranslation: 'no_translation',
} as const satisfies Record<OtelName['strategy'], TranslationStrategy>;

type Deviations = Readonly<Record<string, (item: Item) => boolean>>;

const NAME_DEVIATIONS: Deviations = {
  'what cannot be said has no name, where the translator has its suffixes or its underscores': ({ name, strategy }) =>
    name === '' || (isClassic(strategy) && !/[a-zA-Z0-9:]/.test(name)),
  'TiBy is tebibytes and kBy kilobytes': ({ unit, strategy }) =>
    strategy.endsWith('WithSuffixes') && /^\s*(TiBy|kBy)\s*(\/|$)/.test(unit),
  'a classic unit does not end with _': ({ unit, strategy }) =>
    strategy === 'UnderscoreEscapingWithSuffixes' && unit.split(/\/(.*)/s).some(endsOddly),
  'a unit of several words is not repeated at the end of a classic name': ({ name, strategy, unit }) =>
    strategy === 'UnderscoreEscapingWithSuffixes' && endsWithSeveralWords(name, unit),
  'an ending is no part of a word, and its delimiter a whole character': ({ name, strategy }) =>
    strategy === 'NoUTF8EscapingWithSuffixes' && /[\p{L}\p{N}\u{80}-\u{10ffff}](total|ratio|per_.*)$/su.test(name),
};

const LABEL_DEVIATIONS: Deviations = {
  'what starts with __ is reserved, before and after escaping': (item) =>
    item.label.startsWith('__') || startOfTheirs(item).startsWith('__'),
  '_x stays, as in the Collector, where the receiver of Prometheus has key_x': ({ label, strategy }) =>
    isClassic(strategy) && /^[^a-zA-Z0-9]/.test(label),
  ': is escaped, which Prometheus cannot read in the name of a label': ({ label, strategy, escaping }) =>
    !isClassic(strategy) && escaping !== 'allow-utf-8' && label.includes(':'),
};

const NAME_PARTS = 'a|milli|sub|bytes|seconds|kWh|m2|per_second|total|ratio|3|:|é|.|.|_|_|-|/|🙂'.split('|');
const UNITS = '|1|s|ms|By|TiBy|kBy|KBy|%|{request}|widget|kWh.m2|foo#| s |°'.split('|');
const ENDS = '||.|.seconds|.total|-ratio|_bytes|/per_second|_bytes_per_second|_bytes_per_second_total'.split('|');
const PERS = ['', '', '', '/s', '/m', '/h', '/mo', '/', '/{request}', '/widget', '/#'];
const anyText = fc.string({ unit: 'grapheme', maxLength: 3 });
const parts = fc.array(fc.oneof(fc.constantFrom(...NAME_PARTS), anyText), { maxLength: 6 });
// Mostly with a letter first, since what has none, or starts with `_`, is where deviations are.
const words = fc.tuple(fc.constantFrom('', 'x', 'y'), parts).map(([start, rest]) => start + rest.join(''));
const items: fc.Arbitrary<Item> = fc.record({
  name: fc.tuple(words, fc.constantFrom(...ENDS)).map((ends) => ends.join('')),
  unit: fc.tuple(fc.oneof(fc.constantFrom(...UNITS), anyText), fc.constantFrom(...PERS)).map((unit) => unit.join('')),
  type: fc.constantFrom(...(Object.keys(KINDS) as (keyof typeof KINDS)[])),
  strategy: fc.constantFrom(...(Object.keys(STRATEGIES) as (keyof typeof STRATEGIES)[])),
  escaping: fc.constantFrom('allow-utf-8', 'underscores', 'dots', 'values'),
  // For a label without letter and digit the translator has an error.
  label: words.map((label) => (/[a-zA-Z0-9]/.test(label) ? label : `${label}a`)),
});

describe('names by otlptranslator and prometheus/common', { skip: skipWithout('judge') }, () => {
  let judge: Judge;
  before(() => void (judge = startJudge()));
  after(() => judge.close());

  it(`are ours, except for the deviations listed (${COUNT} names)`, async () => {
    const deviated = new Map<string, number>();
    let alike = 0;
    const same = (deviations: Deviations, item: Item, ours: string, theirs: string | undefined): void => {
      const found = Object.entries(deviations).filter(([, applies]) => applies(item));
      for (const [deviation] of found)
        deviated.set(deviation, (deviated.get(deviation) ?? 0) + Number(ours !== theirs));
      if (found.length > 0) return;
      assert.equal(ours, theirs, JSON.stringify(item));
      alike += 1;
    };
    for (let done = 0; done < COUNT; done += BATCH) {
      const batch = fc.sample(items, { numRuns: BATCH, seed: done });
      const verdicts = await judge.translate(batch);
      for (const [i, item] of batch.entries()) {
        const verdict = verdicts[i];
        const theirs = verdict?.ok === true ? verdict : undefined;
        same(NAME_DEVIATIONS, item, ourName(item), theirs?.metric);
        if (theirs !== undefined) same(LABEL_DEVIATIONS, item, ourLabel(item), theirs.receiverLabel);
      }
    }
    assert.ok(alike > 1.3 * COUNT, `only ${alike} compared`);
    const listed = [NAME_DEVIATIONS, LABEL_DEVIATIONS].flatMap(Object.keys);
    assert.deepEqual(
      listed.filter((deviation) => (deviated.get(deviation) ?? 0) === 0),
      [],
      'deviations that do not exist',
    );
  });
});

function ourName({ name, unit, type, strategy, escaping }: Item): string {
  return escapeName(translateName({ name, unit, kind: KINDS[type] }, STRATEGIES[strategy]).name, escaping);
}

function ourLabel({ label, strategy, escaping }: Item): string {
  return escapeLabel(labelName(label, STRATEGIES[strategy]), escaping);
}

function isClassic(strategy: OtelName['strategy']): boolean {
  return strategy.startsWith('Underscore');
}

function endsOddly(part: string): boolean {
  return /[^a-zA-Z0-9:{}%]$/.test(part.trim());
}

/** What Go's escaping makes of a label, where it decides what the name starts with. */
function startOfTheirs({ label, strategy, escaping }: Item): string {
  return isClassic(strategy) ? label.replace(/[^a-zA-Z0-9]/gu, '_') : escapeName(label, escaping);
}

function endsWithSeveralWords(name: string, unit: string): boolean {
  const { main, per } = unitWords(unit, joined);
  const stem = joined(name.replace(/total|ratio/g, ''));
  return [main, per, `${main}_${per}`].some((said) => said.includes('_') && `_${stem}`.endsWith(`_${said}`));
}

function joined(text: string): string {
  return (text.match(/[a-zA-Z0-9:]+/g) ?? []).join('_');
}
