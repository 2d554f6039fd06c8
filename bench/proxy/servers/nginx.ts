import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { connect, createServer, type AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout } from 'node:timers/promises';
import { announce, upstreamUrl } from '../../serving.ts';

/** nginx, one worker, which is at once its only process. It writes everything into a folder of its own. */
const folder = mkdtempSync(join(tmpdir(), 'metergate-bench-nginx-'));
const port = await freePort();
const file = join(folder, 'nginx.conf');
writeFileSync(file, configuration());
const nginx = spawn('nginx', ['-p', folder, '-c', file, '-e', 'stderr'], { stdio: ['ignore', 'ignore', 'inherit'] });
process.once('exit', () => {
  nginx.kill('SIGKILL');
  rmSync(folder, { recursive: true, force: true });
});
// An interrupt reaches every process of a terminal: the end of nginx, or of who started this one, ends this one, with what is above.
process.on('SIGINT', () => {}).on('SIGTERM', () => {});
nginx.once('exit', (code) => process.exit(code ?? 1));
while (!(await answers())) await setTimeout(10);
announce({ url: `http://127.0.0.1:${port}`, pid: nginx.pid });

function configuration(): string {
  const temporary = ['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi'].map((name) => `${name}_temp_path ${folder};`);
  return `
daemon off;
master_process off;
pid ${join(folder, 'pid')};
events { worker_connections 1024; }
http {
  access_log off;
  ${temporary.join(' ')}
  keepalive_requests 1000000000;
  upstream model_server {
    server ${new URL(upstreamUrl()).host};
    keepalive 64;
    keepalive_requests 1000000000;
  }
  server {
    listen 127.0.0.1:${port};
    location / {
      proxy_pass http://model_server;
      proxy_http_version 1.1;
      proxy_set_header Connection "";
    }
  }
}
`;
}

/** Free a moment ago: nginx cannot be told to choose. */
async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  server.close();
  await once(server, 'close');
  return port;
}

async function answers(): Promise<boolean> {
  const socket = connect(port, '127.0.0.1');
  try {
    await once(socket, 'connect');
    return true;
  } catch {
    return false;
  } finally {
    socket.destroy();
  }
}
