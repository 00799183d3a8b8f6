/** Puts objects into a bucket with the AWS SDK, and retries each write. Loaded on demand only. */
import { DeleteObjectCommand, PutObjectCommand, S3Client } from '@aws-sdk/client-s3';
import { TransientError } from '../errors.ts';
import type { Proxies, Proxy } from '../network/proxies.ts';
import { agentsFor } from '../network/route.ts';
import { durationText, retry } from '../retry.ts';
import { describeS3Failure, s3Refusal } from './s3-failures.ts';
import { urlOf, type S3Location } from './s3-location.ts';
import type { RetryPolicy } from './retry-policy.ts';

const FIRST_BACKOFF_MS = 500;
const MAX_BACKOFF_MS = 30_000;
/** Less than the 8 s that the pipeline allows for everything in progress after a stop. */
const STOPPED_GRACE_MS = 5_000;

export class S3Bucket {
  readonly #location: S3Location;
  readonly #policy: RetryPolicy;
  readonly #client: S3Client;
  readonly #proxy: Proxy | undefined;
  readonly #prefix: string;
  readonly #abandon = new AbortController();

  private constructor(
    location: S3Location,
    { policy, client, proxy }: { policy: RetryPolicy; client: S3Client; proxy: Proxy | undefined },
  ) {
    this.#location = location;
    this.#policy = policy;
    this.#client = client;
    this.#proxy = proxy;
    const folders = (location.s3_bucket_path ?? '').split('/').filter((folder) => folder !== '');
    this.#prefix = folders.map((folder) => `${folder}/`).join('');
    policy.stop?.addEventListener('abort', this.#onStop, { once: true });
    if (policy.stop?.aborted) this.#onStop();
  }

  /** Does not connect yet. Throws a ConfigError that names the environment variable if the proxy can't be used. */
  static async create(location: S3Location, policy: RetryPolicy, proxies: Proxies): Promise<S3Bucket> {
    const proxy = proxies.for(urlOf(location));
    const agents = await agentsFor(proxies, policy.attemptTimeoutMs);
    return new S3Bucket(location, { policy, client: clientOf(location, agents), proxy });
  }

  /**
   * Stores an object; retries during outages as the policy says, which is harmless after a lost answer. Throws a ConfigError
   * that names the option, or a TransientError.
   */
  async put(name: string, text: string): Promise<void> {
    const { clock } = this.#policy;
    const startedAt = clock.now();
    const body = Buffer.from(text);
    try {
      await retry(() => this.#attempt((abortSignal) => this.#put(name, body, abortSignal)), {
        signal: this.#abandon.signal,
        afterFailure: (error, attempt) => this.#waitOrThrow(error, attempt, startedAt),
      });
    } catch (error) {
      throw this.#abandon.signal.aborted ? this.#unavailable('before the run was stopped', error) : error;
    }
  }

  /** Makes one attempt to delete an object, and ignores errors. */
  async tryRemove(name: string): Promise<void> {
    const command = new DeleteObjectCommand({
      Bucket: this.#location.s3_bucket_name,
      Key: this.#prefix + name,
    });
    await this.#attempt((abortSignal) => this.#client.send(command, { abortSignal })).catch(() => undefined);
  }

  /** Closes idle connections, so that the process can end. */
  close(): void {
    this.#policy.stop?.removeEventListener('abort', this.#onStop);
    this.#client.destroy();
  }

  #put(name: string, body: Uint8Array, abortSignal: AbortSignal): Promise<unknown> {
    const command = new PutObjectCommand({
      Bucket: this.#location.s3_bucket_name,
      Key: this.#prefix + name,
      Body: body,
      ContentType: 'application/x-ndjson',
    });
    return this.#client.send(command, { abortSignal });
  }

  async #attempt<T>(send: (signal: AbortSignal) => Promise<T>): Promise<T> {
    const attempt = new AbortController();
    const abort = () => {
      attempt.abort();
    };
    const timer = setTimeout(abort, this.#policy.attemptTimeoutMs);
    this.#abandon.signal.addEventListener('abort', abort, { once: true });
    try {
      return await send(attempt.signal);
    } finally {
      clearTimeout(timer);
      this.#abandon.signal.removeEventListener('abort', abort);
    }
  }

  async #waitOrThrow(error: Error, attempt: number, startedAt: number): Promise<void> {
    const { clock, budgetMs, onRetry } = this.#policy;
    const refusal = s3Refusal(error, this.#location, this.#proxy);
    if (refusal) throw refusal;
    const waitMs = clock.random() * Math.min(MAX_BACKOFF_MS, FIRST_BACKOFF_MS * 2 ** (attempt - 1));
    if (clock.now() + waitMs - startedAt > budgetMs)
      throw this.#unavailable(`for ${durationText(budgetMs)}`, error);
    onRetry?.(
      `Rejected records can't be stored: ${this.#describe(error)}. Trying again in ${(waitMs / 1000).toFixed(1)} s (attempt ${attempt} failed).`,
    );
    await clock.sleep(waitMs, this.#abandon.signal);
  }

  #unavailable(since: string, cause: unknown): TransientError {
    return new TransientError(
      'rejected_records_unavailable',
      `Rejected records could not be stored ${since}; the last try: ${this.#describe(cause)}. Nothing is lost: run the sync again later, and check rejected_records if it stays so.`,
    );
  }

  #describe(error: unknown): string {
    return describeS3Failure(error, this.#location, this.#proxy);
  }

  readonly #onStop = (): void => {
    void this.#policy.clock.sleep(STOPPED_GRACE_MS).then(() => {
      this.#abandon.abort(new Error('the run was stopped'));
    });
  };
}

function clientOf(location: S3Location, agents: Awaited<ReturnType<typeof agentsFor>>): S3Client {
  const {
    s3_bucket_region: region,
    s3_endpoint: endpoint = '',
    access_key_id: accessKeyId = '',
    secret_access_key: secretAccessKey = '',
  } = location;
  return new S3Client({
    region,
    // The SDK must not retry: put() does, with the clock and budget of the policy.
    maxAttempts: 1,
    // Otherwise an environment variable could redirect records to another server, even unencrypted.
    ignoreConfiguredEndpointUrls: true,
    // Few S3-compatible stores have a host name per bucket, and not all support the SDK's newer checksums.
    ...(endpoint === ''
      ? {}
      : { endpoint, forcePathStyle: true, requestChecksumCalculation: 'WHEN_REQUIRED' as const }),
    ...(agents ? { requestHandler: agents } : {}),
    ...(accessKeyId === '' ? {} : { credentials: { accessKeyId, secretAccessKey } }),
  });
}
