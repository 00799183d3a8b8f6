/** The parts of the configuration that decide how a record is mapped. */

export type ProjectType = 'hybrid' | 'email' | 'user_id';
export type IdentifyBy = 'email' | 'user_id';
export type MappingType = 'string' | 'long' | 'double' | 'boolean' | 'date' | 'object';

export interface Mapping {
  /** A column; dots reach into objects. */
  readonly source: string;
  /** An Iterable user field; dots build nested objects. */
  readonly target: string;
  readonly type?: MappingType;
  /** Name of the only stream that it applies to. */
  readonly stream?: string;
}

/** The target that identifies a user in requests. */
export function identifyingTarget(identifyBy: IdentifyBy): 'email' | 'userId' {
  return identifyBy === 'email' ? 'email' : 'userId';
}
