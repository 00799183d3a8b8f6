import { createServer, type AddressInfo, type Socket } from 'node:net';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { TransientError } from '../../../src/errors.ts';
import { PostgresConnection } from '../../../src/ledger/postgres/connection.ts';
import { HandClock } from '../../support/hand-clock.ts';

/** A server that accepts connections and never answers. */
const sockets: Socket[] = [];
const silent = createServer((socket) => sockets.push(socket.on('error', () => undefined)));
let url = '';
beforeAll(async () => {
  await new Promise<void>((resolve) => silent.listen(0, '127.0.0.1', resolve));
  url = `postgres://user:password@127.0.0.1:${(silent.address() as AddressInfo).port}/ledger`;
});
afterAll(() => {
  for (const socket of sockets) socket.destroy();
  silent.close();
});

describe('a server that never answers', () => {
  it('delays the end of a stopped run by eight seconds at most, closing included', async () => {
    const clock = new HandClock();
    const stop = new AbortController();
    const retry = { clock, retryBudgetMs: 1_800_000, stop: stop.signal };
    const connection = await PostgresConnection.create({ url, schema: 'public' }, retry);
    const done: string[] = [];
    const transaction = connection.transaction(() => Promise.resolve()).catch((error: unknown) => error);
    const run = transaction.then(async (error) => {
      done.push('transaction');
      await connection.close();
      done.push('closed');
      return error;
    });
    const reason = new TransientError('stopped', 'The run was stopped.');
    stop.abort(reason);
    await clock.advance(7_999);
    expect(done).toEqual([]);
    await clock.advance(1);
    expect(done).toEqual(['transaction', 'closed']);
    expect(await run).toBe(reason);
  });
});
