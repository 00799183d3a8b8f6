/** Why most of the rejected records of a stream were rejected: an operator needs it when the sync fails for them. */
import { shortened } from '../errors.ts';
import type { JsonObject } from '../json.ts';
import { SeenColumns, USUAL_COLUMNS } from '../mapping/likely-column.ts';
import type { RejectCode, Rejection } from '../model.ts';
import type { Identifier } from '../streams/identifier.ts';

export interface EvaluatedStream {
  readonly key: string;
  readonly name: string;
  readonly identifier: Identifier;
}

interface Cause {
  readonly code: RejectCode;
  readonly field: string | undefined;
  /** Of the first record. */
  readonly reason: string;
  count: number;
}

/** A field's name may come from the data, so there may be any number of causes. */
const MAX_CAUSES = 1_000;
/** Records of one stream mostly have the same columns. */
const MAX_RECORDS_READ = 10;
const MAX_COLUMNS_NAMED = 20;
const MAX_NAME_LENGTH = 60;

export class RejectionCauses {
  readonly #causes = new Map<string, Map<string, Cause>>();
  readonly #columns = new Map<string, SeenColumns>();

  /** To be called for each rejected record. */
  noteRejected(streamKey: string, { code, field, reason }: Rejection): void {
    const causes = ofStream(this.#causes, streamKey, () => new Map<string, Cause>());
    const kind = `${code} ${field ?? ''}`;
    const cause = causes.get(kind);
    if (cause) cause.count++;
    else if (causes.size < MAX_CAUSES) causes.set(kind, { code, field, reason, count: 1 });
  }

  /** To be called for a record without an identity. Stores names of columns, no values. */
  noteUnidentified({ key, identifier }: Pick<EvaluatedStream, 'key' | 'identifier'>, data: JsonObject): void {
    const columns = ofStream(this.#columns, key, () => new SeenColumns());
    if (columns.records >= MAX_RECORDS_READ) return;
    const looked = identifier.mapped ? identifier.sources : [identifier.target];
    columns.note(data, looked);
  }

  /**
   * The most frequent reason and, if it is known, what to do about it. Continues a sentence after a colon.
   * @param who begins a sentence about one of the records
   */
  describe({ key, identifier }: EvaluatedStream, who: string): string {
    const causes = [...(this.#causes.get(key)?.values() ?? [])].sort((a, b) => b.count - a.count);
    const [cause] = causes;
    if (!cause) return 'see the reasons in the log.';
    const columns = this.#columns.get(key);
    const isUnidentified = cause.code === 'missing_identifier' && cause.field === identifier.target;
    if (columns && isUnidentified) return `${who} ${whyUnidentified(identifier, columns)}`;
    const what = `${cause.code}${cause.field === undefined ? '' : `, field ${shown(cause.field)}`}: ${cause.reason}`;
    return causes.length === 1
      ? `the reason is ${what}.`
      : `the most frequent reason (${cause.count}) is ${what}. The log has the others.`;
  }
}

function whyUnidentified(identifier: Identifier, columns: SeenColumns): string {
  const { target, mapped, isTaken } = identifier;
  if (isTaken) {
    return (
      `has the column ${target}, which identifies users (identify_by), but another option uses that column, and so it is no field by itself. ` +
      `Map it: ${mappingText(target, target)}. ${ONCE_MAPPED}`
    );
  }
  const column = mapped?.source ?? target;
  if (!columns.lacks(column))
    return `holds no ${target}, which identifies users (identify_by): its column ${shown(column)} is null, blank or marked as unchanged.`;
  return mapped ? withoutMapped(identifier, mapped, columns) : withoutOwn(identifier, columns);
}

const ONCE_MAPPED =
  'Without any mapping every column goes to the field of its own name; once there is one, only mapped columns go, so map the others, too.';

function withoutOwn({ target, namesIterableFields }: Identifier, columns: SeenColumns): string {
  const likely = columns.likely(USUAL_COLUMNS[target]);
  const what = `has no column ${target}, which identifies users (identify_by). ${columnsText(columns)}`;
  if (namesIterableFields) {
    const from = likely === undefined ? 'the column that holds it' : shown(likely);
    return `${what} The stream names a destination object, and so has Iterable’s own field names: call ${from} ${target} in the connection.`;
  }
  const how =
    likely === undefined
      ? `Map the column that holds it: ${mappingText('…', target)}, or set identify_by to what there is.`
      : `Map the likely one: ${mappingText(likely, target)}.`;
  return `${what} ${how} ${ONCE_MAPPED}`;
}

function withoutMapped(
  { target, sources }: Identifier,
  { source, place }: NonNullable<Identifier['mapped']>,
  columns: SeenColumns,
): string {
  const likely = columns.likely([source]) ?? columns.likely(USUAL_COLUMNS[target]);
  const others = sources.filter((other) => other !== source && columns.lacks(other));
  return [
    `has no column ${shown(source)}, which ${place} maps to ${target} and which identifies users (identify_by).`,
    columnsText(columns),
    ...(likely === undefined ? [] : [`The nearest is ${shown(likely)}.`]),
    ...(others.length === 0 ? [] : [`Other mappings name columns that it lacks, too: ${named(others)}.`]),
  ].join(' ');
}

function mappingText(source: string, target: string): string {
  return JSON.stringify({ source: shown(source), target });
}

function columnsText(columns: SeenColumns): string {
  return columns.names.length === 0
    ? 'It has no columns at all.'
    : `Its columns are ${named(columns.names)}.`;
}

/** A name that is an address is data: a file may lack its header line. */
function named(columns: readonly string[]): string {
  const some = columns.filter((column) => !column.includes('@')).slice(0, MAX_COLUMNS_NAMED);
  const others = columns.length - some.length;
  const names = some.map(shown);
  return [...names, ...(others > 0 ? [`${others} others`] : [])].join(', ');
}

function shown(column: string): string {
  return shortened(column, MAX_NAME_LENGTH);
}

function ofStream<T>(map: Map<string, T>, streamKey: string, make: () => T): T {
  let known = map.get(streamKey);
  if (known === undefined) map.set(streamKey, (known = make()));
  return known;
}
