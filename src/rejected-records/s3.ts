/** Stores rejected records in a bucket of S3 or a compatible store: each flush writes a separate object. */
import type { Proxies } from '../network/proxies.ts';
import { rejectedRecordLine, type RejectedRecord, type RejectedRecords } from './rejected-records.ts';
import { S3Bucket } from './s3-bucket.ts';
import type { S3Location } from './s3-location.ts';
import type { RetryPolicy } from './retry-policy.ts';

/** How much text may be buffered in memory before {@link RejectedRecords.untilRoom} flushes it. */
const MAX_WAITING_CHARACTERS = 1_000_000;
/** The same for all checks: if deleting is not allowed, a single empty object remains, not one per check. */
const WRITE_TEST = 'destination-iterable-write-test';

/** Opens the store after a test write to the bucket. Throws a ConfigError that names the option, or a TransientError. */
export async function openRejectedRecordsBucket(
  location: S3Location,
  policy: RetryPolicy,
  proxies: Proxies,
): Promise<RejectedRecords> {
  const bucket = await S3Bucket.create(location, policy, proxies);
  try {
    await proveWritable(bucket);
    return new RejectedRecordsBucket(bucket, objectNames(policy));
  } catch (error) {
    bucket.close();
    throw error;
  }
}

/** Throws like {@link openRejectedRecordsBucket}. Leaves nothing in the bucket, unless deleting is forbidden. */
export async function checkRejectedRecordsBucket(
  location: S3Location,
  policy: RetryPolicy,
  proxies: Proxies,
): Promise<void> {
  const store = await openRejectedRecordsBucket(location, policy, proxies);
  await store.close();
}

async function proveWritable(bucket: S3Bucket): Promise<void> {
  await bucket.put(WRITE_TEST, '');
  await bucket.tryRemove(WRITE_TEST);
}

/** Generates object names that sort in the order of writing, also across runs, are unique, and contain no data of records. */
function objectNames({ clock }: RetryPolicy): () => string {
  const stamp = new Date(clock.now()).toISOString().replaceAll(/[-:.]/g, '');
  const run = Math.floor(clock.random() * 2 ** 48)
    .toString(16)
    .padStart(12, '0');
  let count = 0;
  return () => `rejected-${stamp}-${run}-${String(++count).padStart(6, '0')}.jsonl`;
}

class RejectedRecordsBucket implements RejectedRecords {
  readonly #bucket: S3Bucket;
  readonly #nextName: () => string;
  #waiting: string[] = [];
  #waitingCharacters = 0;
  #writing: Promise<void> = Promise.resolve();
  #failure: { readonly error: unknown } | undefined;

  constructor(bucket: S3Bucket, nextName: () => string) {
    this.#bucket = bucket;
    this.#nextName = nextName;
  }

  add(record: RejectedRecord): void {
    const line = rejectedRecordLine(record);
    this.#waiting.push(line);
    this.#waitingCharacters += line.length;
  }

  untilRoom(): Promise<void> {
    return this.#waitingCharacters > MAX_WAITING_CHARACTERS ? this.flush() : Promise.resolve();
  }

  flush(): Promise<void> {
    this.#writing = this.#writing.then(() => this.#write());
    return this.#writing;
  }

  async close(): Promise<void> {
    try {
      // After a failure, which is already reported, another attempt would take just as long.
      if (!this.#failure) await this.flush();
    } finally {
      this.#bucket.close();
    }
  }

  /** After a failure, every later write fails too: otherwise a later flush would seem to confirm the lost records. */
  async #write(): Promise<void> {
    if (this.#failure) throw this.#failure.error;
    if (this.#waiting.length === 0) return;
    const text = this.#waiting.join('');
    this.#waiting = [];
    this.#waitingCharacters = 0;
    try {
      await this.#bucket.put(this.#nextName(), text);
    } catch (error) {
      this.#failure = { error };
      throw error;
    }
  }
}
