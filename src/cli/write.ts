/** `write`: reads messages from stdin, delivers their records to Iterable, and gives each state back once it is true. */
import { openLedger } from '../ledger/open.ts';
import { openRejectedRecords } from '../rejected-records/open.ts';
import { SyncLog } from '../sync/sync-log.ts';
import { connect } from './connect.ts';
import type { CommandContext, CommandPaths } from './context.ts';
import { withPrepared } from './prepare.ts';
import { sync } from './sync.ts';

export async function runWrite(context: CommandContext, paths: CommandPaths): Promise<number> {
  const { writer, clock } = context;
  const log = new SyncLog((level, message) => void writer.log(level, message), clock);
  await withPrepared(
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
  return 0;
}
