import type { Socket } from 'node:net';
import { buildConnector, errors } from 'undici';
import type { NodeDispatchHandler, NodeDispatchLimits, NodeDispatchOptions } from './node-dispatch.ts';
import { NodeRequest } from './node-request.ts';

export interface NodeDispatcherOptions extends NodeDispatchLimits {
  readonly origin: URL;
  /** To have a connection, TLS included. */
  readonly connectMs: number;
  readonly tls?: {
    readonly ca?: string | Buffer | undefined;
    readonly cert?: string | Buffer | undefined;
    readonly key?: string | Buffer | undefined;
    readonly servername?: string | undefined;
  };
}

export interface NodeDispatcher {
  dispatch(options: NodeDispatchOptions, handler: NodeDispatchHandler): void;
  /** Fails what is under way and what may still come. */
  destroy(): void;
}

/**
 * For the requests that undici refuses or cannot send as they are: `Expect: 100-continue`, request trailers, and `Upgrade` that may be
 * answered in the ordinary way. They are rare, so each gets a connection of its own.
 */
export function createNodeDispatcher({ origin, tls, ...limits }: NodeDispatcherOptions): NodeDispatcher {
  const underWay = new Set<NodeRequest>();
  let destroyed = false;
  // undici's own, so that its errors and timeouts are the same.
  const connector = buildConnector({ ...tls, timeout: limits.connectMs, allowH2: false });
  // The types keep it a secret that it returns the socket.
  const connect = connector as (...args: Parameters<typeof connector>) => Socket;
  const { protocol, host, port } = origin;
  const hostname = origin.hostname.replace(/^\[|\]$/g, '');
  return {
    dispatch: (options, handler) => {
      const sent = new NodeRequest({
        ...limits,
        options,
        handler,
        host,
        connect: (done) => connect({ hostname, host, protocol, port }, done),
        onOver: () => {
          underWay.delete(sent);
        },
      });
      underWay.add(sent);
      if (destroyed) sent.fail(new errors.ClientDestroyedError());
      else sent.start();
    },
    destroy: () => {
      destroyed = true;
      for (const sent of underWay) sent.fail(new errors.ClientDestroyedError());
    },
  };
}
