import { describe, expect, it } from '@jest/globals';
import type { JsonValue } from '../../src/json.ts';
import { NewFieldTypes, type NewField } from '../../src/mapping/new-field-types.ts';
import type { Rejection, Upsert } from '../../src/model.ts';
import { aDispatcher } from '../support/dispatcher.ts';
import { settle } from '../support/hand-clock.ts';
import { anUpsert } from '../support/rows.ts';
import { aRecord, aRemoval, aRequest } from '../support/tasks.ts';

const A = 'a@x';
const B = 'b@x';
const CONFLICT: Rejection = { code: 'conflict', reason: 'taken' };
const REFUSED: Rejection = { code: 'invalid_data', reason: 'wrong' };
const DELETE_A = aRemoval({ email: A });

describe('an upsert', () => {
  it('goes in bulk ten seconds after its record came, if no batch is full before', async () => {
    const { clock, calls, add } = aDispatcher();
    await add(anUpsert(A), { since: clock.now() - 2_000 });
    await clock.advance(7_999);
    expect(calls.made).toEqual([]);
    await clock.advance(1);
    expect(calls.made).toEqual(['bulk a@x']);
  });

  it('of one record goes by the request of the record, and merged ones by one of their own', async () => {
    const { calls, add, flush } = aDispatcher();
    await add(anUpsert(A, { n: 1 }), { request: aRequest(A, { as: 'mapped' }) });
    await add(anUpsert(B, { n: 1 }), { request: aRequest(B, { n: 1 }) });
    await add(anUpsert(B, { m: 2 }), { request: aRequest(B, { m: 2 }) });
    await flush();
    expect(calls.texts.map((text) => text.replace(/.*dataFields":/, ''))).toEqual([
      '{"as":"mapped"}}',
      '{"n":1,"m":2}}',
    ]);
  });

  it('that is rejected with others merged into it is tried record by record, in order', async () => {
    const { calls, outcomes, add, flush } = aDispatcher();
    await add(anUpsert(A, { n: 1 }));
    await add(anUpsert(A, { n: 2 }));
    await flush();
    await calls.answer('bulk a@x', { [A]: REFUSED });
    expect(outcomes).toEqual([]);
    await flush();
    await calls.answer('bulk a@x', { [A]: REFUSED });
    await flush();
    await calls.answer('bulk a@x');
    expect(outcomes).toEqual(['1 a@x rejected', '2 a@x delivered']);
  });

  it('has no record merged into it once its batch is complete', async () => {
    const { calls, outcomes, add, flush } = aDispatcher({ batchSize: 1 });
    await add(anUpsert(A, { n: 1 }));
    await add(anUpsert(A, { n: 2 }));
    expect(calls.made).toEqual(['bulk a@x']);
    await calls.answer('bulk a@x');
    await flush();
    await calls.answer('bulk a@x');
    expect(outcomes).toEqual(['1 a@x delivered', '2 a@x delivered']);
  });

  it('fixes the types of its new fields as soon as its batch is complete', async () => {
    const newFields = new NewFieldTypes();
    const field = newFields.at('n') as NewField;
    const { calls, add } = aDispatcher({ batchSize: 1, newFields });
    for (let n = 0; n < 10; n++) await add(anUpsert(`${n}@x`));
    await add(anUpsert(A, { n: field.take(5) as JsonValue }));
    expect([calls.made.length, field.isOpen]).toEqual([10, false]);
  });
});

describe('an upsert that has to be routed', () => {
  const MOVE = anUpsert(A, {}, { previousEmail: 'old@x' });
  it.each<[string, string, Upsert, string[]]>([
    ['goes on in bulk', 'bulk', anUpsert(A), ['find a@x', 'bulk a@x']],
    ['goes on by a call of its own', 'single', anUpsert(A), ['find a@x', 'write a@x']],
    ['goes on by a change of its address', 'move', MOVE, ['find a@x', 'move old@x to a@x']],
    ['is skipped', 'skip', anUpsert(A), ['find a@x']],
  ])('%s', async (_name, route, change, made) => {
    const { calls, outcomes, add, flush } = aDispatcher({ isRouted: () => true });
    await add(change);
    await flush();
    await calls.answer('find a@x', [route]);
    await flush();
    expect(calls.made).toEqual(made);
    expect(outcomes).toEqual(route === 'skip' ? ['1 a@x skipped'] : []);
  });

  it('leaves the bulk lane where a record that is merged into it has made that necessary', async () => {
    const { clock, calls, outcomes, add, flush } = aDispatcher({
      isRouted: ({ records }) => records.length > 1,
    });
    await add(anUpsert(A, { n: 1 }));
    await add(anUpsert(A, { n: 2 }));
    await flush();
    await clock.advance(20_000);
    expect(calls.made).toEqual(['find a@x']);
    await calls.answer('find a@x', ['bulk']);
    await flush();
    await calls.answer('bulk a@x');
    expect(outcomes).toEqual(['1 a@x delivered', '2 a@x delivered']);
  });

  it('has no record merged into it while its route is looked up', async () => {
    const { calls, outcomes, add, flush } = aDispatcher({ isRouted: () => true });
    await add(anUpsert(A, { n: 1 }));
    await flush();
    await add(anUpsert(A, { n: 2 }));
    await calls.answer('find a@x', ['bulk']);
    await flush();
    await calls.answer('bulk a@x');
    expect(outcomes).toEqual(['1 a@x delivered']);
  });

  it('is looked up together with others, a thousand at a time', async () => {
    const { dispatcher, calls } = aDispatcher({ isRouted: () => true });
    const sizes = () => calls.made.map((name) => name.split('@').length - 1);
    for (let n = 0; n < 2_000; n++) dispatcher.queue.add(aRecord(anUpsert(`${n}@x`)));
    await settle();
    expect(sizes()).toEqual([1_000]);
    await calls.answer(calls.made[0] ?? '', Array<string>(1_000).fill('skip'));
    expect(sizes()).toEqual([1_000, 1_000]);
  });

  it('goes in bulk, as it is, where its address is taken when it is to move in bulk', async () => {
    const { calls, outcomes, add, flush } = aDispatcher();
    await add(MOVE);
    await flush();
    await calls.answer('find a@x', ['move in bulk']);
    await flush();
    await calls.answer('bulk old@x', { 'old@x': CONFLICT });
    await flush();
    await calls.answer('bulk a@x');
    expect(outcomes).toEqual(['1 a@x delivered']);
  });
});

describe('a removal', () => {
  it('takes its task out of the bulk lane', async () => {
    const { calls, outcomes, add, flush } = aDispatcher();
    await add(anUpsert(A));
    await add(DELETE_A);
    await flush();
    await calls.answer('delete a@x');
    expect([calls.made, outcomes]).toEqual([['delete a@x'], ['1 a@x superseded', '2 a@x removed']]);
  });

  it('takes its task out of the lane of those to be routed', async () => {
    const { calls, outcomes, add, flush } = aDispatcher({ isRouted: () => true });
    await add(anUpsert(A));
    await add(DELETE_A);
    await flush();
    await calls.answer('delete a@x');
    expect([calls.made, outcomes]).toEqual([['delete a@x'], ['1 a@x superseded', '2 a@x removed']]);
  });

  it('has no record merged into it once its calls begin', async () => {
    const { calls, outcomes, add } = aDispatcher();
    await add(DELETE_A);
    await add(DELETE_A);
    await calls.answer('delete a@x');
    await calls.answer('delete a@x');
    expect(outcomes).toEqual(['1 a@x removed', '2 a@x removed']);
  });

  it('goes on while others are made, 128 at a time', async () => {
    const { dispatcher, calls, add } = aDispatcher();
    for (let n = 0; n < 130; n++) await add(aRemoval({ email: `${n}@x` }));
    expect([calls.made.length, dispatcher.inFlight]).toEqual([128, 128]);
    await calls.answer('delete 5@x');
    expect(calls.made).toHaveLength(129);
  });
});
