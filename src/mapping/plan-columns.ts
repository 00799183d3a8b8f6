/**
 * Decides which column of a stream goes to which field: by the mappings or, if there are none, each to the field of its
 * own name.
 */
import { hasKeys, type JsonObject } from '../json.ts';
import type { StreamId } from '../model.ts';
import { appliesTo } from './check-mappings.ts';
import type { ColumnPlan } from './column-plan.ts';
import type { ColumnPlanner } from './column-planner.ts';
import { isManagedField } from './fields.ts';
import type { Mapping } from './options.ts';
import { isWithin, isWritablePath } from './paths.ts';

export interface PlanOptions {
  readonly stream: StreamId;
  readonly jsonSchema: JsonObject;
  /** All mappings of the configuration; an empty list sends every column to the field of its own name. */
  readonly mappings: readonly Mapping[];
  /** Shared by all streams. */
  readonly planner: ColumnPlanner;
  /** The column that marks a record as a deletion; dots reach into objects. */
  readonly deletionColumn: string;
  /** Columns that other options use; an empty mapping leaves them out. Dots reach into objects. */
  readonly reservedColumns: readonly string[];
}

/** The plans for the columns of one record, in the order of the mappings, else of the record. */
export type PlansFor = (data: JsonObject) => readonly ColumnPlan[];

/**
 * Far more columns than Iterable accepts fields. Limits the memory for a source whose columns are named after its data.
 */
const MAX_PLANS_KEPT = 10_000;
const AIRBYTE_PREFIXES = ['_airbyte_', '_ab_'];

/** True for Airbyte's own columns, which an empty mapping never sends. */
export function isAirbyteColumn(column: string): boolean {
  return AIRBYTE_PREFIXES.some((prefix) => column.startsWith(prefix));
}

/** `onWarning` is called once for each column that an empty mapping leaves out although no option says so. */
export function planColumns(options: PlanOptions, onWarning: (message: string) => void): PlansFor {
  return options.mappings.length === 0 ? planEveryColumn(options, onWarning) : planMappings(options);
}

function planMappings({ mappings, stream, planner, jsonSchema }: PlanOptions): PlansFor {
  const plans = mappings
    .filter((mapping) => appliesTo(mapping, stream.name))
    .map(({ source, target, type }) => planner.plan({ source, target, forcedType: type, jsonSchema }));
  return () => plans;
}

/** Plans are made when a column first occurs, and then cached. */
function planEveryColumn(options: PlanOptions, onWarning: (message: string) => void): PlansFor {
  const { planner, jsonSchema } = options;
  const usedElsewhere = [options.deletionColumn, ...options.reservedColumns];
  const plans = new Map<string, ColumnPlan | 'left out'>();

  const plan = (column: string): ColumnPlan | 'left out' => {
    if (column === '' || usedElsewhere.includes(column)) return 'left out';
    if (isAirbyteColumn(column)) return 'left out';
    const objection = objectionTo(column);
    if (objection !== undefined) {
      if (plans.size < MAX_PLANS_KEPT) onWarning(`the column ${column} is left out, ${objection}`);
      return 'left out';
    }
    const leavesLeftOut = usedElsewhere.filter((path) => isWithin(path, column));
    return planner.plan({ source: column, target: column, jsonSchema, leavesLeftOut });
  };

  // Records of one stream mostly have the same columns in the same order.
  let lastColumns: readonly string[] = [];
  let lastFound: readonly ColumnPlan[] = [];

  return (data) => {
    if (hasKeys(data, lastColumns)) return lastFound;
    const columns = Object.keys(data);
    const found: ColumnPlan[] = [];
    for (const column of columns) {
      let known = plans.get(column);
      if (known === undefined) {
        known = plan(column);
        if (plans.size < MAX_PLANS_KEPT) plans.set(column, known);
      }
      if (known !== 'left out') found.push(known);
    }
    lastColumns = columns;
    lastFound = found;
    return found;
  };
}

/** Why a column can't go to the field of its own name, if it can't. */
function objectionTo(column: string): string | undefined {
  if (isManagedField(column)) return 'since Iterable manages the field of that name itself';
  // Iterable reads dots as nesting, and a field must have a name.
  if (!isWritablePath(column)) {
    return 'since dots in a name build nested fields, and here one would have no name; map it to a field';
  }
  return undefined;
}
