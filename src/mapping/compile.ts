/**
 * Compiles a stream's mappings into a function from a record to a change of a user. Pure: a record that can't be mapped
 * gives a rejection, which is a value.
 */
import type { JsonObject, JsonValue } from '../json.ts';
import type { Rejection, UserChange, UserKey } from '../model.ts';
import { Refusal } from './coerce.ts';
import { Rejected, type ColumnPlan } from './column-plan.ts';
import { readDeletion } from './deletion.ts';
import { mayBeTaken, normalizeEmail } from './identity.ts';
import { compileListRules, type ListReaders, type ListRule } from './list-rules.ts';
import { identifyingTarget, type IdentifyBy, type ProjectType } from './options.ts';
import { columnReader, plainObject, Unreachable } from './paths.ts';
import { planColumns, type PlanOptions } from './plan-columns.ts';

export interface MapperOptions extends PlanOptions {
  /** The column with the user's previous email, if there is such a column. */
  readonly previousEmailColumn?: string | undefined;
  readonly lists: readonly ListRule[];
  readonly projectType: ProjectType;
  readonly identifyBy: IdentifyBy;
  /** Whether a deletion may lack both email and user id, since the ledger knows which user the row belongs to. */
  readonly removesByRow: boolean;
}

export interface RecordToMap {
  readonly data: JsonObject;
  /** Columns that `meta.changes` marks as NULLED: their null is not the source's value. */
  readonly nulledFields: readonly string[];
}

export interface RejectedRecord extends Rejection {
  readonly kind: 'rejected';
  /** The user that the record is about, if known. */
  readonly key?: UserKey;
  /** The other identity that it names. */
  readonly otherKey?: UserKey;
}

export type MappedRecord = UserChange | RejectedRecord;
export type RecordMapper = (record: RecordToMap) => MappedRecord;

/** Compiles the mapper of one stream. `onWarning` is called once for each column that an empty mapping leaves out. */
export function compileMapper(options: MapperOptions, onWarning: (message: string) => void): RecordMapper {
  const plansFor = planColumns(options, onWarning);
  const isDeletion = deletionReader(options.deletionColumn);
  const readPreviousEmail =
    options.previousEmailColumn === undefined ? undefined : previousEmailReader(options.previousEmailColumn);
  const lists = options.lists.length > 0 ? compileListRules(options.lists, options.stream) : undefined;
  const map: RecordMapper = (record) => {
    try {
      const plans = plansFor(record.data);
      const deletion = isDeletion(record);
      if (deletion instanceof Rejected)
        return withOtherKey(withKey(deletion.rejection, record, plans, options), record, plans, options);
      const change = deletion
        ? mapRemoval(record, plans, options)
        : withPreviousEmail(mapUpsert(record, plans, options), record, readPreviousEmail);
      return withOtherKey(lists ? withLists(change, record, lists) : change, record, plans, options);
    } catch (error) {
      // The stack overflowed while a value was converted.
      if (error instanceof RangeError) return rejected('wrong_type', 'a value is nested too deeply');
      throw error;
    }
  };
  const { newFields } = options.planner;
  if (!newFields) return map;
  return (record) => {
    const mapped = map(record);
    newFields.endRecord(mapped.kind === 'upsert' && mayBeTaken(mapped.key));
    return mapped;
  };
}

function withLists(
  change: MappedRecord,
  { data, nulledFields }: RecordToMap,
  { read, readLeaving }: ListReaders,
): MappedRecord {
  if (change.kind === 'rejected') return change;
  if (change.kind === 'removal') return { ...change, lists: readLeaving(data, nulledFields) };
  const lists = read(data, nulledFields);
  if (lists instanceof Rejected) return { kind: 'rejected', ...lists.rejection, key: change.key };
  return {
    ...change,
    lists: lists.memberships,
    ...(lists.unspecified.length === 0 ? {} : { unspecifiedLists: lists.unspecified }),
  };
}

type PreviousEmailReader = (record: RecordToMap) => string | undefined | Rejected;

/** A column that was nulled on the way, or can't be reached, counts as absent. */
function previousEmailReader(column: string): PreviousEmailReader {
  const read = columnReader(column);
  return ({ data, nulledFields }) => {
    const value = read(data);
    if (value === undefined || value instanceof Unreachable || nulledFields.includes(column))
      return undefined;
    const email = normalizeEmail(value);
    return email instanceof Refusal ? new Rejected(column, email.reason) : email;
  };
}

/** If the record has no current email, or the same one, the email has not changed. */
function withPreviousEmail(
  change: MappedRecord,
  record: RecordToMap,
  read: PreviousEmailReader | undefined,
): MappedRecord {
  if (!read || change.kind !== 'upsert') return change;
  const previousEmail = read(record);
  if (previousEmail instanceof Rejected)
    return { kind: 'rejected', ...previousEmail.rejection, key: change.key };
  const email = change.key.kind === 'email' ? change.key.value : change.values.email;
  const hasChanged = previousEmail !== undefined && typeof email === 'string' && email !== previousEmail;
  return hasChanged ? { ...change, previousEmail } : change;
}

/** A column that was nulled on the way, or can't be reached, marks no deletion. */
function deletionReader(column: string): (record: RecordToMap) => boolean | Rejected {
  const read = columnReader(column);
  return ({ data, nulledFields }) => {
    const value = read(data);
    if (value === undefined || value instanceof Unreachable || nulledFields.includes(column)) return false;
    const deletion = readDeletion(value);
    return deletion instanceof Refusal ? new Rejected(column, deletion.reason) : deletion;
  };
}

/** The rejection, with the user that the record is about, if known. */
function withKey(
  rejection: Rejection,
  { data, nulledFields }: RecordToMap,
  plans: readonly ColumnPlan[],
  { identifyBy }: MapperOptions,
): MappedRecord {
  const kind = identifyingTarget(identifyBy);
  const value = plans.find(({ target }) => target === kind)?.read(data, nulledFields);
  return {
    kind: 'rejected',
    ...rejection,
    ...(typeof value === 'string' ? { key: { kind, value } } : {}),
  };
}

/** A rejected record, with the other identity that it names: the user who has it stays in Iterable, too. */
function withOtherKey(
  mapped: MappedRecord,
  { data, nulledFields }: RecordToMap,
  plans: readonly ColumnPlan[],
  { identifyBy }: MapperOptions,
): MappedRecord {
  if (mapped.kind !== 'rejected') return mapped;
  const kind = identifyingTarget(identifyBy) === 'email' ? 'userId' : 'email';
  const value = plans.find(({ target }) => target === kind)?.read(data, nulledFields);
  return typeof value === 'string' ? { ...mapped, otherKey: { kind, value } } : mapped;
}

function mapUpsert(record: RecordToMap, plans: readonly ColumnPlan[], options: MapperOptions): MappedRecord {
  const { data, nulledFields } = record;
  const { identifyBy, projectType } = options;
  const identifying = identifyingTarget(identifyBy);
  const values = plainObject();
  const nested: ColumnPlan[] = [];
  let key: JsonValue | undefined;
  for (const plan of plans) {
    const value = plan.read(data, nulledFields);
    if (value === undefined) continue;
    if (value instanceof Rejected) return withKey(value.rejection, record, plans, options);
    if (plan.target === identifying) {
      key = value;
      continue;
    }
    // A profile of an email-based project can't lose its email.
    if (value === null && plan.target === 'email' && projectType === 'email') continue;
    values[plan.target] = value;
    if (plan.above.length > 0) nested.push(plan);
  }
  if (typeof key !== 'string') return missingIdentifier(data, plans, identifying);
  const conflict =
    nested.length === 0
      ? undefined
      : nested.find(({ above }) => above.some((at) => at === identifying || at in values));
  if (conflict) {
    return {
      kind: 'rejected',
      code: 'field_conflict',
      field: conflict.target,
      reason: 'another column of the record holds the whole that this is a part of',
      key: { kind: identifying, value: key },
    };
  }
  return { kind: 'upsert', key: { kind: identifying, value: key }, values };
}

/** A deletion needs only what identifies the user; other columns are not even converted. */
function mapRemoval(
  { data, nulledFields }: RecordToMap,
  plans: readonly ColumnPlan[],
  { identifyBy, removesByRow }: MapperOptions,
): MappedRecord {
  const read = (target: string): string | undefined => {
    const value = plans.find((plan) => plan.target === target)?.read(data, nulledFields);
    return typeof value === 'string' ? value : undefined;
  };
  const email = read('email');
  const userId = read('userId');
  if (email === undefined && userId === undefined && !removesByRow)
    return missingIdentifier(data, plans, identifyingTarget(identifyBy));
  return {
    kind: 'removal',
    ...(email === undefined ? {} : { email }),
    ...(userId === undefined ? {} : { userId }),
    identifiedBy: identifyingTarget(identifyBy),
  };
}

function missingIdentifier(data: JsonObject, plans: readonly ColumnPlan[], field: string): MappedRecord {
  return rejected('missing_identifier', whyMissing(data, plans, field), field);
}

function whyMissing(data: JsonObject, plans: readonly ColumnPlan[], field: string): string {
  const source = plans.find(({ target }) => target === field)?.source;
  if (source === undefined) {
    return Object.hasOwn(data, field)
      ? `the column ${field}, which identifies users, is used by another option and needs a mapping to be a field, too`
      : `the record has no column ${field}, which identifies users`;
  }
  // The source's mark for an unchanged value is read as undefined, although the record has the column.
  if (columnReader(source)(data) !== undefined || Object.hasOwn(data, source))
    return `the column ${source} holds no ${field}, which identifies users`;
  return source === field
    ? `the record has no column ${field}, which identifies users`
    : `the record has no column ${source}, which is mapped to ${field} and identifies users`;
}

function rejected(code: Rejection['code'], reason: string, field?: string): MappedRecord {
  return { kind: 'rejected', code, ...(field === undefined ? {} : { field }), reason };
}
