/** RECORD → its configured stream and compiled mapper. A stream that is not in the catalog is an error. */
import type { Config } from '../config/schema.ts';
import { ConfigError } from '../errors.ts';
import type { StreamId } from '../model.ts';
import { appliesTo } from '../mapping/check-mappings.ts';
import { ColumnPlanner } from '../mapping/column-planner.ts';
import { compileMapper, type MappedRecord } from '../mapping/compile.ts';
import { listColumns } from '../mapping/list-rules.ts';
import type { IdentifyBy } from '../mapping/options.ts';
import type { KnownFields } from '../mapping/fields.ts';
import type { NewFieldTypes } from '../mapping/new-field-types.ts';
import { primaryKeyReader, type PrimaryKeyReader } from '../mapping/primary-key.ts';
import {
  describeStream,
  streamKey,
  type ConfiguredCatalog,
  type ConfiguredStream,
} from '../protocol/catalog.ts';
import type { RecordMessage } from '../protocol/messages.ts';
import { identifierOf, type Identifier } from './identifier.ts';
import type { SyncMode } from './modes.ts';
import { identifyByOf, namesIterableFields } from './users-object.ts';

export interface RoutedStream {
  readonly key: string;
  readonly name: string;
  readonly configured: ConfiguredStream;
  readonly mode: SyncMode;
  readonly identifyBy: IdentifyBy;
  readonly identifier: Identifier;
  /** The targets of its mappings; undefined where every column goes to the field of its own name. */
  readonly targets: readonly string[] | undefined;
  readonly map: (message: RecordMessage) => MappedRecord;
  /** The record's primary key as one string; undefined if the stream or the record has none. */
  readonly primaryKeyOf: PrimaryKeyReader;
}

export class Router {
  readonly #streams = new Map<string, RoutedStream>();
  /** Consecutive records are mostly of one stream, and then share its id object. */
  #last: { readonly id: StreamId; readonly routed: RoutedStream } | undefined;

  constructor(
    catalog: ConfiguredCatalog,
    config: Config,
    knownFields: KnownFields,
    warn: (message: string) => void,
    newFields?: NewFieldTypes,
  ) {
    const planner = new ColumnPlanner(knownFields, newFields);
    for (const configured of catalog.streams) {
      const name = describeStream(configured.id);
      const warnOfStream = (message: string) => {
        warn(`Stream ${name}: ${message}`);
      };
      if (
        namesIterableFields(configured) &&
        config.mappings.some(({ stream }) => stream === configured.id.name)
      )
        warnOfStream(
          'its mappings do not apply, since it names a destination object, and so Iterable’s own fields',
        );
      const mappings = namesIterableFields(configured) ? [] : config.mappings;
      const reserved = reservedColumns(config, configured.id);
      const mapper = compileMapper(
        {
          stream: configured.id,
          jsonSchema: configured.jsonSchema,
          mappings,
          planner,
          projectType: config.project_type,
          identifyBy: identifyByOf(configured, config),
          deletionColumn: config.deletion_column,
          previousEmailColumn: previousEmailColumn(config, configured),
          reservedColumns: reserved,
          lists: config.lists,
          removesByRow: config.ledger.type !== 'none' && configured.primaryKey.length > 0,
        },
        warnOfStream,
      );
      const key = streamKey(configured.id);
      this.#streams.set(key, {
        key,
        name,
        configured,
        mode: configured.destinationSyncMode === 'update' ? 'enrich' : config.sync_mode,
        identifyBy: identifyByOf(configured, config),
        identifier: identifierOf(configured, config, [config.deletion_column, ...reserved]),
        targets: mappings.length === 0 ? undefined : targetsFor(mappings, configured.id),
        map: mapper,
        primaryKeyOf: primaryKeyReader(configured.primaryKey) ?? noPrimaryKey,
      });
    }
  }

  /** In the catalog's order. */
  get streams(): RoutedStream[] {
    return [...this.#streams.values()];
  }

  /** The record's stream. Throws a ConfigError that names the stream if it is not in the catalog. */
  route({ stream, line }: RecordMessage): RoutedStream {
    if (this.#last?.id === stream) return this.#last.routed;
    const routed = this.#streams.get(streamKey(stream));
    if (routed) {
      this.#last = { id: stream, routed };
      return routed;
    }
    throw new ConfigError(
      [
        `The record in line ${line} belongs to stream ${describeStream(stream)}, which the catalog does not have. Add the stream to the catalog, or stop sending it.`,
      ],
      { code: 'unknown_stream' },
    );
  }
}

function targetsFor(mappings: Config['mappings'], { name }: StreamId): string[] {
  return mappings.filter((mapping) => appliesTo(mapping, name)).map(({ target }) => target);
}

const noPrimaryKey = (): undefined => undefined;

function reservedColumns(
  { lists, previous_email_column: previousEmail }: Config,
  stream: StreamId,
): string[] {
  return [...listColumns(lists, stream), ...(previousEmail === undefined ? [] : [previousEmail])];
}

/**
 * The column of the previous address, if it applies. Where users are identified by user id, a new address is an
 * ordinary field update, except on email-based projects, which have a separate call for it.
 */
export function previousEmailColumn(config: Config, stream: ConfiguredStream): string | undefined {
  if (identifyByOf(stream, config) === 'user_id' && config.project_type !== 'email') return undefined;
  return config.previous_email_column;
}
