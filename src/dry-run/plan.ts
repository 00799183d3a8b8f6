/** The result of a dry run as plain data, with the property names of `plan --json`. */
import type { ConnectorError, FailureType } from '../errors.ts';
import { isFullReplacement } from '../protocol/catalog.ts';
import type { RoutedStream } from '../streams/router.ts';
import type { EndpointCalls, PlannedCalls } from './calls.ts';
import type { NewFields } from './new-fields.ts';
import type { Example, ExampleKind, PlanTally } from './tally.ts';

export interface PlannedStream {
  readonly name: string;
  readonly namespace?: string;
  readonly mode: RoutedStream['mode'];
  readonly is_full_replacement: boolean;
  /** The number of records; each is also counted once by its outcome. */
  readonly received: number;
  /** With a ledger: records of rows without an entry. */
  readonly new: number;
  readonly changed: number;
  /** Of the changed: how many changed each field. */
  readonly changed_fields: Readonly<Record<string, number>>;
  /** Of the changed: those of which it can't be told which fields changed, so that the whole row is sent. */
  readonly changed_sent_whole: number;
  readonly unchanged: number;
  /** Without a ledger, when new and changed can't be told apart. */
  readonly created_or_updated: number;
  /** Records discarded because of a later deletion. */
  readonly superseded: number;
  readonly removed: number;
  /** Deletions of users that are not in Iterable; not counted in `removed`. */
  readonly deleted_not_in_iterable: number;
  readonly skipped: Readonly<Record<string, number>>;
  readonly rejected: Readonly<Record<string, number>>;
  /** Records without an outcome, because the dry run failed before. */
  readonly unsettled: number;
  /** Users removed because their rows are missing from the snapshot; they have no record. */
  readonly removed_by_absence: number;
  /** How many of `removed_by_absence` were already pending, from an earlier sync that was interrupted. */
  readonly removed_by_absence_left_over: number;
  /** Users whose rows are missing but that are not in Iterable; not counted in `removed_by_absence`. */
  readonly absent_not_in_iterable: number;
  /** Entries that would be dropped although their users stay, because another row holds them or they were only enriched. */
  readonly absent_but_staying: number;
  readonly lists: Readonly<Record<string, { readonly joins: number; readonly leaves: number }>>;
  readonly examples: Readonly<Partial<Record<ExampleKind, readonly Example[]>>>;
}

export interface PlannedFailure {
  readonly code: string;
  readonly failure_type: FailureType;
  readonly message: string;
  readonly next_step: string;
}

export interface Plan {
  readonly ledger: 'none' | 'sqlite' | 'postgres';
  /** Why `write` would fail, as far as a dry run can tell; else null. */
  readonly failure: PlannedFailure | null;
  readonly streams: readonly PlannedStream[];
  readonly created_lists: readonly string[];
  /** User fields that the project does not have. They would be created, or dropped if create_new_fields is off. */
  readonly new_fields: readonly string[];
  readonly creates_new_fields: boolean;
  readonly calls: readonly EndpointCallsText[];
  readonly least_seconds: number;
  /** Further messages that `write` would log. */
  readonly notes: readonly string[];
  /** What a dry run can't find out; only `write` does. */
  readonly unknown: readonly string[];
}

interface EndpointCallsText {
  readonly endpoint: string;
  readonly method: string;
  readonly calls: number;
  readonly requests_per_second: number;
}

export interface PlanSources {
  readonly ledger: Plan['ledger'];
  readonly failure: ConnectorError | undefined;
  readonly nextStep: string;
  readonly streams: readonly RoutedStream[];
  readonly tally: PlanTally;
  readonly calls: PlannedCalls;
  readonly createdLists: readonly string[];
  readonly fields: NewFields;
  readonly createsNewFields: boolean;
  readonly notes: readonly string[];
  readonly keepsRejectedInBucket: boolean;
}

export function makePlan(sources: PlanSources): Plan {
  const { ledger, failure, nextStep, calls, fields, createsNewFields, notes, createdLists } = sources;
  return {
    ledger,
    failure: failure
      ? {
          code: failure.code,
          failure_type: failure.failureType,
          message: failure.message,
          next_step: nextStep,
        }
      : null,
    streams: sources.streams.map((stream) => plannedStream(stream, sources.tally)),
    created_lists: createdLists,
    new_fields: fields.names,
    creates_new_fields: createsNewFields,
    calls: calls.byEndpoint.map(callsText),
    least_seconds: Number(calls.leastSeconds.toFixed(1)),
    notes,
    unknown: unknowns(sources),
  };
}

function plannedStream({ key, configured, mode }: RoutedStream, tally: PlanTally): PlannedStream {
  const counts = tally.of(key);
  const { written, leftOver, staying, lists, examples, changedFields, ...upserts } = tally.tallyOf(key);
  return {
    ...configured.id,
    mode,
    is_full_replacement: isFullReplacement(configured),
    received: counts.received,
    new: upserts.new,
    changed: upserts.changed,
    changed_fields: Object.fromEntries([...changedFields].sort(([a], [b]) => (a < b ? -1 : 1))),
    changed_sent_whole: upserts.sentWhole,
    unchanged: counts.unchanged,
    created_or_updated: written,
    superseded: counts.superseded,
    removed: counts.removed,
    deleted_not_in_iterable: counts.notThere,
    skipped: Object.fromEntries(counts.skipped),
    rejected: Object.fromEntries(counts.rejected),
    unsettled: counts.received - counts.settled,
    removed_by_absence: counts.removedMissing,
    removed_by_absence_left_over: leftOver,
    absent_not_in_iterable: counts.missingNotThere,
    absent_but_staying: staying,
    lists: Object.fromEntries([...lists].sort(([a], [b]) => (a < b ? -1 : 1))),
    examples: Object.fromEntries([...examples].map(([kind, some]) => [kind, some.toSorted(byLine)])),
  };
}

/** Sorts by input line, because bulk calls and single calls are answered in another order. */
function byLine({ line: a = 0 }: Example, { line: b = 0 }: Example): number {
  return a - b;
}

function callsText({ endpoint, method, calls, requestsPerSecond }: EndpointCalls): EndpointCallsText {
  return { endpoint, method, calls, requests_per_second: Number(requestsPerSecond.toPrecision(3)) };
}

function unknowns({ ledger, keepsRejectedInBucket }: PlanSources): string[] {
  const texts = [
    'Which records Iterable itself would reject: it calls the address malformed, another user has the address or the user id, the user was erased, or a value is of the wrong type.',
  ];
  if (ledger === 'none') {
    texts.push(
      'Which users are new to Iterable, which have changed, and which are on a list already: without a ledger all of them are sent.',
    );
  } else {
    texts.push(
      'Whether Iterable has the new users already: a user is new when the ledger has no entry of it.',
    );
  }
  if (keepsRejectedInBucket)
    texts.push('Whether rejected records can be stored in the bucket: only writing there shows it.');
  return texts;
}
