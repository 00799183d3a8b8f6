/** Plans the columns of all streams of a sync. */
import type { JsonObject } from '../json.ts';
import { planColumn, type ColumnPlan } from './column-plan.ts';
import type { KnownFields } from './fields.ts';
import type { NewFieldTypes } from './new-field-types.ts';
import type { MappingType } from './options.ts';
import { schemaOfColumn } from './schema-types.ts';
import { typeTrees } from './type-tree.ts';

/** Far more different columns than streams of one source have. Limits the memory for columns that are named after data. */
const MAX_SHARED = 10_000;

export interface PlannedColumn {
  readonly source: string;
  readonly target: string;
  readonly forcedType?: MappingType | undefined;
  /** Of the stream. */
  readonly jsonSchema: JsonObject;
  /** Leaves inside the column that must not go into the field. */
  readonly leavesLeftOut?: readonly string[];
}

export class ColumnPlanner {
  /** Shared by the whole sync. Undefined if new fields are not created: their values then stay as they are. */
  readonly newFields: NewFieldTypes | undefined;
  readonly #typesOf: ReturnType<typeof typeTrees>;
  /** perf ("Many streams" in docs/performance.md): streams share the plan of a column that is the same in each of them. */
  readonly #shared = new Map<string, ColumnPlan>();

  constructor(knownFields: KnownFields, newFields?: NewFieldTypes) {
    this.newFields = newFields;
    this.#typesOf = typeTrees(knownFields, newFields);
  }

  plan({ source, target, forcedType, jsonSchema, leavesLeftOut = [] }: PlannedColumn): ColumnPlan {
    const schema = schemaOfColumn(jsonSchema, source);
    const same = JSON.stringify([source, target, forcedType, schema, leavesLeftOut]);
    let plan = this.#shared.get(same);
    if (!plan) {
      plan = planColumn({ source, target, forcedType, leavesLeftOut, types: this.#typesOf(schema, target) });
      if (this.#shared.size < MAX_SHARED) this.#shared.set(same, plan);
    }
    return plan;
  }
}
