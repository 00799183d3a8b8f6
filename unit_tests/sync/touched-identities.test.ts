import { describe, expect, it } from '@jest/globals';
import { identityText, type UserChange } from '../../src/model.ts';
import { addAll, touchedBy, touchedKeys, type QueuedRecord } from '../../src/sync/touched-identities.ts';
import { anUpsert, keyOf } from '../support/rows.ts';

const A = 'a@x.com';
const B = 'b@x.com';
const OLD = 'old@x.com';

describe('the identities that a change touches', () => {
  it.each<[string, UserChange, string[]]>([
    ['the address', anUpsert(A, { plan: 'gold' }), [A]],
    ['the address and the id that the user gets', anUpsert(A, { userId: 'u1' }), [A, 'u1']],
    ['the id and the address that the user gets', anUpsert('u1', { email: B }), ['u1', B]],
    ['the new address, where the change is identified by another', anUpsert(A, { email: B }), [A, B]],
    ['the previous address, too', anUpsert(A, { userId: 'u1' }, { previousEmail: OLD }), [A, 'u1', OLD]],
    ['no id that is cleared', anUpsert(A, { userId: null }), [A]],
    ['no address that is cleared', anUpsert('u1', { email: null }), ['u1']],
    ['what a removal names', { kind: 'removal', identifiedBy: 'email', email: A, userId: 'u1' }, [A, 'u1']],
    ['none where a removal names its row alone', { kind: 'removal', identifiedBy: 'email' }, []],
  ])('%s', (_name, change, expected) => {
    expect(touchedKeys(change)).toEqual(expected.map(keyOf));
    expect(touchedBy({ streamKey: 's', change })).toEqual(expected.map(keyOf).map(identityText));
  });

  it('an id is never taken for an address', () => {
    const [address] = touchedBy({ streamKey: 's', change: anUpsert(A) });
    const byId: UserChange = { ...anUpsert('x'), key: { kind: 'userId', value: A } };
    expect(touchedBy({ streamKey: 's', change: byId })).not.toContain(address);
  });
});

describe('a record touches', () => {
  it.each<[string, Partial<QueuedRecord>, string[]]>([
    ['its row', { rowToken: '\t1:[1]' }, [A, '\t1:[1]']],
    [
      'the previous user of its row',
      { rowToken: '\t1:[1]', previousIdentities: [B, ' u1'] },
      [A, '\t1:[1]', B, ' u1'],
    ],
    [
      'each once',
      { change: anUpsert(A, { email: A }), rowToken: '\t1:[1]', previousIdentities: [A, B, B] },
      [A, '\t1:[1]', B],
    ],
    ['nothing more where it has no row', { previousIdentities: [B] }, [A]],
  ])('%s', (_name, record, expected) => {
    expect(touchedBy({ streamKey: 's', change: anUpsert(A), ...record })).toEqual(expected);
  });

  it('its row and that row’s user, where it names none', () => {
    const change: UserChange = { kind: 'removal', identifiedBy: 'email' };
    expect(touchedBy({ streamKey: 's', change, rowToken: '\t1:[1]', previousIdentities: [A] })).toEqual([
      '\t1:[1]',
      A,
    ]);
  });
});

it('identities that are there already are not added again', () => {
  const identities = [A];
  addAll(identities, [B, A, B]);
  expect(identities).toEqual([A, B]);
});
