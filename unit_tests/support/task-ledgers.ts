/** The ledger's side of tasks, with a ledger that is a file of this test run. */
import { ChangeDetector } from '../../src/diff/change-detector.ts';
import type { HeldEntry, Ledger, LedgerChanges } from '../../src/ledger/ledger.ts';
import type { UserChange } from '../../src/model.ts';
import { Run } from '../../src/run.ts';
import type { PendingRecord } from '../../src/sync/pending-record.ts';
import { TaskLedger } from '../../src/sync/task-ledger.ts';
import { HandClock } from './hand-clock.ts';
import { anEntry } from './rows.ts';
import { aLedgerFile, aRoutedStream, openFile, REPLACED, startRun, type StreamCase } from './streams.ts';
import { aRecord } from './tasks.ts';

const opened: Ledger[] = [];

/** To be called after each test. */
export async function closeTaskLedgers(): Promise<void> {
  await Promise.all(opened.splice(0).map((ledger) => ledger.close()));
}

export interface TaskLedgerCase extends StreamCase {
  /** What the ledger has of the stream `users` when the run starts. */
  readonly entries?: readonly Parameters<typeof anEntry>[0][];
}

/** Of a run that replaces the stream `users`, with the primary key `id`: a snapshot is open. */
export async function aTaskLedger({ entries = [], ...given }: TaskLedgerCase = {}) {
  const routed = aRoutedStream({ ...REPLACED, ...given });
  const ledger = await openFile(aLedgerFile(), [routed]);
  opened.push(ledger);
  const [stream] = await startRun(ledger, [routed]);
  if (!stream) throw new Error('There is a stream');
  const { id } = stream.rowStream;
  await ledger.commit({ entries: entries.map((entry) => anEntry({ ...entry, stream: id })) });
  const commits = noteCommits(ledger);
  const clock = new HandClock();
  const run = new Run(clock);
  const streams = new Map([[routed.key, stream]]);
  const detector = new ChangeDetector({
    ledger,
    streams,
    projectType: 'hybrid',
    clock,
    run,
    changedFieldsOnly: true,
    mergeNestedObjects: true,
  });

  /** A record of the row with this primary key; its row is not read yet. */
  const recordOf = (primaryKey: string | undefined, change: UserChange): PendingRecord => {
    const upsert = change.kind === 'upsert' ? change : undefined;
    const row = detector.rowOf({ streamKey: 'users', primaryKey, key: upsert?.key, upsert });
    return aRecord(change, { primaryKey, row });
  };
  /** The entry of the row with this key, as the ledger has it once all is committed. */
  const entryOf = async (key: string): Promise<HeldEntry | undefined> => {
    await detector.flush();
    return (await ledger.find(id, [key])).get(key);
  };
  return { tasks: new TaskLedger(detector), detector, stream, commits, run, recordOf, entryOf };
}

function noteCommits(ledger: Ledger): LedgerChanges[] {
  const commits: LedgerChanges[] = [];
  const commit = ledger.commit.bind(ledger);
  ledger.commit = (changes) => {
    commits.push(changes);
    return commit(changes);
  };
  return commits;
}
