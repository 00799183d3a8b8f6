/** RECORD → its configured stream and compiled mapper. A stream that nobody configured is an error. */
import type { Config } from '../config/schema.ts';
import { ConfigError } from '../errors.ts';
import { compileMapper, type MappedRecord } from '../mapping/compile.ts';
import { listColumns } from '../mapping/list-rules.ts';
import type { KnownFields } from '../mapping/fields.ts';
import {
  describeStream,
  streamKey,
  type ConfiguredCatalog,
  type ConfiguredStream,
} from '../protocol/catalog.ts';
import type { RecordMessage } from '../protocol/messages.ts';

export interface RoutedStream {
  readonly key: string;
  readonly name: string;
  readonly configured: ConfiguredStream;
  readonly map: (message: RecordMessage) => MappedRecord;
}

export class Router {
  readonly #streams = new Map<string, RoutedStream>();

  constructor(
    catalog: ConfiguredCatalog,
    config: Config,
    knownFields: KnownFields,
    warn: (message: string) => void,
  ) {
    for (const configured of catalog.streams) {
      const name = describeStream(configured.id);
      const mapper = compileMapper(
        {
          stream: configured.id,
          jsonSchema: configured.jsonSchema,
          mappings: config.mappings,
          knownFields,
          projectType: config.project_type,
          identifyBy: config.identify_by,
          deletionColumn: config.deletion_column,
          reservedColumns: listColumns(config.lists, configured.id),
          lists: config.lists,
        },
        (message) => {
          warn(`Stream ${name}: ${message}`);
        },
      );
      const key = streamKey(configured.id);
      this.#streams.set(key, { key, name, configured, map: mapper });
    }
  }

  /** In the catalog's order. */
  get streams(): RoutedStream[] {
    return [...this.#streams.values()];
  }

  /** The record's stream. Throws a ConfigError that names it when the catalog lacks it. */
  route({ stream, line }: RecordMessage): RoutedStream {
    const routed = this.#streams.get(streamKey(stream));
    if (routed) return routed;
    throw new ConfigError(
      [
        `The record in line ${line} belongs to stream ${describeStream(stream)}, which the catalog does not have. Add the stream to the catalog, or stop sending it.`,
      ],
      { code: 'unknown_stream' },
    );
  }
}
