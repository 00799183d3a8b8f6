/** Opens the store that the configuration names. */
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

/** Where the store is asked; undefined for one that is on this machine. */
export function storeUrl(option: RejectedRecordsOption): string | undefined {
  return option.type === 's3' ? urlOf(option) : undefined;
}

// The AWS SDK takes a third of a second and 20 MB to load: only who asks for it has it.
const loadS3 = () => import('./s3.ts');

/**
 * Gives undefined where rejected records are only counted. Throws a ConfigError that names the option, or a TransientError
 * where a store can't be reached.
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

/** Throws like {@link openRejectedRecords} when rejected records could not be stored there. Leaves everything as it was. */
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
