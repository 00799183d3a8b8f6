/** Users who go on lists and leave them. */
import {
  emailOf,
  leastListCalls,
  randomOf,
  range,
  spread,
  wrongMembers,
  type Membership,
  type Row,
  type Situation,
} from './situation.ts';

/** Users whose rows name the lists that they are on; nobody is on a list before. */
function onLists(name: string, users: number, listsOf: (n: number) => readonly string[]): Situation {
  const sizes = sizesOf(users, listsOf);
  return {
    name,
    config: { lists: [{ kind: 'names', source: 'lists' }] },
    prepare: (standin) => {
      for (const list of sizes.keys()) standin.lists.create(list, undefined);
    },
    rows: () => rowsOf(users, listsOf),
    least: leastListCalls(joins(users, listsOf)),
    faults: (standin) => wrongMembers(standin, sizes),
  };
}

/** Each user has six flags, each of them on or off: it goes on some lists, and leaves the others. */
function flags(users: number): Situation {
  const names = [...range(6)].map((flag) => `Flag ${flag}`);
  const isOn = (n: number, flag: number) => ((randomOf(n)() >>> (8 + flag)) & 1) === 1;
  const listsOf = (n: number) => names.filter((_, flag) => isOn(n, flag));
  const memberships = [...range(users)].flatMap((n) =>
    names.map((list, flag): Membership => ({ list, isOn: isOn(n, flag) })),
  );
  return {
    ...onLists(`${users.toLocaleString('en-US')} with six flags on and off`, users, listsOf),
    config: { lists: names.map((list, flag) => ({ kind: 'flag', source: `flag${flag}`, list })) },
    rows: function* () {
      for (const n of range(users))
        yield {
          email: emailOf(n),
          ...Object.fromEntries(names.map((_, flag) => [`flag${flag}`, isOn(n, flag)])),
        };
    },
    least: leastListCalls(memberships),
  };
}

/** Each user is on one list of ten, and on another one in the next sync. */
function changingLists(users: number): Situation {
  const listBefore = (n: number) => randomOf(n)() % 10;
  const listAfter = (n: number) => (listBefore(n) + 1 + (n % 9)) % 10;
  const before = (n: number) => [`List ${listBefore(n)}`];
  const after = (n: number) => [`List ${listAfter(n)}`];
  return {
    ...onLists('3,000 from one of 10 lists to another, ledger', users, after),
    before: () => rowsOf(users, before),
    isSnapshot: true,
    least: leastListCalls([...joins(users, after), ...leaves(users, before)]),
  };
}

/** Users on two lists of ten are missing from the next snapshot, in which a thousand others stay. */
function leavingSnapshot(users: number): Situation {
  const staying = 1_000;
  const listsOf = (n: number) => (n < staying ? ['List 0'] : spread(2, 10)(n));
  const removed = [...range(users)].flatMap((n) => listsOf(n + staying));
  return {
    ...onLists('3,000 on 2 of 10, missing from the snapshot', staying, listsOf),
    config: {
      lists: [{ kind: 'names', source: 'lists' }],
      removal: 'remove_from_lists',
      max_removals_percent: 100,
    },
    prepare: (standin) => {
      for (const list of range(10)) standin.lists.create(`List ${list}`, undefined);
    },
    before: () => rowsOf(staying + users, listsOf),
    isSnapshot: true,
    least: leastListCalls(removed.map((list) => ({ list, isOn: false }))),
  };
}

/** Records of users that are flagged as deleted, who leave the lists that the ledger knows. */
function deletedRows(users: number): Situation {
  const listsOf = spread(2, 10);
  const all = [...range(users)];
  return {
    ...onLists('3,000 on 2 of 10, flagged as deleted', users, listsOf),
    config: { lists: [{ kind: 'names', source: 'lists' }], removal: 'remove_from_lists' },
    before: () => rowsOf(users, listsOf),
    rows: function* () {
      for (const row of rowsOf(users, listsOf)) yield { ...row, _ab_cdc_deleted_at: '2026-01-01' };
    },
    least: leastListCalls(all.flatMap(listsOf).map((list) => ({ list, isOn: false }))),
    faults: (standin) => wrongMembers(standin, new Map([...range(10)].map((list) => [`List ${list}`, 0]))),
  };
}

export const LIST_SITUATIONS: readonly Situation[] = [
  onLists('5,000 users on 2 of 10 lists', 5_000, spread(2, 10)),
  onLists('5,000 on 3 of 10', 5_000, spread(3, 10)),
  onLists('10,000 on 5 of 20', 10_000, spread(5, 20)),
  onLists('20,000 on 5 of 50', 20_000, spread(5, 50)),
  onLists('5,000 on one list each, of 5', 5_000, (n) => [`List ${n % 5}`]),
  onLists('5,000 on the same three lists', 5_000, () => ['A', 'B', 'C']),
  flags(4_000),
  changingLists(3_000),
  leavingSnapshot(3_000),
  deletedRows(3_000),
];

/** Made only when it is asked for: it takes memory and minutes. */
export const largeListSituation = () => onLists('200,000 on 3 of 300', 200_000, spread(3, 300));

function* rowsOf(users: number, listsOf: (n: number) => readonly string[]): Generator<Row> {
  for (const n of range(users)) yield { id: n, email: emailOf(n), lists: listsOf(n) };
}

function* joins(users: number, listsOf: (n: number) => readonly string[]): Generator<Membership> {
  for (const n of range(users)) for (const list of listsOf(n)) yield { list, isOn: true };
}

function* leaves(users: number, listsOf: (n: number) => readonly string[]): Generator<Membership> {
  for (const { list } of joins(users, listsOf)) yield { list, isOn: false };
}

function sizesOf(users: number, listsOf: (n: number) => readonly string[]): Map<string, number> {
  const sizes = new Map<string, number>();
  for (const { list } of joins(users, listsOf)) sizes.set(list, (sizes.get(list) ?? 0) + 1);
  return sizes;
}
