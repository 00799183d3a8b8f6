/** A bucket on a real S3-compatible server, which checks signatures. Outages can be simulated, and requests are recorded. */
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import S3rver from '@20minutes/s3rver';
import { TestFiles } from './connector.ts';

const BUCKET = 'rejects';
/** The access key id and secret of the only key pair that s3rver accepts. */
const KEY = 'S3RVER';

export interface Bucket {
  readonly url: string;
  /** The option `rejected_records` for this bucket. */
  option(overrides?: Record<string, unknown>): Record<string, unknown>;
  /** The names of all objects in the order of the listing, with their contents. */
  objects(): Promise<[string, string][]>;
  /** `METHOD path` of every request, in order. */
  readonly requests: string[];
  /** If it returns a status, the request is answered with that instead of by the server; `reset` cuts the connection. */
  intercept: (method: string, path: string) => number | 'reset' | undefined;
}

/** Runs the test with an empty bucket, and removes the bucket afterwards. */
export async function withBucket(test: (bucket: Bucket) => Promise<void>): Promise<void> {
  const files = new TestFiles();
  const s3rver = new S3rver({
    directory: files.folder,
    silent: true,
    vhostBuckets: false,
    configureBuckets: [{ name: BUCKET }],
  });
  await s3rver.configureBuckets();
  const handle = s3rver.callback();
  const requests: string[] = [];
  const server = createServer((request: IncomingMessage, response: ServerResponse) => {
    const { method = '', url = '' } = request;
    const path = url.split('?')[0] ?? '';
    requests.push(`${method} ${path}`);
    const answer = bucket.intercept(method, path);
    if (answer === 'reset') request.socket.destroy();
    else if (answer !== undefined) request.resume().on('end', () => response.writeHead(answer).end());
    else handle(request, response);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const bucket: Bucket = {
    url,
    requests,
    intercept: () => undefined,
    option: (overrides = {}) => ({
      rejected_records: {
        type: 's3',
        s3_bucket_name: BUCKET,
        s3_bucket_path: 'iterable/rejected/',
        s3_bucket_region: 'us-east-1',
        s3_endpoint: url,
        access_key_id: KEY,
        secret_access_key: KEY,
        ...overrides,
      },
    }),
    objects: async () => {
      // Unsigned, because s3rver allows everyone to read, but rejects the SDK's signature of a listing over a slash in the path.
      const read = async (path: string) => (await fetch(`${url}/${BUCKET}${path}`)).text();
      const keys = [...(await read('?list-type=2')).matchAll(/<Key>([^<]+)<\/Key>/g)].map(
        ([, key = '']) => key,
      );
      return Promise.all(keys.map(async (key): Promise<[string, string]> => [key, await read(`/${key}`)]));
    },
  };
  try {
    await test(bucket);
  } finally {
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
    files.remove();
  }
}
