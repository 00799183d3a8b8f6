/** Rejected records in a bucket of S3 or a compatible store: each flush is an object of its own, stored when it resolves. */
import type { Proxies } from '../network/proxies.ts';
import { rejectedRecordLine, type RejectedRecord, type RejectedRecords } from './rejected-records.ts';
import { S3Bucket } from './s3-bucket.ts';
import type { S3Location } from './s3-location.ts';
import type { RetryPolicy } from './retry-policy.ts';

/** So much may wait in memory until a flush. */
const MAX_WAITING_CHARACTERS = 1_000_000;
/** One name for all checks: where deleting is not allowed, one empty object stays, not one for each. */
const WRITE_TEST = 'destination-iterable-write-test';

/** Proves that the bucket can be written. Throws a ConfigError that names the option, or a TransientError. */
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

/** Throws like {@link openRejectedRecordsBucket}. Leaves nothing behind, unless deleting is forbidden. */
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

/** Names in the order of writing, over runs, too; two runs never share one. Nothing of a record is in them. */
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
      // A failure has been told already, and another try would take as long again.
      if (!this.#failure) await this.flush();
    } finally {
      this.#bucket.close();
    }
  }

  /** After a failure everything fails: a later object must not make up for one that is missing. */
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
