/** Random histories of syncs with a ledger: few users that share and change addresses, appear and disappear; without open cases. */
import type { History, HistorySync, Row, Rule, StreamSetup } from './history.ts';
import { plays } from './history-model.ts';

const STATUSES = [
  ...Array.from({ length: 10 }, () => 'COMPLETE' as const),
  'INCOMPLETE',
  undefined,
  undefined,
] as const;

const ALL_TARGETS = {
  users: { a: 'a', b: 'users_b', level: 'level' },
  crm: { a: 'a', b: 'crm_b', level: 'level' },
  rich: { a: 'rich_a', b: 'users_b', level: 'level' },
};

const ALL_RULES: readonly Rule[] = [
  { kind: 'names', source: 'segments' },
  { kind: 'flag', source: 'vip', list: 'VIP' },
  { kind: 'all', list: 'Users', stream: 'users' },
];

export function randomHistory(random: () => number, changedFieldsOnly: boolean): History {
  const pick = <Item>(items: readonly Item[]): Item => items[Math.floor(random() * items.length)] as Item;
  const [projectType, identifyBy] = pick([
    ['hybrid', 'email'],
    ['hybrid', 'email'],
    ['email', 'email'],
    ['email', 'email'],
    ['hybrid', 'user_id'],
    ['hybrid', 'user_id'],
    ['email', 'user_id'],
    ['user_id', 'user_id'],
  ] as const);
  const kinds = ['overwrite', 'refresh', 'incremental'] as const;
  const streams: StreamSetup[] = [
    { name: 'users', kind: pick(kinds), hasKey: random() < 0.75, isEnriched: false },
    { name: 'crm', kind: pick(kinds), hasKey: random() < 0.75, isEnriched: false },
    { name: 'rich', kind: 'incremental', hasKey: random() < 0.75, isEnriched: true },
  ].slice(0, pick([1, 2, 3, 3])) as StreamSetup[];
  const hasEmail = projectType !== 'user_id';
  const history: History = {
    projectType,
    identifyBy,
    hasPrevious: hasEmail && random() < 0.6,
    changedFieldsOnly,
    lookUpsUntilGone: pick([0, 1, 3]),
    streams,
    known: [1, 2].map((n) => ({
      ...(hasEmail ? { email: `p${n}@x.com` } : {}),
      ...(identifyBy === 'email' ? {} : { userId: `u${n}` }),
    })),
    syncs: [],
  };
  const last = new Map<string, Row>();
  let targets: HistorySync['targets'] = Object.fromEntries(
    Object.entries(ALL_TARGETS).filter(([name]) => streams.some((stream) => stream.name === name)),
  );
  // A user whose deletion takes long must not leave lists meanwhile.
  const removal =
    history.lookUpsUntilGone === 0 ? undefined : pick(['delete_user', 'remove_from_lists'] as const);
  let rules = ALL_RULES.filter(() => random() < 0.7);
  const generations: Record<string, number> = {};
  /** Stream → what is added to its primary keys: another number once they were rebuilt. */
  const rebuilt: Record<string, number> = {};
  const someRow = (stream: StreamSetup): Row => {
    const number = 1 + Math.floor(random() * 4);
    const id = number + (rebuilt[stream.name] ?? 0);
    const old = last.get(`${stream.name} ${id}`);
    const dice = random();
    if (old && dice > 0.12 && random() < 0.4) return old;
    // Another row's user, or the one that the row stood for before: users have several rows, and rows change their users.
    const another = random() < 0.3 ? pick([...last.values()]) : undefined;
    const email =
      another?.data.email ??
      (old?.data.email !== undefined && random() < 0.5
        ? old.data.email
        : `p${1 + Math.floor(random() * 6)}@x.com`);
    const userId =
      another?.data.userId ?? (random() < 0.7 ? `u${number}` : `u${1 + Math.floor(random() * 5)}`);
    const who = {
      ...(hasEmail && (identifyBy === 'email' || random() < 0.85) ? { email } : {}),
      ...(identifyBy === 'email' ? {} : { userId }),
    };
    const marks = {
      vip: pick([undefined, undefined, true, true, false, null]),
      segments: pick([undefined, null, [], ['Red'], ['Red', 'Blue'], ['Blue']]),
    };
    if (dice < 0.02) return { stream: stream.name, data: {} };
    if (dice < 0.12) {
      const identity = identifyBy === 'email' ? { email } : { userId };
      const isKeyless = stream.hasKey && random() < 0.25;
      const named = isKeyless ? identity : pick([{}, identity]);
      return clean(stream.name, {
        id: isKeyless ? undefined : id,
        ...(stream.hasKey ? named : identifyBy === 'email' ? who : { userId }),
        ...marks,
        deleted: true,
      });
    }
    const was =
      random() < 0.35
        ? pick([last.get(`${stream.name} ${id}`)?.data.email, `p${1 + Math.floor(random() * 6)}@x.com`])
        : undefined;
    return clean(stream.name, {
      id,
      ...who,
      was: history.hasPrevious ? was : undefined,
      a: pick([undefined, null, 'x', 'y', 'z']),
      b: pick([undefined, null, 'v', 'w']),
      level: random() < 0.1 ? 'high' : undefined,
      ...marks,
    });
  };
  const syncs: HistorySync[] = [];
  for (let count = 3 + Math.floor(random() * 4); count > 0; count--) {
    if (random() < 0.15) rules = ALL_RULES.filter(() => random() < 0.7);
    if (random() < 0.15)
      targets = Object.fromEntries(
        Object.entries(ALL_TARGETS)
          .filter(([name]) => name in targets)
          .map(([name, columns]) => [
            name,
            Object.fromEntries(
              Object.entries(columns).filter(([column]) => column === 'level' || random() < 0.7),
            ),
          ]),
      );
    for (const { name, kind } of streams)
      if (generations[name] === undefined || (kind !== 'incremental' ? random() < 0.8 : random() < 0.15))
        generations[name] = (generations[name] ?? 0) + 1;
    let sync: HistorySync = {
      mode: random() < 0.85 ? 'sync' : 'additive',
      removal: removal ?? pick(['delete_user', 'delete_user', 'remove_from_lists']),
      resends: random() < 0.08,
      maxRemovals: random() < 0.85 ? 100 : 0,
      ...(random() < 0.5 ? { cutOffAt: pick([1, 1, 2]) } : {}),
      targets,
      rules,
      generations: { ...generations },
      statuses: Object.fromEntries(streams.map(({ name }) => [name, pick(STATUSES)])),
      rows: [],
    };
    const add = (row: Row) => {
      const longer = { ...sync, rows: [...sync.rows, row] };
      if (!plays({ ...history, syncs: [...syncs, longer] })) return;
      sync = longer;
      if (row.data.id !== undefined && row.data.deleted !== true)
        last.set(`${row.stream} ${row.data.id}`, row);
    };
    for (const { name, hasKey } of streams) {
      if (!hasKey || random() >= 0.08) continue;
      const rows = [...last].filter(([, { stream }]) => stream === name);
      rebuilt[name] = (rebuilt[name] ?? 0) + 10;
      for (const [key, { data }] of rows) {
        last.delete(key);
        add({ stream: name, data: { ...data, id: (data.id ?? 0) + 10 } });
      }
    }
    for (let tries = Math.floor(random() * 4 * streams.length) + 1; tries > 0; tries--)
      add(someRow(pick(streams)));
    if (!plays({ ...history, syncs: [...syncs, sync] })) continue;
    syncs.push(sync);
  }
  return { ...history, syncs };
}

function clean(stream: string, data: Record<string, unknown>): Row {
  return {
    stream,
    data: Object.fromEntries(Object.entries(data).filter(([, value]) => value !== undefined)),
  };
}
