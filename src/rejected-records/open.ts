/** Opens the configured store for rejected records. */
import type { Proxies } from '../network/proxies.ts';
import { checkRejectedRecordsFile, openRejectedRecordsFile } from './file.ts';
import type { RejectedRecords } from './rejected-records.ts';
import { urlOf, type S3Location } from './s3-location.ts';
import type { RetryPolicy } from './retry-policy.ts';

/** The option `rejected_records`. */
export type RejectedRecordsOption =
  | { readonly type: 'none' }
  | { readonly type: 'file'; readonly path: string }
  | ({ readonly type: 's3' } & S3Location);

/** The URL of the store; undefined for a local one. */
export function storeUrl(option: RejectedRecordsOption): string | undefined {
  return option.type === 's3' ? urlOf(option) : undefined;
}

// Loaded on demand, since the AWS SDK takes a third of a second and 20 MB to load.
const loadS3 = () => import('./s3.ts');

/**
 * Returns undefined if rejected records are only counted. Throws a ConfigError that names the option, or a TransientError
 * if the store can't be reached.
 */
export async function openRejectedRecords(
  option: RejectedRecordsOption,
  policy: RetryPolicy,
  proxies: Proxies,
): Promise<RejectedRecords | undefined> {
  switch (option.type) {
    case 'none':
      return undefined;
    case 'file':
      return openRejectedRecordsFile(option.path);
    case 's3':
      return (await loadS3()).openRejectedRecordsBucket(option, policy, proxies);
  }
}

/** Throws like {@link openRejectedRecords} if rejected records could not be stored. Changes nothing. */
export async function checkRejectedRecords(
  option: RejectedRecordsOption,
  policy: RetryPolicy,
  proxies: Proxies,
): Promise<void> {
  switch (option.type) {
    case 'none':
      return;
    case 'file':
      return checkRejectedRecordsFile(option.path);
    case 's3':
      return (await loadS3()).checkRejectedRecordsBucket(option, policy, proxies);
  }
}
