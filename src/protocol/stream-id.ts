/** Ids and display names of streams. An absent, a null and an empty namespace are the same: no namespace. */
import type { StreamId } from '../model.ts';

/** Consecutive messages are mostly of one stream, and then share its id object. */
let last: StreamId = { name: '' };

/** The id of a stream in a message or catalog; an empty or null namespace is left out. */
export function toStreamId(name: string, namespace: string | null | undefined): StreamId {
  if (name !== last.name || (namespace || undefined) !== last.namespace)
    last = Object.freeze(namespace ? { name, namespace } : { name });
  return last;
}

/**
 * A unique key of the stream. It starts with the length of the namespace, so that dots in names can't cause collisions.
 */
export function streamKey({ name, namespace = '' }: StreamId): string {
  return `${namespace.length}:${namespace}.${name}`;
}

/** The display name: `namespace.name`, or `name`. Not unique: two streams can have the same one. */
export function describeStream({ name, namespace }: StreamId): string {
  return namespace ? `${namespace}.${name}` : name;
}
