import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { negotiateCoding, type Coding } from '../../src/exposition/negotiation.ts';

const codings: Record<string, [acceptEncoding: string | undefined, Coding][]> = {
  'serves plain when nothing is asked for': [
    [undefined, 'identity'],
    ['', 'identity'],
    [' , ', 'identity'],
    ['identity', 'identity'],
    ['br, deflate', 'identity'],
  ],
  'serves what real clients ask for': [
    ['gzip', 'gzip'],
    ['zstd,gzip', 'zstd'],
    ['gzip, deflate', 'gzip'],
    ['gzip, deflate, br, zstd', 'zstd'],
    ['deflate, gzip, br', 'gzip'],
    ['gzip;q=1.0, deflate;q=0.6, identity;q=0.3', 'gzip'],
  ],
  'lets the highest q win, and compresses at the same q': [
    ['gzip;q=0.5,zstd;q=0.4', 'gzip'],
    ['gzip;q=0.5,zstd;q=0.5', 'zstd'],
    ['identity,gzip', 'gzip'],
    ['identity;q=1,gzip;q=0.5', 'identity'],
    ['identity;q=0.5,gzip;q=0.4,zstd;q=0.6', 'zstd'],
    ['gzip;q=0.001', 'gzip'],
    ['gzip;q=0.1,gzip;q=0.5,gzip;q=0.2,zstd;q=0.4', 'gzip'],
  ],
  'takes q=0 as a refusal': [
    ['gzip;q=0', 'identity'],
    ['gzip;q=0,zstd;q=0.000', 'identity'],
    ['zstd;q=0,gzip', 'gzip'],
    ['identity;q=0', 'identity'],
    ['identity;q=0,gzip;q=0.1', 'gzip'],
    ['identity;q=0,gzip;q=0,zstd;q=0', 'identity'],
    ['*;q=0', 'identity'],
    ['*;q=0,gzip', 'gzip'],
  ],
  'gives a wildcard the plainest': [
    ['*', 'identity'],
    ['gzip,*;q=0.5', 'gzip'],
    ['gzip;q=0.5,*', 'identity'],
    ['*,identity;q=0', 'gzip'],
    ['*,identity;q=0.5', 'gzip'],
    ['*,identity;q=0,gzip;q=0', 'identity'],
    ['gzip;q=0,*', 'identity'],
  ],
  'reads names in any case and old ones': [
    ['GZIP', 'gzip'],
    ['x-gzip', 'gzip'],
    [' ZStd ; Q = 1 , gzip', 'zstd'],
  ],
  'ignores what it cannot read': [
    ['gzip;q=x', 'identity'],
    ['gzip;q=2,zstd;q=-1', 'identity'],
    ['gzip"', 'identity'],
    ['gzip\0', 'identity'],
    [`${','.repeat(1e5)}gzip`, 'identity'],
    [`gzip${';'.repeat(1e5)}`, 'gzip'],
    ['constructor, __proto__', 'identity'],
  ],
};

describe('negotiation of the coding', () => {
  for (const [name, cases] of Object.entries(codings)) {
    it(name, () => {
      for (const [header, out] of cases) assert.equal(negotiateCoding(header), out, header?.slice(0, 200) ?? 'none');
    });
  }

  it('chooses one of ours, whatever the header, and none that is refused', () => {
    const words = ['gzip', 'zstd', 'identity', '*', 'br', ';q=0', ';q=0.5', ';q=1', ',', ',', ' ', '"', '\\', '\0'];
    const header = fc.oneof(
      fc.string({ unit: 'binary' }),
      fc.array(fc.constantFrom(...words), { maxLength: 12 }).map((parts) => parts.join('')),
    );
    fc.assert(
      fc.property(header, (accept) => {
        assert.ok(['identity', 'gzip', 'zstd'].includes(negotiateCoding(accept)));
        assert.notEqual(negotiateCoding(`gzip;q=0,br,${accept.replaceAll('gzip', 'br')}`), 'gzip');
        assert.notEqual(negotiateCoding(`zstd;q=0,br,${accept.replaceAll('zstd', 'br')}`), 'zstd');
      }),
      { numRuns: 1000 },
    );
  });
});
