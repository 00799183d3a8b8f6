/** Formats the result of a sync as a table for users. The log has the same numbers, one line per stream. */
import Table from 'cli-table3';
import { total, type StreamCounts } from '../sync/stream-summary.ts';
import { minutesAndSeconds } from './progress-text.ts';
import { grouped, printable, type Colors } from './terminal.ts';

export interface SyncResult {
  readonly streams: readonly { readonly name: string; readonly counts: StreamCounts }[];
  readonly calls: number;
  readonly retries: number;
  readonly elapsedMs: number;
  /** Where rejected records are kept, as shown to users; undefined if they are only counted. */
  readonly rejectedAt: string | undefined;
}

/** A column without `always` is shown only if it is not 0 for every stream. */
const COLUMNS: readonly {
  readonly head: string;
  readonly always?: true;
  readonly of: (counts: StreamCounts) => number;
}[] = [
  { head: 'read', always: true, of: ({ received }) => received },
  { head: 'delivered', always: true, of: ({ delivered }) => delivered },
  { head: 'unchanged', of: ({ unchanged }) => unchanged },
  { head: 'removed', of: ({ removed }) => removed },
  { head: 'not in Iterable', of: ({ notThere }) => notThere },
  { head: 'superseded', of: ({ superseded }) => superseded },
  { head: 'skipped', of: ({ skipped }) => total(skipped) },
  { head: 'rejected', always: true, of: ({ rejected }) => total(rejected) },
  { head: 'without an answer', of: ({ received, settled }) => received - settled },
  { head: 'removed: missing', of: ({ removedMissing }) => removedMissing },
  { head: 'list changes', of: ({ listChanges }) => listChanges },
];

/** Ends in a line break. */
export function summaryText(
  { streams, calls, retries, elapsedMs, rejectedAt }: SyncResult,
  colors: Colors,
): string {
  const columns = COLUMNS.filter(({ always, of }) => always ?? streams.some(({ counts }) => of(counts) > 0));
  const table = new Table({
    head: ['stream', ...columns.map(({ head }) => head)].map((head) => colors.bold(head)),
    colAligns: ['left', ...columns.map(() => 'right' as const)],
    // The colors are our own, since those of the library ignore NO_COLOR.
    style: { head: [], border: [] },
  });
  for (const { name, counts } of streams)
    table.push([printable(name), ...columns.map(({ of }) => grouped(of(counts)))]);
  const lines = [
    table.toString(),
    `${grouped(calls)} ${calls === 1 ? 'call' : 'calls'} to Iterable, ${grouped(retries)} of them retries, in ${minutesAndSeconds(elapsedMs)}.`,
    ...rejections(streams, rejectedAt).map((line) => colors.yellow(line)),
  ];
  return `${lines.join('\n')}\n`;
}

function rejections(streams: SyncResult['streams'], rejectedAt: string | undefined): string[] {
  const codes = new Map<string, number>();
  for (const { counts } of streams)
    for (const [code, count] of counts.rejected) codes.set(code, (codes.get(code) ?? 0) + count);
  if (codes.size === 0) return [];
  const counted = [...codes]
    .sort(([, a], [, b]) => b - a)
    .map(([code, count]) => `${code} ${grouped(count)}`);
  return [
    `Rejected: ${counted.join(', ')}. What each means, and what to do: docs/rejections.md.`,
    rejectedAt === undefined
      ? 'They are not kept: set rejected_records, and the next run stores them with their reasons.'
      : `They are kept, with their reasons, ${printable(rejectedAt)}.`,
  ];
}
