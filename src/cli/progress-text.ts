/** The lines of the progress display, from plain numbers. */
import { grouped, type Colors } from './terminal.ts';

/** Of all streams together. */
export interface Counters {
  /** Records. */
  readonly read: number;
  readonly delivered: number;
  readonly removed: number;
  readonly skipped: number;
  readonly rejected: number;
  /** Read, and without an outcome yet. */
  readonly waiting: number;
  /** Requests to Iterable. */
  readonly calls: number;
  readonly retries: number;
}

export interface Speeds {
  readonly elapsedMs: number;
  readonly deliveredPerSecond: number;
  readonly callsPerSecond: number;
}

/** No line is wider than the screen: one that wraps could not be drawn over. */
export function progressLines(
  { read, delivered, removed, skipped, rejected, waiting, calls, retries }: Counters,
  { elapsedMs, deliveredPerSecond, callsPerSecond }: Speeds,
  { colors, columns }: { readonly colors: Colors; readonly columns: number },
): string[] {
  const isStuck = waiting > 0 && deliveredPerSecond === 0;
  const rows: readonly Row[] = [
    { name: 'read', count: read, what: 'records' },
    {
      name: 'delivered',
      count: delivered,
      what: `${grouped(deliveredPerSecond)} users/s`,
      color: colors.green,
    },
    ...(removed > 0 ? [{ name: 'removed', count: removed }] : []),
    ...(skipped > 0 ? [{ name: 'skipped', count: skipped, what: 'by the rules' }] : []),
    { name: 'waiting', count: waiting, what: 'for Iterable', ...(isStuck ? { color: colors.yellow } : {}) },
    { name: 'rejected', count: rejected, ...(rejected > 0 ? { color: colors.red } : {}) },
    {
      name: 'calls',
      count: calls,
      what: `${callsPerSecond.toFixed(1)} calls/s${retries > 0 ? `, ${grouped(retries)} ${retries === 1 ? 'retry' : 'retries'}` : ''}`,
    },
  ];
  const fit = (line: string) => line.slice(0, Math.max(columns - 1, 1));
  return [
    colors.bold(fit(`Syncing to Iterable, ${minutesAndSeconds(elapsedMs)}`)),
    ...rows.map(({ name, count, what = '', color = plain }) =>
      color(fit(`  ${name.padEnd(10)}${grouped(count).padStart(12)}  ${what}`.trimEnd())),
    ),
  ];
}

interface Row {
  readonly name: string;
  readonly count: number;
  readonly what?: string;
  readonly color?: (text: string) => string;
}

/** 83,000 ms as `1:23`. */
export function minutesAndSeconds(ms: number): string {
  const seconds = Math.floor(ms / 1000);
  return `${Math.floor(seconds / 60)}:${String(seconds % 60).padStart(2, '0')}`;
}

function plain(text: string): string {
  return text;
}
