/** Ends a sync of which too much was rejected: a wrong mapping is better noticed than counted. */
import { ConfigError } from '../errors.ts';
import type { JudgedStream, RejectionCauses } from './rejection-causes.ts';
import { total, type SyncSummary } from './stream-summary.ts';

/** How often a stream is looked at while it runs, in settled records. */
const JUDGE_EVERY = 10_000;
/** A stream of fewer records may well consist of bad ones, where others arrive. */
const MIN_RECORDS_TO_CONDEMN = 10;

export interface RejectionGuardOptions {
  readonly summary: SyncSummary;
  readonly streams: readonly JudgedStream[];
  readonly causes: RejectionCauses;
  /** Above this share of a stream's records the sync fails; 100 never. */
  readonly maxRejectedPercent: number;
}

export class RejectionGuard {
  readonly #options: RejectionGuardOptions;
  readonly #streams: ReadonlyMap<string, JudgedStream>;

  constructor(options: RejectionGuardOptions) {
    this.#options = options;
    this.#streams = new Map(options.streams.map((stream) => [stream.key, stream]));
  }

  /** To be asked after each settled record; gives the failure, if the stream has gone too far by now. */
  afterRecord(streamKey: string): ConfigError | undefined {
    if (this.#options.summary.of(streamKey).settled % JUDGE_EVERY !== 0) return undefined;
    const stream = this.#streams.get(streamKey);
    return stream && failure('too_many_rejected', this.#excess(stream));
  }

  /** To be asked when everything is settled. */
  atEnd(): ConfigError | undefined {
    const streams = [...this.#streams.values()];
    const condemned = streams.filter(({ key }) => this.#hasNothingElse(key));
    const least = this.#isAll(condemned) ? 1 : MIN_RECORDS_TO_CONDEMN;
    return (
      failure(
        'all_rejected',
        condemned
          .filter(({ key }) => this.#options.summary.of(key).settled >= least)
          .map(
            (stream) => `Every record of stream ${stream.name} was rejected: ${this.#causeOf(stream, 'it')}`,
          ),
      ) ??
      failure(
        'too_many_rejected',
        streams.flatMap((stream) => this.#excess(stream)),
      )
    );
  }

  /** Every record of the stream was rejected, and there was one. */
  #hasNothingElse(streamKey: string): boolean {
    const { settled, rejected } = this.#options.summary.of(streamKey);
    return settled > 0 && total(rejected) === settled;
  }

  /** No other stream has settled a record. */
  #isAll(condemned: readonly JudgedStream[]): boolean {
    const { summary } = this.#options;
    return summary.streamKeys.every(
      (key) => summary.of(key).settled === 0 || condemned.some((stream) => stream.key === key),
    );
  }

  #excess(stream: JudgedStream): string[] {
    const { summary, maxRejectedPercent } = this.#options;
    const { settled, rejected } = summary.of(stream.key);
    const percent = settled === 0 ? 0 : (100 * total(rejected)) / settled;
    if (percent <= maxRejectedPercent) return [];
    return [
      `${total(rejected)} of ${settled} records of stream ${stream.name} were rejected (${percent.toFixed(1)} %), more than max_rejected_percent (${maxRejectedPercent}) allows: ${this.#causeOf(stream, 'most often the record')}`,
    ];
  }

  #causeOf(stream: JudgedStream, who: string): string {
    return this.#options.causes.describe(stream, who);
  }
}

function failure(code: string, problems: string[]): ConfigError | undefined {
  return problems.length > 0 ? new ConfigError(problems, { code }) : undefined;
}
