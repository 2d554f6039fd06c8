import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { figuresOf, ratioOf, type Rates, type Round } from '../../bench/proxy/rounds.ts';

describe('rounds of the benchmark of proxies', () => {
  it('compare what was measured in one round, whatever the machine was up to meanwhile', () => {
    const rounds = [100, 10, 50, 1, 30].map((speed) => round({ gateway: 1.5 * speed, peer: speed }));
    assert.equal(ratioOf(rounds, 'gateway', 'peer'), 1.5);
  });

  it('leave out the rounds that one of the two has no part in', () => {
    const rounds = [round({ gateway: 10 }), round({ gateway: 20, peer: 10 }), round({ gateway: 30 })];
    assert.equal(ratioOf(rounds, 'gateway', 'peer'), 2);
  });

  it('are told as the medians of each', () => {
    const rounds = [1, 5, 2].map((speed) => round({ gateway: speed }));
    assert.deepEqual(figuresOf('small', rounds), { small_gateway_rps: 2, small_gateway_wall_rps: 1 });
  });
});

function round(rates: Readonly<Record<string, number>>): Round {
  return new Map(Object.entries(rates).map(([name, rps]): [string, Rates] => [name, { rps, wallRps: rps / 2 }]));
}
