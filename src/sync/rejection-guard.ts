/** Ends a sync of which too much was rejected: a wrong mapping is better noticed than counted. */
import { ConfigError } from '../errors.ts';
import { total, type SyncSummary } from './stream-summary.ts';

/** How often a stream is looked at while it runs, in settled records. */
const JUDGE_EVERY = 10_000;
/** A stream of fewer records may well consist of bad ones. */
const MIN_RECORDS_TO_CONDEMN = 10;
const ADVICE = 'See the reasons in the log; mostly the mappings name the wrong columns.';

export interface RejectionGuardOptions {
  readonly summary: SyncSummary;
  readonly streams: readonly { readonly key: string; readonly name: string }[];
  /** Above this share of a stream's records the sync fails; 100 never. */
  readonly maxRejectedPercent: number;
}

export class RejectionGuard {
  readonly #options: RejectionGuardOptions;
  readonly #names: ReadonlyMap<string, string>;

  constructor(options: RejectionGuardOptions) {
    this.#options = options;
    this.#names = new Map(options.streams.map(({ key, name }) => [key, name]));
  }

  /** To be asked after each settled record; gives the failure, if the stream has gone too far by now. */
  afterRecord(streamKey: string): ConfigError | undefined {
    if (this.#options.summary.of(streamKey).settled % JUDGE_EVERY !== 0) return undefined;
    return failure('too_many_rejected', this.#excess(streamKey));
  }

  /** To be asked when everything is settled. */
  atEnd(): ConfigError | undefined {
    const keys = [...this.#names.keys()];
    return (
      failure(
        'all_rejected',
        keys.flatMap((key) => this.#nothingLeft(key)),
      ) ??
      failure(
        'too_many_rejected',
        keys.flatMap((key) => this.#excess(key)),
      )
    );
  }

  #nothingLeft(streamKey: string): string[] {
    const { settled, rejected } = this.#options.summary.of(streamKey);
    if (settled < MIN_RECORDS_TO_CONDEMN || total(rejected) < settled) return [];
    return [`Every record of stream ${this.#name(streamKey)} was rejected. ${ADVICE}`];
  }

  #excess(streamKey: string): string[] {
    const { summary, maxRejectedPercent } = this.#options;
    const { settled, rejected } = summary.of(streamKey);
    const percent = settled === 0 ? 0 : (100 * total(rejected)) / settled;
    if (percent <= maxRejectedPercent) return [];
    return [
      `${total(rejected)} of ${settled} records of stream ${this.#name(streamKey)} were rejected (${percent.toFixed(1)} %), more than max_rejected_percent (${maxRejectedPercent}) allows. ${ADVICE}`,
    ];
  }

  #name(streamKey: string): string {
    return this.#names.get(streamKey) ?? streamKey;
  }
}

function failure(code: string, problems: string[]): ConfigError | undefined {
  return problems.length > 0 ? new ConfigError(problems, { code }) : undefined;
}
