/** The input for the measurements: typical warehouse records of 400 bytes each, with a state after every 10,000. */
import { closeSync, openSync, writeFileSync, writeSync } from 'node:fs';
import { aRecord, aState, aStatus, aStream } from '../support/messages.ts';

const LINE_BYTES = 400;
const STATE_EVERY = 10_000;
const STREAM = 'customers';

/** The stream of the catalog; with `isSnapshot` a full replacement, for which a ledger must mark present rows. */
export function customersStream({
  isSnapshot,
  name = STREAM,
}: {
  readonly isSnapshot: boolean;
  readonly name?: string;
}) {
  return aStream({
    name,
    primaryKey: [['id']],
    ...(isSnapshot ? { syncMode: 'full_refresh', destinationSyncMode: 'overwrite' } : {}),
    jsonSchema: {
      type: 'object',
      properties: {
        id: { type: 'integer' },
        email: { type: ['null', 'string'] },
        first_name: { type: ['null', 'string'] },
        last_name: { type: ['null', 'string'] },
        city: { type: ['null', 'string'] },
        country: { type: ['null', 'string'] },
        orders: { type: ['null', 'integer'] },
        lifetime_value: { type: ['null', 'number'] },
        is_subscriber: { type: ['null', 'boolean'] },
        signed_up_at: {
          type: ['null', 'string'],
          format: 'date-time',
          airbyte_type: 'timestamp_with_timezone',
        },
        notes: { type: ['null', 'string'] },
      },
    },
  });
}

/** Writes this number of customers to a file. */
export function writeCustomers(path: string, count: number): void {
  const file = openSync(path, 'w');
  let chunk = '';
  for (let id = 1; id <= count; id++) {
    chunk += customerLine(id);
    if (id % STATE_EVERY === 0 || id === count) {
      chunk += aState(id, STREAM);
      writeSync(file, chunk);
      chunk = '';
    }
  }
  writeSync(file, aStatus('COMPLETE', STREAM));
  closeSync(file);
}

/** Writes one customer for each stream to a file, each with its state, and the streams' statuses at the end. */
export function writeCustomerPerStream(path: string, streams: readonly string[]): void {
  const lines = streams.map((stream, index) => customerLine(index + 1, stream) + aState(index, stream));
  writeFileSync(path, [...lines, ...streams.map((stream) => aStatus('COMPLETE', stream))].join(''));
}

function customerLine(id: number, stream = STREAM): string {
  const customer = {
    id,
    email: `customer.${id}@example.com`,
    first_name: 'Ada',
    last_name: 'Lovelace',
    city: 'Zürich',
    country: 'CH',
    orders: id % 50,
    // Never an integer, which the connector and the minimal loop might write differently (5.0 and 5).
    lifetime_value: id + 0.25,
    is_subscriber: id % 2 === 0,
    signed_up_at: '2026-01-02T03:04:05Z',
    notes: '',
  };
  const bare = Buffer.byteLength(aRecord(customer, { stream }));
  return aRecord({ ...customer, notes: 'n'.repeat(Math.max(LINE_BYTES - bare, 0)) }, { stream });
}
