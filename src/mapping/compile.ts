/** A stream's mappings, compiled once into a function from record to change of a user. Pure: what can't be mapped is a rejection, a value. */
import type { JsonObject, JsonValue } from '../json.ts';
import type { Rejection, StreamId, UserChange } from '../model.ts';
import { appliesTo } from './check-mappings.ts';
import { planColumn, type ColumnPlan } from './column-plan.ts';
import { isDeletion } from './deletion.ts';
import { isManagedField, type KnownFields } from './fields.ts';
import { identifyingTarget, type IdentifyBy, type Mapping, type ProjectType } from './options.ts';
import { columnReader, pathsConflict } from './paths.ts';

export interface MapperOptions {
  readonly stream: StreamId;
  readonly jsonSchema: JsonObject;
  /** The whole configuration's; an empty list sends every column to the field of its own name. */
  readonly mappings: readonly Mapping[];
  readonly knownFields: KnownFields;
  readonly projectType: ProjectType;
  readonly identifyBy: IdentifyBy;
  readonly deletionColumn: string;
  /** Columns that other options use; an empty mapping leaves them out. */
  readonly reservedColumns: readonly string[];
}

export interface RecordToMap {
  readonly data: JsonObject;
  /** Columns that `meta.changes` calls NULLED: their null is not the source's value. */
  readonly nulledFields: readonly string[];
}

export type MappedRecord = UserChange | ({ readonly kind: 'rejected' } & Rejection);
export type RecordMapper = (record: RecordToMap) => MappedRecord;

/** Compiles the mapper of one stream. `onWarning` is told of columns that an empty mapping leaves out, each once. */
export function compileMapper(options: MapperOptions, onWarning: (message: string) => void): RecordMapper {
  const plansFor =
    options.mappings.length === 0 ? planEveryColumn(options, onWarning) : planMappings(options);
  const readDeletion = columnReader(options.deletionColumn);
  return (record) => {
    const plans = plansFor(record.data);
    const deletion = readDeletion(record.data);
    const isNulled = record.nulledFields.includes(options.deletionColumn);
    if (deletion.kind === 'value' && !isNulled && isDeletion(deletion.value))
      return mapRemoval(record, plans, options);
    return mapUpsert(record, plans, options);
  };
}

type PlansFor = (data: JsonObject) => readonly ColumnPlan[];

function planMappings(options: MapperOptions): PlansFor {
  const plans = options.mappings
    .filter((mapping) => appliesTo(mapping, options.stream.name))
    .map(({ source, target, type }) => planColumn(source, target, type, options));
  return () => plans;
}

/** Plans are made as columns turn up, and kept. */
function planEveryColumn(options: MapperOptions, onWarning: (message: string) => void): PlansFor {
  const plans = new Map<string, ColumnPlan | undefined>();
  const leftOut = new Set(
    [options.deletionColumn, ...options.reservedColumns].flatMap((column) => [
      column,
      column.split('.', 1)[0] ?? column,
    ]),
  );
  const plan = (column: string): ColumnPlan | undefined => {
    if (leftOut.has(column) || column.startsWith('_airbyte_') || column.startsWith('_ab_') || column === '')
      return undefined;
    if (!isManagedField(column)) return planColumn(column, column, undefined, options);
    onWarning(`the column ${column} is left out, since Iterable manages the field of that name itself`);
    return undefined;
  };
  return (data) => {
    const found: ColumnPlan[] = [];
    for (const column of Object.keys(data)) {
      if (!plans.has(column)) plans.set(column, plan(column));
      const known = plans.get(column);
      if (known) found.push(known);
    }
    return found;
  };
}

function mapUpsert(
  { data, nulledFields }: RecordToMap,
  plans: readonly ColumnPlan[],
  options: MapperOptions,
): MappedRecord {
  const identifying = identifyingTarget(options.identifyBy);
  const values = new Map<string, JsonValue>();
  let hasDots = false;
  let key: JsonValue | undefined;
  for (const plan of plans) {
    const result = plan.read(data, nulledFields);
    if (result.kind === 'rejected') return result;
    if (result.kind === 'none') continue;
    if (plan.target === identifying) key = result.value;
    // A profile of an email-based project can't lose its address.
    else if (plan.target !== 'email' || result.value !== null || options.projectType !== 'email')
      values.set(plan.target, result.value);
    hasDots ||= plan.target.includes('.');
  }
  if (typeof key !== 'string') return missingIdentifier(identifying);
  const conflict = hasDots ? conflictingTarget([...values.keys()]) : undefined;
  if (conflict !== undefined) {
    return {
      kind: 'rejected',
      code: 'field_conflict',
      field: conflict,
      reason: 'another column of the record is written to the same place',
    };
  }
  return { kind: 'upsert', key: { kind: identifying, value: key }, values };
}

/** A deletion needs only what identifies the person. */
function mapRemoval(
  { data, nulledFields }: RecordToMap,
  plans: readonly ColumnPlan[],
  options: MapperOptions,
): MappedRecord {
  const read = (target: string): string | undefined => {
    const result = plans.find((plan) => plan.target === target)?.read(data, nulledFields);
    return result?.kind === 'value' && typeof result.value === 'string' ? result.value : undefined;
  };
  const email = read('email');
  const userId = read('userId');
  if (email === undefined && userId === undefined)
    return missingIdentifier(identifyingTarget(options.identifyBy));
  return {
    kind: 'removal',
    ...(email === undefined ? {} : { email }),
    ...(userId === undefined ? {} : { userId }),
  };
}

function missingIdentifier(field: string): MappedRecord {
  return {
    kind: 'rejected',
    code: 'missing_identifier',
    field,
    reason: `the record has no ${field}, which identifies users`,
  };
}

function conflictingTarget(targets: readonly string[]): string | undefined {
  const dotted = targets.filter((target) => target.includes('.'));
  return dotted.find((target) => targets.some((other) => other !== target && pathsConflict(other, target)));
}
