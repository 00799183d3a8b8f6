/** How streams are told apart and named. An absent, a null and an empty namespace are the same: no namespace. */
import type { StreamId } from '../model.ts';

/** Messages of one stream come in a row, and then share it. */
let last: StreamId = { name: '' };

/** A stream's id as messages and catalogs spell it; an empty or null namespace is left out. */
export function toStreamId(name: string, namespace: string | null | undefined): StreamId {
  if (name !== last.name || (namespace || undefined) !== last.namespace)
    last = Object.freeze(namespace ? { name, namespace } : { name });
  return last;
}

/** The same text for the same stream, and never for two: the namespace's length goes first, so that a dot in a name can't mislead. */
export function streamKey({ name, namespace = '' }: StreamId): string {
  return `${namespace.length}:${namespace}.${name}`;
}

/** The stream as people write it: `namespace.name`, or `name`. For reading only; two streams may share it. */
export function describeStream({ name, namespace }: StreamId): string {
  return namespace ? `${namespace}.${name}` : name;
}
