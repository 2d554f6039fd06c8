import { parseArgs } from 'node:util';
import { irisModel } from './classifier.ts';
import { startIrisServer } from './server.ts';

const usage = 'usage: node examples/iris-server/main.ts [--host 127.0.0.1] [--port 8080]';

const options = readOptions();
if (options === undefined) {
  console.error(usage);
  process.exit(2);
}
const server = await startIrisServer(options);
console.error(JSON.stringify({ msg: 'iris server listening', url: server.url, accuracy: irisModel.accuracy.test }));
for (const signal of ['SIGTERM', 'SIGINT'] as const) process.once(signal, () => void server.close());

function readOptions(): { host: string; port: number } | undefined {
  try {
    const { values } = parseArgs({
      options: { host: { type: 'string', default: '127.0.0.1' }, port: { type: 'string', default: '8080' } },
    });
    const port = Number(values.port);
    return /^\d{1,5}$/.test(values.port) && port <= 65_535 ? { host: values.host, port } : undefined;
  } catch {
    return undefined;
  }
}
