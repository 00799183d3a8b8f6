/** Which column identifies the user that a record is about. */
import type { Config } from '../config/schema.ts';
import { appliesTo } from '../mapping/check-mappings.ts';
import { identifyingTarget } from '../mapping/options.ts';
import type { ConfiguredStream } from '../protocol/catalog.ts';
import { identifyByOf, namesIterableFields } from './users-object.ts';

export interface Identifier {
  readonly target: 'email' | 'userId';
  /**
   * The mapped column, and the path of its mapping in the configuration; undefined if the column has the target's own
   * name.
   */
  readonly mapped: { readonly source: string; readonly place: string } | undefined;
  /**
   * True if there are no mappings and another option uses the column of the target's name, which is then not a field.
   */
  readonly isTaken: boolean;
  /** The columns of all mappings of the stream, the identifying one included. */
  readonly sources: readonly string[];
  /** True if no mapping applies, because the stream uses Iterable's own field names. */
  readonly namesIterableFields: boolean;
}

/** @param usedElsewhere columns that other options use */
export function identifierOf(
  stream: ConfiguredStream,
  config: Config,
  usedElsewhere: readonly string[],
): Identifier {
  const target = identifyingTarget(identifyByOf(stream, config));
  const isFixed = namesIterableFields(stream);
  const own = isFixed
    ? []
    : [...config.mappings.entries()].filter(([, mapping]) => appliesTo(mapping, stream.id.name));
  const [index, mapping] = own.find(([, each]) => each.target === target) ?? [];
  return {
    target,
    mapped: mapping && { source: mapping.source, place: `mappings[${index ?? 0}].source` },
    isTaken: own.length === 0 && usedElsewhere.includes(target),
    sources: own.map(([, { source }]) => source),
    namesIterableFields: isFixed,
  };
}
