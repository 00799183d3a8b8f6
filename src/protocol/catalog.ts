/**
 * The configured catalog: the streams of a sync, and their modes. Read once; all of its problems are reported together.
 */
import * as z from 'zod';
import { ConfigError } from '../errors.ts';
import { isJsonObject, type JsonObject, type JsonValue } from '../json.ts';
import type { StreamId } from '../model.ts';
import { jsonObject } from './schemas.ts';
import { describeStream, streamKey, toStreamId } from './stream-id.ts';

export { describeStream, streamKey } from './stream-id.ts';

export interface ConfiguredStream {
  readonly id: StreamId;
  /** May be empty: some senders do not know their columns. */
  readonly jsonSchema: JsonObject;
  readonly syncMode: 'full_refresh' | 'incremental';
  readonly destinationSyncMode: 'append' | 'overwrite' | 'append_dedup' | 'update';
  /** Paths into a record; empty if there is no key. */
  readonly primaryKey: readonly (readonly string[])[];
  /** A path into a record; empty if there is no cursor. */
  readonly cursorField: readonly string[];
  readonly generationId?: number;
  readonly minimumGenerationId?: number;
  readonly syncId?: number;
  readonly destinationObjectName?: string;
}

/** The streams in the catalog's order; no two have the same id. */
export class ConfiguredCatalog {
  readonly streams: readonly ConfiguredStream[];
  readonly #byKey: ReadonlyMap<string, ConfiguredStream>;

  constructor(streams: readonly ConfiguredStream[]) {
    this.streams = streams;
    this.#byKey = new Map(streams.map((stream) => [streamKey(stream.id), stream]));
  }

  /** The stream of this id, if the catalog has it. */
  find(id: StreamId): ConfiguredStream | undefined {
    return this.#byKey.get(streamKey(id));
  }
}

/** Defaults are the protocol's own: see ConfiguredAirbyteStream. */
const streamSchema = z.looseObject({
  stream: z.looseObject({ name: z.string(), namespace: z.string().nullish(), json_schema: jsonObject }),
  sync_mode: orDefault(z.enum(['full_refresh', 'incremental']), 'full_refresh'),
  destination_sync_mode: orDefault(z.enum(['append', 'overwrite', 'append_dedup', 'update']), 'append'),
  primary_key: orDefault(z.array(z.array(z.string())), []),
  cursor_field: orDefault(z.array(z.string()), []),
  generation_id: z.number().nullish(),
  minimum_generation_id: z.number().nullish(),
  sync_id: z.number().nullish(),
  destination_object_name: z.string().nullish(),
});

export const configuredCatalogSchema = z.looseObject({ streams: z.array(streamSchema) });

/**
 * Parses the text of a catalog file. Throws ConfigError `catalog_invalid`, which lists every problem with its place.
 */
export function parseCatalog(text: string): ConfiguredCatalog {
  const result = configuredCatalogSchema.safeParse(parseJsonText(text));
  if (!result.success) throw invalid(result.error.issues.map(describeIssue));
  const { streams } = result.data;
  const problems: string[] = [];
  const places = new Map<string, number>();
  const shareColumns = columnSharing();
  const configured = streams.map((stream) => toConfiguredStream(stream, shareColumns));
  for (const [place, { id }] of configured.entries()) {
    const earlier = places.get(streamKey(id));
    if (earlier === undefined) places.set(streamKey(id), place);
    else
      problems.push(`streams[${place}]: ${describeStream(id)} is already configured in streams[${earlier}]`);
  }
  if (problems.length > 0) throw invalid(problems);
  return new ConfiguredCatalog(configured);
}

/**
 * True if the records of this run replace all earlier ones: `full_refresh` with `overwrite`, or with the generation ids
 * that the Airbyte platform sends instead of `overwrite`. PyAirbyte sends 1/1/1 in every mode, so that triple proves
 * nothing.
 */
export function isFullReplacement(stream: ConfiguredStream): boolean {
  const { syncMode, destinationSyncMode, generationId, minimumGenerationId = 0, syncId } = stream;
  if (syncMode !== 'full_refresh') return false;
  if (destinationSyncMode === 'overwrite') return true;
  const isBlanketTriple = generationId === 1 && minimumGenerationId === 1 && syncId === 1;
  return minimumGenerationId > 0 && generationId === minimumGenerationId && !isBlanketTriple;
}

/**
 * perf ("Many streams" in docs/performance.md): the columns of thousands of streams have a few different schemas, which would take most
 * of the catalog's memory. Gives a stream's schema with one object for equal columns.
 */
function columnSharing(): (schema: JsonObject) => JsonObject {
  const shared = new Map<string, JsonValue>();
  const share = (column: JsonValue): JsonValue => {
    const text = JSON.stringify(column);
    const known = shared.get(text);
    if (known === undefined) shared.set(text, column);
    return known ?? column;
  };
  return (schema) => {
    const { properties } = schema;
    if (!isJsonObject(properties)) return schema;
    // From entries, since a column may be named __proto__.
    const columns = Object.entries(properties).map(([name, column]) => [name, share(column)]);
    return { ...schema, properties: Object.fromEntries(columns) as JsonObject };
  };
}

function toConfiguredStream(
  configured: z.infer<typeof streamSchema>,
  shareColumns: (schema: JsonObject) => JsonObject,
): ConfiguredStream {
  const { stream } = configured;
  return {
    id: toStreamId(stream.name, stream.namespace),
    jsonSchema: shareColumns(stream.json_schema),
    syncMode: configured.sync_mode,
    destinationSyncMode: configured.destination_sync_mode,
    // An empty path would address the whole record.
    primaryKey: configured.primary_key.filter((path) => path.length > 0),
    cursorField: configured.cursor_field,
    ...present('generationId', configured.generation_id),
    ...present('minimumGenerationId', configured.minimum_generation_id),
    ...present('syncId', configured.sync_id),
    ...present('destinationObjectName', configured.destination_object_name),
  };
}

function present<Key extends string, Value>(
  key: Key,
  value: Value | null | undefined,
): Partial<Record<Key, Value>> {
  return value === null || value === undefined ? {} : ({ [key]: value } as Record<Key, Value>);
}

function orDefault<Schema extends z.ZodType>(schema: Schema, value: z.output<Schema>) {
  return schema.nullish().transform((given) => given ?? value);
}

function parseJsonText(text: string): unknown {
  try {
    return JSON.parse(text.replace(/^\uFEFF/, ''));
  } catch (cause) {
    throw invalid([`not valid JSON: ${(cause as Error).message}`]);
  }
}

function describeIssue({ path, message }: z.core.$ZodIssue): string {
  const place = path.map((step) => (typeof step === 'number' ? `[${step}]` : `.${String(step)}`)).join('');
  return `${place.replace(/^\./, '') || 'the catalog'}: ${message}`;
}

function invalid(problems: readonly string[]): ConfigError {
  return new ConfigError(
    problems.map((problem) => `catalog: ${problem}`),
    { code: 'catalog_invalid' },
  );
}
