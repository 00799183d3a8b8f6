/** The assembly of `write`: a real Iterable, a ledger that is written, a place for rejected records. */
import { openLedger } from '../ledger/open.ts';
import { openRejectedRecords } from '../rejected-records/open.ts';
import { SyncLog } from '../sync/sync-log.ts';
import { connect } from './connect.ts';
import type { AppContext, InputPaths } from './context.ts';
import { withSyncContext } from './prepare.ts';
import { sync } from './sync.ts';

/** Reads messages from stdin, delivers their records to Iterable, and gives each state back once it is true. */
export async function write(context: AppContext, paths: InputPaths): Promise<void> {
  const { writer, clock } = context;
  const log = new SyncLog((level, message) => void writer.log(level, message), clock);
  await withSyncContext(
    context,
    paths,
    {
      log,
      connect,
      openRejectedRecords,
      openLedger: (option, opening) => openLedger(option, { ...opening, access: 'write' }),
    },
    (prepared) => sync(context, prepared),
  );
}
