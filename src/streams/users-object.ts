/**
 * Data activation: the only object that `discover` offers, its sync modes, and what it means if a stream names that
 * object. Such a stream uses Iterable's own field names, and its primary key may decide which field identifies users.
 */
import type { Config } from '../config/schema.ts';
import type { KnownFields } from '../mapping/fields.ts';
import { identifyingTarget, type IdentifyBy } from '../mapping/options.ts';
import { userSchema } from '../mapping/user-schema.ts';
import { describeStream, type ConfiguredStream } from '../protocol/catalog.ts';
import type { DestinationOperation } from '../protocol/output-schemas.ts';

const USERS_OBJECT = 'users';
/** Create and update; update existing users only; mirror. As elsewhere, mirroring removes users only with a ledger. */
const OPERATIONS = ['append_dedup', 'update', 'overwrite'] as const;

type Identification = Pick<Config, 'project_type' | 'identify_by'>;

/** One operation per sync mode of the object. The matching key that the configuration identifies by comes first. */
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

/** True for a stream whose columns have the names of Iterable's fields: no mapping applies to it. */
export function namesIterableFields({ destinationObjectName }: ConfiguredStream): boolean {
  return destinationObjectName !== undefined;
}

/**
 * What identifies the users of a stream: with data activation its primary key if that is `email` or `userId`, else the
 * configuration.
 */
export function identifyByOf(stream: ConfiguredStream, { identify_by }: Identification): IdentifyBy {
  const [path, ...others] = namesIterableFields(stream) ? stream.primaryKey : [];
  if (path?.length !== 1 || others.length > 0) return identify_by;
  if (path[0] === 'email') return 'email';
  return path[0] === 'userId' ? 'user_id' : identify_by;
}

/** Why a stream can't be written to the destination object that it names; empty if it can. */
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
