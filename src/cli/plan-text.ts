/** Formats a plan for users: what would happen, in the order in which they would ask. */
import type { Plan, PlannedStream } from '../dry-run/plan.ts';
import type { Example, ExampleKind } from '../dry-run/tally.ts';
import { grouped, printable } from './terminal.ts';

const MAX_LISTS = 30;
const MAX_NAMES = 5;
const MAX_FIELDS = 20;

/** Ends in a line break. */
export function planText(plan: Plan): string {
  const sections = [
    heading(plan),
    ...plan.streams.map((stream) => streamLines(stream, plan)),
    consequences(plan),
    calls(plan),
    bulleted('What `write` would log:', plan.notes),
    bulleted('What can’t be known before:', plan.unknown),
  ];
  const text = sections.filter((lines) => lines.length > 0).map((lines) => lines.join('\n'));
  return `${printable(text.join('\n\n'))}\n`;
}

function heading({ failure }: Plan): string[] {
  if (!failure)
    return ['What `write` would do with this input. Nothing was changed, in Iterable or in the ledger.'];
  return [
    '`write` would fail with this input. Nothing was changed, in Iterable or in the ledger.',
    '',
    `Failed: ${failure.message}`,
    `Next:   ${failure.next_step}`,
    `        (${failure.code}; docs/errors.md says more)`,
    '',
    'What it would have done before:',
  ];
}

function streamLines(stream: PlannedStream, plan: Plan): string[] {
  const { name, namespace, mode, is_full_replacement: isReplaced, received } = stream;
  const title = namespace === undefined ? name : `${namespace}.${name}`;
  return [
    `Stream ${title} (${mode}${isReplaced ? ', full replacement' : ''}): ${grouped(received)} ${received === 1 ? 'record' : 'records'}`,
    ...outcomes(stream, plan),
    ...lists(stream),
    ...examples(stream),
  ];
}

function outcomes(stream: PlannedStream, { ledger }: Plan): string[] {
  const leftOver = stream.removed_by_absence_left_over;
  const rows: [label: string, count: number, more?: string][] = [
    ...(ledger === 'none'
      ? (
          [[stream.mode === 'enrich' ? 'updated' : 'created or updated', stream.created_or_updated]] as const
        ).map(([label, count]): [string, number] => [label, count])
      : ([
          ['new', stream.new],
          ['changed', stream.changed, fieldCounts(stream)],
          ['unchanged', stream.unchanged, 'not sent'],
        ] as [string, number, string?][])),
    ['removed', stream.removed, 'marked as deleted'],
    ['not in Iterable', stream.deleted_not_in_iterable, 'marked as deleted, but no such user'],
    ['superseded', stream.superseded, 'by a later deletion'],
    ['skipped', sum(stream.skipped), byReason(stream.skipped)],
    ['rejected', sum(stream.rejected), byReason(stream.rejected)],
    ['not reached', stream.unsettled],
    [
      'removed: missing',
      stream.removed_by_absence,
      leftOver === 0
        ? 'in the ledger, not in this input'
        : `${grouped(leftOver)} of them decided by an earlier sync`,
    ],
    ['missing, not there', stream.absent_not_in_iterable, 'in the ledger, but not in Iterable'],
    ['missing, but staying', stream.absent_but_staying, 'another row holds them, or they were only enriched'],
  ];
  return rows
    .filter(([label, count]) => count > 0 || ALWAYS.includes(label))
    .map(([label, count, more]) =>
      `  ${label.padEnd(20)}${grouped(count).padStart(9)}${more === undefined || count === 0 ? '' : `  ${more}`}`.trimEnd(),
    );
}

const ALWAYS = ['created or updated', 'updated', 'new', 'changed', 'unchanged', 'removed', 'rejected'];

function lists({ lists: all }: PlannedStream): string[] {
  const names = Object.entries(all).sort(([, a], [, b]) => b.joins + b.leaves - (a.joins + a.leaves));
  if (names.length === 0) return [];
  const shown = names.slice(0, MAX_LISTS);
  const width = Math.max(...shown.map(([name]) => name.length)) + 2;
  return [
    '  Lists:',
    ...shown.map(
      ([name, { joins, leaves }]) =>
        `    ${name.padEnd(width)}${[joins > 0 ? `${grouped(joins)} join` : '', leaves > 0 ? `${grouped(leaves)} leave` : ''].filter(Boolean).join(', ')}`,
    ),
    ...(names.length > shown.length ? [`    and ${names.length - shown.length} more lists`] : []),
  ];
}

const KINDS: readonly (readonly [ExampleKind, string])[] = [
  ['new', 'new'],
  ['changed', 'changed'],
  ['created_or_updated', 'sent'],
  ['removed', 'removed'],
  ['removed_by_absence', 'missing'],
  ['absent', 'missing'],
  ['rejected', 'rejected'],
];

function examples({ examples: all }: PlannedStream): string[] {
  const lines = KINDS.flatMap(([kind, label]) =>
    (all[kind] ?? []).map((example) => `    ${label.padEnd(10)}${describe(example)}`),
  );
  return lines.length === 0 ? [] : ['  For example:', ...lines];
}

function describe({ line, who, fields, cleared, joins, leaves, previously, why }: Example): string {
  const parts = [
    fields === undefined ? '' : fields.length === 0 ? 'sends no fields' : `sends ${named(fields)}`,
    cleared === undefined ? '' : `clears ${named(cleared)}`,
    joins === undefined || joins.length === 0 ? '' : `joins ${named(joins)}`,
    leaves === undefined || leaves.length === 0 ? '' : `leaves ${named(leaves)}`,
    previously === undefined ? '' : `was ${previously}`,
    why ?? '',
  ].filter((part) => part !== '');
  return [line === undefined ? '' : `line ${line}`, who ?? '', parts.join('; ')]
    .filter((part) => part !== '')
    .join('  ');
}

function consequences({
  created_lists: created,
  new_fields: fields,
  creates_new_fields: creates,
}: Plan): string[] {
  return [
    ...(created.length === 0 ? [] : [`Lists that it would create: ${named(created, MAX_LISTS)}.`]),
    ...(fields.length === 0
      ? []
      : [
          creates
            ? `User fields that Iterable would create, each with the type of its first value for good: ${named(fields, MAX_LISTS)}.`
            : `User fields that Iterable would drop, since it does not know them (create_new_fields is off): ${named(fields, MAX_LISTS)}.`,
        ]),
  ];
}

function calls({ calls: all, least_seconds: seconds }: Plan): string[] {
  const total = all.reduce((sum, { calls }) => sum + calls, 0);
  const width = Math.max(...all.map(({ endpoint }) => endpoint.length)) + 2;
  return [
    `${grouped(total)} ${total === 1 ? 'call' : 'calls'} to Iterable, ${duration(seconds)} at least at its limits:`,
    ...all.map(
      ({ endpoint, method, calls, requests_per_second: rate }) =>
        `  ${method.padEnd(7)}${endpoint.padEnd(width)}${grouped(calls).padStart(9)}  ${rate} a second`,
    ),
  ];
}

function bulleted(title: string, points: readonly string[]): string[] {
  return points.length === 0 ? [] : [title, ...points.map((point) => `  - ${point}`)];
}

/** The first names, and how many more there are. */
function named(names: readonly string[], max = MAX_NAMES): string {
  const shown = names.slice(0, max).join(', ');
  return names.length > max ? `${shown} and ${names.length - max} more` : shown;
}

function sum(counts: Readonly<Record<string, number>>): number {
  return Object.values(counts).reduce((total, count) => total + count, 0);
}

/** The fields that changed, those of the most users first. */
function fieldCounts({
  changed_fields: fields,
  changed_sent_whole: whole,
}: PlannedStream): string | undefined {
  const sorted = Object.entries(fields).sort(([, a], [, b]) => b - a);
  const shown = sorted.slice(0, MAX_FIELDS).map(([field, count]) => `${field} ${grouped(count)}`);
  if (sorted.length > MAX_FIELDS) shown.push(`${sorted.length - MAX_FIELDS} more fields`);
  if (whole > 0) shown.push(`${grouped(whole)} sent whole`);
  return shown.length === 0 ? undefined : shown.join(', ');
}

function byReason(counts: Readonly<Record<string, number>>): string {
  return Object.entries(counts)
    .map(([reason, count]) => `${reason} ${grouped(count)}`)
    .join(', ');
}

/** 0.4 s, 12 s, 3:20 minutes, 2:05 hours. */
function duration(seconds: number): string {
  if (seconds < 10) return `${seconds.toFixed(1)} s`;
  if (seconds < 60) return `${Math.round(seconds)} s`;
  const [whole, unit] =
    seconds < 3600 ? [Math.round(seconds), 'minutes'] : [Math.round(seconds / 60), 'hours'];
  return `${Math.floor(whole / 60)}:${String(whole % 60).padStart(2, '0')} ${unit}`;
}
