/**
 * Data activation: the one object that `discover` offers, what may be done with it, and what a stream that names it
 * means. Such a stream carries Iterable's own field names, and its primary key may say what identifies.
 */
import type { Config } from '../config/schema.ts';
import type { KnownFields } from '../mapping/fields.ts';
import { identifyingTarget, type IdentifyBy } from '../mapping/options.ts';
import { userSchema } from '../mapping/user-schema.ts';
import { describeStream, type ConfiguredStream } from '../protocol/catalog.ts';
import type { DestinationOperation } from '../protocol/output-schemas.ts';

const USERS_OBJECT = 'users';
/** Create and update; update those who exist; mirror. The last one removes only with a ledger, as everywhere. */
const OPERATIONS = ['append_dedup', 'update', 'overwrite'] as const;

type Identification = Pick<Config, 'project_type' | 'identify_by'>;

/** Each pair of object and sync mode once. The key that the configuration identifies by stands first. */
export function offeredOperations(
  knownFields: KnownFields,
  { project_type, identify_by }: Identification,
): DestinationOperation[] {
  const identifying = identifyingTarget(identify_by);
  const other = identifying === 'email' ? 'userId' : 'email';
  const shared = {
    json_schema: userSchema(knownFields, identifying),
    matching_keys: project_type === 'user_id' ? [[identifying]] : [[identifying], [other]],
  };
  return OPERATIONS.map((sync_mode) => ({ object_name: USERS_OBJECT, sync_mode, ...shared }));
}

/** True for a stream whose columns are called as Iterable's fields are: no mapping applies to it. */
export function namesIterableFields({ destinationObjectName }: ConfiguredStream): boolean {
  return destinationObjectName !== undefined;
}

/** What identifies the users of a stream: with data activation its primary key, if that is one; else the configuration. */
export function identifyByOf(stream: ConfiguredStream, { identify_by }: Identification): IdentifyBy {
  const [path, ...others] = namesIterableFields(stream) ? stream.primaryKey : [];
  if (path?.length !== 1 || others.length > 0) return identify_by;
  if (path[0] === 'email') return 'email';
  return path[0] === 'userId' ? 'user_id' : identify_by;
}

/** Why a stream can't be written to the object that it names, if it can't. */
export function destinationObjectProblems(stream: ConfiguredStream, config: Identification): string[] {
  const { destinationObjectName: object } = stream;
  if (object === undefined) return [];
  const name = describeStream(stream.id);
  if (object !== USERS_OBJECT) {
    return [
      `Stream ${name}: there is no destination object ${object}; the only one is ${USERS_OBJECT} (destination_object_name)`,
    ];
  }
  if (config.project_type === 'user_id' && identifyByOf(stream, config) === 'email') {
    return [
      `Stream ${name}: the primary key email can't identify people, since a project of type user_id identifies them by userId only; choose userId`,
    ];
  }
  return [];
}
