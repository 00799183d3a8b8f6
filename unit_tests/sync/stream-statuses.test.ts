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

describe('what the source says of the end of a stream', () => {
  it.each<[string, [StreamId, StreamStatusMessage['status']][], boolean, StreamId[]]>([
    ['nothing proves nothing', [], false, []],
    ['that it runs proves nothing', [[USERS, 'STARTED'], [USERS, 'RUNNING']], false, []], // prettier-ignore
    ['COMPLETE proves that all was sent', [[USERS, 'STARTED'], [USERS, 'COMPLETE']], true, []], // prettier-ignore
    ['INCOMPLETE is a failure', [[USERS, 'RUNNING'], [USERS, 'INCOMPLETE']], false, [USERS]], // prettier-ignore
    ['the last word counts where it is good', [[USERS, 'INCOMPLETE'], [USERS, 'COMPLETE']], true, []], // prettier-ignore
    ['the last word counts where it is bad', [[USERS, 'COMPLETE'], [USERS, 'INCOMPLETE']], false, [USERS]], // prettier-ignore
    ['a stream that begins anew is not complete', [[USERS, 'COMPLETE'], [USERS, 'STARTED']], false, []], // prettier-ignore
    ['another namespace is another stream', [[CRM, 'COMPLETE']], false, []],
    ['each stream fails by itself', [[CRM, 'INCOMPLETE'], [USERS, 'COMPLETE']], true, [CRM]], // prettier-ignore
    ['all that fail are named', [[CRM, 'INCOMPLETE'], [USERS, 'INCOMPLETE']], false, [CRM, USERS]], // prettier-ignore
  ])('%s', (_name, statuses, isComplete, incomplete) => {
    const all = after(...statuses);
    expect([all.isComplete(USERS), all.incomplete]).toEqual([isComplete, incomplete]);
  });
});
