import { parseArgs } from 'node:util';
import { soak } from './soak.ts';

const REQUESTS = 1_000_000;
/** Ten samples of the whole mix. */
const REQUESTS_MIN = 10_000;
const EXIT_FAILED = 1;
const EXIT_USAGE = 2;

const requests = readRequests();
if (requests === undefined) {
  process.stderr.write(`usage: npm run soak -- [--requests N]

  --requests N  how many are sent, ${REQUESTS_MIN} at least (default: ${REQUESTS})
`);
  process.exitCode = EXIT_USAGE;
} else {
  const faults = await soak({ requests, progress: (line) => process.stderr.write(`${line}\n`) });
  faults.forEach((fault) => process.stderr.write(`${fault}\n`));
  if (faults.length > 0) process.exitCode = EXIT_FAILED;
}

function readRequests(): number | undefined {
  try {
    const { values } = parseArgs({ options: { requests: { type: 'string', default: String(REQUESTS) } } });
    const requests = Number(values.requests);
    return Number.isInteger(requests) && requests >= REQUESTS_MIN ? requests : undefined;
  } catch (error) {
    if (error instanceof TypeError) return undefined;
    throw error;
  }
}
