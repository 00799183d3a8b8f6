/** Fails a sync of which too much was rejected, since the mapping is probably wrong. */
import { ConfigError } from '../errors.ts';
import type { EvaluatedStream, RejectionCauses } from './rejection-causes.ts';
import { total, type SyncSummary } from './stream-summary.ts';

/** A stream is evaluated each time this many of its records are settled. */
const EVALUATE_EVERY = 10_000;
/** All of fewer records may be bad by chance, if other streams deliver some. */
const MIN_RECORDS_TO_FAIL = 10;

export interface RejectionGuardOptions {
  readonly summary: SyncSummary;
  readonly streams: readonly EvaluatedStream[];
  readonly causes: RejectionCauses;
  /** Above this share of a stream's records the sync fails; 100 never. */
  readonly maxRejectedPercent: number;
}

export class RejectionGuard {
  readonly #options: RejectionGuardOptions;
  readonly #streams: ReadonlyMap<string, EvaluatedStream>;

  constructor(options: RejectionGuardOptions) {
    this.#options = options;
    this.#streams = new Map(options.streams.map((stream) => [stream.key, stream]));
  }

  /** After each settled record: the failure, if too much of the stream is rejected by now. */
  afterRecord(streamKey: string): ConfigError | undefined {
    if (this.#options.summary.of(streamKey).settled % EVALUATE_EVERY !== 0) return undefined;
    const stream = this.#streams.get(streamKey);
    return stream && failure('too_many_rejected', this.#excess(stream));
  }

  /** Once everything is settled: the failure, if there is one. */
  atEnd(): ConfigError | undefined {
    const streams = [...this.#streams.values()];
    const failed = streams.filter(({ key }) => this.#isAllRejected(key));
    const least = this.#isAll(failed) ? 1 : MIN_RECORDS_TO_FAIL;
    return (
      failure(
        'all_rejected',
        failed
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
  #isAllRejected(streamKey: string): boolean {
    const { settled, rejected } = this.#options.summary.of(streamKey);
    return settled > 0 && total(rejected) === settled;
  }

  /** No other stream has settled a record. */
  #isAll(failed: readonly EvaluatedStream[]): boolean {
    const { summary } = this.#options;
    return summary.streamKeys.every(
      (key) => summary.of(key).settled === 0 || failed.some((stream) => stream.key === key),
    );
  }

  #excess(stream: EvaluatedStream): string[] {
    const { summary, maxRejectedPercent } = this.#options;
    const { settled, rejected } = summary.of(stream.key);
    const percent = settled === 0 ? 0 : (100 * total(rejected)) / settled;
    if (percent <= maxRejectedPercent) return [];
    return [
      `${total(rejected)} of ${settled} records of stream ${stream.name} were rejected (${percent.toFixed(1)} %), more than max_rejected_percent (${maxRejectedPercent}) allows: ${this.#causeOf(stream, 'most often the record')}`,
    ];
  }

  #causeOf(stream: EvaluatedStream, who: string): string {
    return this.#options.causes.describe(stream, who);
  }
}

function failure(code: string, problems: string[]): ConfigError | undefined {
  return problems.length > 0 ? new ConfigError(problems, { code }) : undefined;
}
