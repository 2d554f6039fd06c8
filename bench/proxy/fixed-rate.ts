import { setTimeout } from 'node:timers/promises';
import autocannon from 'autocannon';
import { bodies, paths } from './workload.ts';

/** Requests per second, while it is a target's turn. */
const RATE = 1_000;
/**
 * What autocannon has to send within a second it sends at the beginning of the second, one after the other on each connection. So there
 * are many of one connection each, and they begin one after the other, evenly spread over the second.
 */
const SENDERS = 50;
const RATE_OF_EACH = RATE / SENDERS;
/** How often they look whether they are to end. */
const SAMPLE_MS = 100;

/**
 * Sends small requests at a fixed rate to some targets in turn, each for its share of every second. Any that fails is an error.
 *
 * @returns how long requests took, in ms, by target and second. In the first one connections are made.
 */
export async function sendAtFixedRate(urls: readonly string[], seconds: number): Promise<number[][][]> {
  const share = SENDERS / urls.length;
  const targetOf = (sender: number): number => Math.floor(sender / share);
  const senders = Array.from({ length: SENDERS }, async (_, sender) => {
    await setTimeout((sender / SENDERS) * 1_000);
    return send(urls[targetOf(sender)] ?? '', seconds);
  });
  const tookMs = await Promise.all(senders);
  return urls.map((_, target) =>
    Array.from({ length: seconds }, (_, second) =>
      tookMs
        .filter((_, sender) => targetOf(sender) === target)
        .flatMap((times) => times.slice(second * RATE_OF_EACH, (second + 1) * RATE_OF_EACH)),
    ),
  );
}

async function send(url: string, seconds: number): Promise<number[]> {
  const amount = RATE_OF_EACH * seconds;
  const tookMs: number[] = [];
  const sending = autocannon({
    url: `${url}${paths.small}`,
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: bodies.small.request,
    connections: 1,
    overallRate: RATE_OF_EACH,
    amount,
    sampleInt: SAMPLE_MS,
  });
  sending.on('response', (_client, _status, _bytes, ms: number) => {
    // By itself it would end when it is its turn again.
    if (tookMs.push(ms) === amount) sending.stop();
  });
  const { errors, timeouts, non2xx } = await sending;
  if (errors + timeouts + non2xx > 0 || tookMs.length !== amount) {
    throw new Error(`of ${amount} requests to ${url} ${errors + timeouts + non2xx} failed`);
  }
  return tookMs;
}
