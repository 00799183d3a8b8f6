/** A real HTTP proxy (CONNECT for TLS, absolute URLs for plain requests), and a TLS front for a server without TLS. */
import { readFileSync } from 'node:fs';
import { createServer, request as sendRequest, type IncomingMessage, type Server } from 'node:http';
import { connect, type AddressInfo, type Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import { createServer as createTlsServer } from 'node:tls';

export class TestProxy {
  /** `CONNECT host:port` or `METHOD URL` of each request, in order. */
  readonly requests: string[] = [];
  /** The credentials of each request, in order; empty if there were none. */
  readonly credentials: string[] = [];
  /** `host:port`, which only this proxy can resolve → the port on 127.0.0.1. */
  readonly hosts = new Map<string, number>();
  /** `user:password`; a request without it is answered with 407. */
  wants: string | undefined;
  /** Answered in place of the host; with `hang` no answer is sent. */
  refuses: number | 'hang' | 'reset' | undefined;
  /** Open connections. */
  readonly sockets = new Set<Duplex>();
  readonly #server: Server;

  private constructor() {
    this.#server = createServer((request, response) => {
      const status = this.#refusal(request, `${request.method ?? ''} ${request.url ?? ''}`);
      if (status === 'hang') return;
      // A stray request may be meant for a server that had this port before.
      if (status === undefined && !URL.canParse(request.url ?? '')) response.writeHead(400).end();
      else if (status === 'reset') request.socket.destroy();
      else if (status !== undefined) response.writeHead(status).end();
      else {
        const headers = { ...request.headers };
        delete headers['proxy-authorization'];
        const url = new URL(request.url ?? '');
        const { method } = request;
        const onward = sendRequest(
          url,
          { ...(method === undefined ? {} : { method }), headers },
          (answer) => {
            response.writeHead(answer.statusCode ?? 502, answer.headers);
            answer.pipe(response);
          },
        );
        onward.on('error', () => response.writeHead(502).end());
        request.pipe(onward);
      }
    });
    this.#server.on('connection', (socket: Socket) => {
      this.sockets.add(socket.on('error', () => undefined).on('close', () => this.sockets.delete(socket)));
    });
    this.#server.on('connect', (request: IncomingMessage, socket: Duplex, head: Buffer) => {
      this.#connect(request, socket, head);
    });
  }

  static async start(): Promise<TestProxy> {
    const proxy = new TestProxy();
    await new Promise<void>((resolve) => proxy.#server.listen(0, '127.0.0.1', resolve));
    return proxy;
  }

  get port(): number {
    return (this.#server.address() as AddressInfo).port;
  }

  get name(): string {
    return `127.0.0.1:${this.port}`;
  }

  async close(): Promise<void> {
    for (const socket of this.sockets) socket.destroy();
    await new Promise((resolve) => this.#server.close(resolve));
  }

  #refusal(request: IncomingMessage, line: string): TestProxy['refuses'] {
    this.requests.push(line);
    const [, base64 = ''] = /^Basic (.+)$/.exec(request.headers['proxy-authorization'] ?? '') ?? [];
    const credentials = Buffer.from(base64, 'base64').toString();
    this.credentials.push(credentials);
    if (this.wants !== undefined && credentials !== this.wants) return 407;
    return this.refuses;
  }

  #connect(request: IncomingMessage, socket: Duplex, head: Buffer): void {
    const host = request.url ?? '';
    const refusal = this.#refusal(request, `CONNECT ${host}`);
    if (refusal === 'hang' || refusal === 'reset') {
      // The socket must be read to notice when the other side closes it.
      if (refusal === 'hang') socket.resume().on('end', () => socket.destroy());
      else socket.destroy();
      return;
    }
    const port = this.hosts.get(host);
    const status = refusal ?? (port === undefined ? 502 : undefined);
    if (status !== undefined) {
      socket.end(`HTTP/1.1 ${status} No\r\nContent-Type: text/html\r\n\r\n<html>no way</html>`);
      return;
    }
    const onward = connect(port ?? 0, '127.0.0.1', () => {
      socket.write('HTTP/1.1 200 Connection established\r\n\r\n');
      onward.write(head);
      onward.pipe(socket).pipe(onward);
    });
    onward.on('error', () => socket.destroy());
    socket.on('close', () => onward.destroy());
  }
}

export interface TlsFront {
  readonly port: number;
  close(): Promise<void>;
}

/** Accepts TLS with the certificate `PLACE.pem` and forwards everything to this port of 127.0.0.1. */
export async function tlsInFrontOf(port: number, place: string): Promise<TlsFront> {
  const sockets = new Set<Duplex>();
  const server = createTlsServer(
    { key: readFileSync(`${place}.key`), cert: readFileSync(`${place}.pem`) },
    (socket) => {
      sockets.add(socket.on('close', () => sockets.delete(socket)));
      const onward = connect(port, '127.0.0.1');
      // Otherwise the connection to a server that does not answer would stay, and keep Jest's process alive.
      socket.on('error', () => undefined).on('close', () => onward.destroy());
      onward.on('error', () => socket.destroy());
      socket.pipe(onward).pipe(socket);
    },
  );
  // A client that does not trust the certificate closes the connection.
  server.on('tlsClientError', () => undefined);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    port: (server.address() as AddressInfo).port,
    close: async () => {
      for (const socket of sockets) socket.destroy();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}
