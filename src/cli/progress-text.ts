/** Formats the lines of the progress display. */
import { grouped, type Colors } from './terminal.ts';

/** Totals of all streams. */
export interface Counters {
  /** Records. */
  readonly read: number;
  readonly delivered: number;
  readonly removed: number;
  readonly skipped: number;
  readonly rejected: number;
  /** Records that were read and have no outcome yet. */
  readonly waiting: number;
  /** Requests to Iterable. */
  readonly calls: number;
  readonly retries: number;
}

/** Formats the display for one moment of a run. */
export type ProgressText = (counters: Counters, speeds: Speeds, screen: Screen) => string[];

export interface Screen {
  readonly colors: Colors;
  readonly columns: number;
}

export interface Speeds {
  readonly elapsedMs: number;
  readonly deliveredPerSecond: number;
  readonly callsPerSecond: number;
}

/** The display of a run that writes. */
export const syncProgress: ProgressText = (
  { read, delivered, removed, skipped, rejected, waiting, calls, retries },
  { elapsedMs, deliveredPerSecond, callsPerSecond },
  screen,
) => {
  const { colors } = screen;
  const isStuck = waiting > 0 && deliveredPerSecond === 0;
  return drawn(
    `Syncing to Iterable, ${minutesAndSeconds(elapsedMs)}`,
    [
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
      rejectedRow(rejected, screen),
      {
        name: 'calls',
        count: calls,
        what: `${callsPerSecond.toFixed(1)} calls/s${retries > 0 ? `, ${grouped(retries)} ${retries === 1 ? 'retry' : 'retries'}` : ''}`,
      },
    ],
    screen,
  );
};

/** The display of a plan, which delivers nothing and is printed at its end. */
export const planProgress: ProgressText = ({ read, rejected }, { elapsedMs }, screen) =>
  drawn(
    `Planning, nothing is written, ${minutesAndSeconds(elapsedMs)}`,
    [{ name: 'read', count: read, what: 'records' }, rejectedRow(rejected, screen)],
    screen,
  );

function rejectedRow(rejected: number, { colors }: Screen): Row {
  return { name: 'rejected', count: rejected, ...(rejected > 0 ? { color: colors.red } : {}) };
}

/** Cuts lines to the width of the screen: one that wraps could not be overwritten. */
function drawn(title: string, rows: readonly Row[], { colors, columns }: Screen): string[] {
  const fit = (line: string) => line.slice(0, Math.max(columns - 1, 1));
  return [
    colors.bold(fit(title)),
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
