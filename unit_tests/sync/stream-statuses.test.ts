import { describe, expect, it } from '@jest/globals';
import type { StreamId } from '../../src/model.ts';
import type { StreamStatusMessage } from '../../src/protocol/messages.ts';
import { StreamStatuses } from '../../src/sync/stream-statuses.ts';

const USERS: StreamId = { name: 'users' };
const CRM: StreamId = { name: 'users', namespace: 'crm' };

/** After these statuses, in order. */
function after(...statuses: [StreamId, StreamStatusMessage['status']][]): StreamStatuses {
  const all = new StreamStatuses();
  for (const [line, [stream, status]] of statuses.entries())
    all.note({ kind: 'streamStatus', line, stream: { ...stream }, status });
  return all;
}

describe('the statuses of a stream', () => {
  it.each<[string, [StreamId, StreamStatusMessage['status']][], boolean, StreamId[]]>([
    ['prove nothing where there are none', [], false, []],
    ['prove nothing while it runs', [[USERS, 'STARTED'], [USERS, 'RUNNING']], false, []], // prettier-ignore
    ['prove with COMPLETE that all was sent', [[USERS, 'STARTED'], [USERS, 'COMPLETE']], true, []], // prettier-ignore
    ['say with INCOMPLETE that it failed', [[USERS, 'RUNNING'], [USERS, 'INCOMPLETE']], false, [USERS]], // prettier-ignore
    ['count by the last one, where that is good', [[USERS, 'INCOMPLETE'], [USERS, 'COMPLETE']], true, []], // prettier-ignore
    ['count by the last one, where that is bad', [[USERS, 'COMPLETE'], [USERS, 'INCOMPLETE']], false, [USERS]], // prettier-ignore
    ['prove nothing once it starts again', [[USERS, 'COMPLETE'], [USERS, 'STARTED']], false, []], // prettier-ignore
    ['are not those of another namespace', [[CRM, 'COMPLETE']], false, []],
    ['say for each stream by itself that it failed', [[CRM, 'INCOMPLETE'], [USERS, 'COMPLETE']], true, [CRM]], // prettier-ignore
    ['name all streams that failed', [[CRM, 'INCOMPLETE'], [USERS, 'INCOMPLETE']], false, [CRM, USERS]], // prettier-ignore
  ])('%s', (_name, statuses, isComplete, incomplete) => {
    const all = after(...statuses);
    expect([all.isComplete(USERS), all.incomplete]).toEqual([isComplete, incomplete]);
  });
});
