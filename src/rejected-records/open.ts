/** Opens the store that the configuration names. */
import { checkRejectedRecordsFile, openRejectedRecordsFile } from './file.ts';
import type { RejectedRecords } from './rejected-records.ts';

/** The option `rejected_records`. */
export type RejectedRecordsOption =
  { readonly type: 'none' } | { readonly type: 'file'; readonly path: string };

/** Gives undefined where rejected records are only counted. Throws a ConfigError that names the option. */
export async function openRejectedRecords(
  option: RejectedRecordsOption,
): Promise<RejectedRecords | undefined> {
  return option.type === 'file' ? openRejectedRecordsFile(option.path) : undefined;
}

/** Throws a ConfigError when rejected records could not be stored there. Changes nothing. */
export async function checkRejectedRecords(option: RejectedRecordsOption): Promise<void> {
  if (option.type === 'file') await checkRejectedRecordsFile(option.path);
}
