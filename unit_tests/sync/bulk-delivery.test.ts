import { describe, expect, it } from '@jest/globals';
import { readText } from '../../src/batching/text-pages.ts';
import type { UserRequest } from '../../src/batching/user-request.ts';
import type { UserUpserter } from '../../src/delivery/upsert-users.ts';
import { NewFieldTypes, type NewField } from '../../src/mapping/new-field-types.ts';
import type { JsonValue } from '../../src/json.ts';
import type { Rejection } from '../../src/model.ts';
import { BulkDelivery } from '../../src/sync/bulk-delivery.ts';
import type { Conflicts, ConflictVerdict } from '../../src/sync/conflicts.ts';
import type { PendingWork } from '../../src/sync/pending-record.ts';
import type { PlannedUpserts } from '../../src/sync/planned-upserts.ts';
import { SyncSummary } from '../../src/sync/stream-summary.ts';
import { SyncLog } from '../../src/sync/sync-log.ts';
import type { WorkEnds } from '../../src/sync/work-ends.ts';
import type { WorkMemory } from '../../src/sync/work-memory.ts';
import { HandClock, settle } from '../support/hand-clock.ts';
import { anUpsert } from '../support/rows.ts';
import { aRequest, workOf } from '../support/works.ts';

const CONFLICT: Rejection = { code: 'conflict', reason: 'taken' };
const REFUSED: Rejection = { code: 'invalid_data', reason: 'wrong' };

interface Case {
  /** What Iterable refuses, by the text of the user's key. */
  readonly refused?: Readonly<Record<string, Rejection>>;
  /** What a conflict is found to be; an error where that can't be found out. */
  readonly verdict?: ConflictVerdict | Error;
  /** The ledger can't be written. */
  readonly ledgerFails?: boolean;
  readonly callFails?: boolean;
  /** Works that go out once more for a reason of their plan. */
  readonly takenBack?: readonly PendingWork[];
}

/** A delivery whose calls take a second. What becomes of the works is noted, in order. */
function aDelivery({ refused = {}, verdict, ledgerFails, callFails, takenBack = [] }: Case = {}) {
  const clock = new HandClock();
  const events: string[] = [];
  const lines: string[] = [];
  const failures: string[] = [];
  const names = (work: PendingWork) => (work.change.kind === 'upsert' ? work.change.key.value : '');
  const upserter: Pick<UserUpserter, 'deliver'> = {
    deliver: async (users: readonly UserRequest[]) => {
      events.push(`send ${users.map(readText).join('')}`);
      await clock.sleep(1_000);
      if (callFails) throw new Error('away');
      const rejections = new Map<UserRequest, Rejection>();
      for (const user of users) {
        const rejection = refused[user.key.value];
        if (rejection) rejections.set(user, rejection);
      }
      return rejections;
    },
  };
  const conflicts: Pick<Conflicts, 'concern' | 'judge'> = {
    concern: (_work, _request, { code }) => code === 'conflict' && verdict !== undefined,
    judge: () => (verdict instanceof Error ? Promise.reject(verdict) : Promise.resolve(verdict ?? 'refused')),
  };
  const delivery: BulkDelivery = new BulkDelivery({
    upserter: upserter as UserUpserter,
    conflicts: conflicts as Conflicts,
    planned: { onBulkAnswer: (work: PendingWork) => takenBack.includes(work) } as unknown as PlannedUpserts,
    memory: {
      holdInDoubt: (works: readonly PendingWork[]) => {
        events.push(`hold ${works.map(names).join()}`);
        return ledgerFails ? Promise.reject(new Error('the disk is full')) : Promise.resolve();
      },
    } as unknown as WorkMemory,
    ends: {
      written: (work: PendingWork, { value }: { value: string }) =>
        events.push(`written ${names(work)} as ${value}`),
      settle: (work: PendingWork, rejection: Rejection) => events.push(`${rejection.code} ${names(work)}`),
    } as unknown as WorkEnds,
    clock,
    log: new SyncLog((_level, line) => lines.push(line), clock),
    summary: new SyncSummary(['users']),
    requestFor: (_work, key, values) => aRequest(key.value, values),
    onAgain: (work, request) => events.push(`again ${names(work)}: ${readText(request)}`),
    onFailure: ({ message }) => failures.push(message),
    onProgress: () => events.push(`progress, ${delivery.judging} left`),
  });
  const deliver = async (...works: PendingWork[]) => {
    const batch = works.map((work) => [work, requestOf(work)] as const);
    const delivered = delivery.deliver(new Map(batch));
    await clock.advance(1_000);
    await delivered;
    await settle();
  };
  return { delivery, deliver, events, lines, failures };
}

const requestOf = ({ change }: PendingWork) =>
  change.kind === 'upsert' ? aRequest(change.key.value, change.values) : aRequest('');
const A = workOf(anUpsert('a@x', { n: 1 }));
const B = workOf(anUpsert('b@x', { userId: 'u1' }));
const text = (email: string, dataFields: object) =>
  JSON.stringify({ email, mergeNestedObjects: true, dataFields });
const OF_A = text('a@x', { n: 1 });
const OF_B = text('b@x', { userId: 'u1' });
const SENT = ['hold a@x,b@x', `send ${OF_A}${OF_B}`];

describe('a bulk call', () => {
  it('is made once the ledger holds its rows in doubt; its users are written', async () => {
    const { deliver, events } = aDelivery();
    await deliver(A, B);
    expect(events).toEqual([...SENT, 'written a@x as a@x', 'written b@x as b@x']);
  });

  it('leads to a user by the address that it gave it', async () => {
    const { deliver, events } = aDelivery();
    await deliver(workOf(anUpsert('a@x', { email: 'new@x' })));
    expect(events.at(-1)).toBe('written a@x as new@x');
  });

  it('ends the works of the users that it refuses, and no others', async () => {
    const { deliver, events } = aDelivery({ refused: { 'a@x': REFUSED } });
    await deliver(A, B);
    expect(events).toEqual([...SENT, 'invalid_data a@x', 'written b@x as b@x']);
  });

  it('ends nothing that its plan takes back', async () => {
    const { deliver, events } = aDelivery({ refused: { 'a@x': CONFLICT }, takenBack: [A] });
    await deliver(A, B);
    expect(events).toEqual([...SENT, 'written b@x as b@x']);
  });

  it('is not made where the ledger can’t be written', async () => {
    const { deliver, events, failures } = aDelivery({ ledgerFails: true });
    await deliver(A);
    expect([events, failures]).toEqual([['hold a@x'], ['the disk is full']]);
  });

  it('ends nothing where it fails for good', async () => {
    const { deliver, events, failures, lines } = aDelivery({ callFails: true });
    await deliver(A, B);
    expect([events, failures, lines]).toEqual([SENT, ['away'], []]);
  });

  /** Works of users with values of one new field, whose first value was a whole number. */
  const worksOf = (...values: (string | number)[]) => {
    const field = new NewFieldTypes().at('n') as NewField;
    field.take(1);
    return values.map((value, at) => workOf(anUpsert(`${at}@x`, { n: field.take(value) as JsonValue })));
  };

  it('does not send a number that those of others do not allow', async () => {
    const { deliver, events } = aDelivery();
    await deliver(...worksOf('1.5', 5));
    expect(events).toEqual([
      'hold 0@x,1@x',
      `send ${text('1@x', { n: 5 })}`,
      'wrong_type 0@x',
      'written 1@x as 1@x',
    ]);
  });

  it('sends what its numbers have become, and ends the works of users that it refuses so', async () => {
    const { deliver, events } = aDelivery({ refused: { '0@x': REFUSED } });
    await deliver(...worksOf(5, 1.5));
    const sent = `${text('0@x', { n: 5 }).replace('5', '5.0')}${text('1@x', { n: 1.5 })}`;
    expect(events).toEqual(['hold 0@x,1@x', `send ${sent}`, 'invalid_data 0@x', 'written 1@x as 1@x']);
  });

  it('has a line in the log', async () => {
    const two = workOf(anUpsert('c@x'), anUpsert('c@x'));
    const { deliver, lines } = aDelivery({ refused: { 'a@x': REFUSED, 'c@x': REFUSED } });
    await deliver(A, B, two);
    expect(lines[0]).toMatch(
      /^Batch of 4 records: 1 of 3 users delivered, 1 rejected, 1 tried again record by record, in 1\.00 s\./,
    );
  });
});

describe('a conflict that is looked into', () => {
  const refused = { 'b@x': CONFLICT };
  it.each<[string, ConflictVerdict, string]>([
    ['is sent again as it is', 'again', `again b@x: ${OF_B}`],
    ['is sent without the user id', 'without user id', `again b@x: ${text('b@x', {})}`],
    ['is final', 'refused', 'conflict b@x'],
  ])('%s', async (_name, verdict, event) => {
    const { delivery, deliver, events } = aDelivery({ refused, verdict });
    await deliver(A, B);
    expect(events).toEqual([...SENT, 'written a@x as a@x', event, 'progress, 0 left']);
    expect(delivery.judging).toBe(0);
  });

  it('ends nothing where it can’t be looked into', async () => {
    const { deliver, events, failures } = aDelivery({ refused, verdict: new Error('still shown') });
    await deliver(B);
    expect([events.slice(2), failures]).toEqual([['progress, 0 left'], ['still shown']]);
  });

  it('is the log’s to tell once it is written without the user id', async () => {
    const refusedOnce: Record<string, Rejection> = { ...refused };
    const { deliver, lines } = aDelivery({ refused: refusedOnce, verdict: 'without user id' });
    const isTold = () =>
      lines.some((line) => line.includes('delivered to its new address without its user id'));
    await deliver(B);
    expect(isTold()).toBe(false);
    delete refusedOnce['b@x'];
    await deliver(A);
    expect(isTold()).toBe(false);
    await deliver(B);
    expect(isTold()).toBe(true);
  });
});
