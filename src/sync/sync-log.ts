/** What a sync logs: a line after each batch, rejections without values, a summary of each stream. */
import type { Clock } from '../clock.ts';
import type { Rejection, StreamId } from '../model.ts';
import { describeStream } from '../protocol/catalog.ts';
import { describeCounts, total, type StreamCounts, type SyncSummary } from './stream-summary.ts';

export interface BatchReport {
  readonly users: number;
  records: number;
  rejected: number;
  /** Users of several merged records who were rejected: their records are tried one by one now. */
  retried: number;
  /** Users who were refused as conflicts that may be temporary. */
  doubtful: number;
  tookMs: number;
}

/** Names a record without its data. */
export interface RecordPlace {
  readonly line: number;
  readonly stream: StreamId;
}

export type LogLevel = 'INFO' | 'WARN' | 'ERROR';

/** Records of a kind that get a line of their own; the summary counts the others. */
const MAX_LINES_PER_KIND = 10;

export class SyncLog {
  readonly #write: (level: LogLevel, message: string) => void;
  readonly #clock: Clock;
  readonly #startedAt: number;
  readonly #logged = new Map<string, number>();
  /** In batches. */
  #usersDelivered = 0;

  constructor(write: (level: LogLevel, message: string) => void, clock: Clock) {
    this.#write = write;
    this.#clock = clock;
    this.#startedAt = clock.now();
  }

  info(message: string): void {
    this.#write('INFO', message);
  }

  warn(message: string): void {
    this.#write('WARN', message);
  }

  /** Counts users, not records: a record counts as delivered only once its lists are changed and the ledger has it. */
  batch(report: BatchReport, summary: SyncSummary): void {
    const delivered = report.users - report.rejected - report.retried - report.doubtful;
    this.#usersDelivered += delivered;
    const counts = summary.streamKeys.map((key) => summary.of(key));
    const rejected = sum(counts, (stream) => total(stream.rejected));
    const seconds = Math.max(this.#clock.now() - this.#startedAt, 1) / 1000;
    const parts = [`${delivered} of ${report.users} users delivered`];
    if (report.rejected > 0) parts.push(`${report.rejected} rejected`);
    if (report.doubtful > 0) parts.push(`${report.doubtful} refused as conflicts that may be temporary`);
    if (report.retried > 0) parts.push(`${report.retried} tried again record by record`);
    this.info(
      `Batch of ${report.records} records: ${parts.join(', ')}, in ${(report.tookMs / 1000).toFixed(2)} s. So far: ` +
        `${sum(counts, ({ received }) => received)} records received, ${this.#usersDelivered} users delivered, ` +
        `${rejected} records rejected, ${Math.round(this.#usersDelivered / seconds)} users delivered per second.`,
    );
  }

  /** Names the record by its line and the reason; never a value of it. */
  rejected({ line, stream }: RecordPlace, { code, field, reason }: Rejection): void {
    const name = describeStream(stream);
    const number = this.#numberOf(`${name} ${code} ${field ?? ''}`);
    if (number <= MAX_LINES_PER_KIND)
      this.warn(
        `Rejected the record in line ${line} (stream ${name}): ${code}${field === undefined ? '' : `, field ${field}`}: ${reason}.`,
      );
    else if (number === MAX_LINES_PER_KIND + 1)
      this.warn(`Further records of stream ${name} rejected as ${code} are counted, not logged.`);
  }

  /** A deletion was made, of a user that is not in Iterable. */
  notThere({ line, stream }: RecordPlace): void {
    const name = describeStream(stream);
    const number = this.#numberOf(`${name} not there`);
    if (number <= MAX_LINES_PER_KIND)
      this.info(
        `The deletion in line ${line} (stream ${name}) names a user that is not in Iterable.${number === 1 ? ` ${WHY_NOT_THERE}` : ''}`,
      );
    else if (number === MAX_LINES_PER_KIND + 1)
      this.info(
        `Further deletions of stream ${name} that name users that are not in Iterable are counted, not logged.`,
      );
  }

  /** The record's fields went to the profile of its address; its user id belongs to another profile. */
  withoutUserId({ line, stream }: RecordPlace): void {
    const name = describeStream(stream);
    const number = this.#numberOf(`${name} without user id`);
    if (number <= MAX_LINES_PER_KIND)
      this.warn(
        `The record in line ${line} (stream ${name}) was delivered to its new address without its user id: that stays, with the history, with the profile of the previous address. The two profiles can be merged in Iterable.`,
      );
    else if (number === MAX_LINES_PER_KIND + 1)
      this.warn(
        `Further records of stream ${name} delivered without their user ids are counted, not logged.`,
      );
  }

  /** 1 for the first of its kind. Counts only as far as lines are written. */
  #numberOf(kind: string): number {
    const number = (this.#logged.get(kind) ?? 0) + 1;
    if (number <= MAX_LINES_PER_KIND + 1) this.#logged.set(kind, number);
    return number;
  }

  /** One line per stream, then one for the calls. */
  summary(
    streams: readonly { readonly key: string; readonly name: string }[],
    summary: SyncSummary,
    calls: { calls: number; retries: number },
  ): void {
    for (const { key, name } of streams) this.info(`Stream ${name}: ${describeCounts(summary.of(key))}.`);
    const seconds = (this.#clock.now() - this.#startedAt) / 1000;
    this.info(
      `${calls.calls} ${calls.calls === 1 ? 'call' : 'calls'} to Iterable, ${calls.retries} of them retries, in ${seconds.toFixed(1)} s.`,
    );
  }
}

const WHY_NOT_THERE =
  'It may be gone already, or the source changed its address before it set the deletion flag; with a ledger, the primary key leads to the address that was exported.';

function sum(streams: readonly StreamCounts[], pick: (counts: StreamCounts) => number): number {
  return streams.reduce((result, counts) => result + pick(counts), 0);
}
