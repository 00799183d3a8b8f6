/** A stream's state in the ledger, as one JSON text. */
import * as z from 'zod';
import { TransientError } from '../errors.ts';

const openSnapshotSchema = z.object({
  /** The generation that it began with, where the sender counts them. */
  generation: z.number().optional(),
  /** Entries that the stream had when it began. */
  entriesAtStart: z.number(),
  hasRecord: z.boolean(),
  /** A record was rejected or skipped that has no key: which rows the snapshot lacks can't be told. */
  hasKeyless: z.boolean(),
});

const streamStateSchema = z.object({
  /** What makes keys comparable: primary key, identify_by, project type. */
  basis: z.string(),
  /** It has changed since the last proven snapshot: which rows the next one lacks can't be told. */
  identityConfigChanged: z.boolean(),
  /** Entries without a higher generation of their own count as of this one. */
  generation: z.number().optional(),
  /** The identity configuration of entries of an older version, which do not say theirs. */
  earlierBasis: z.string().optional(),
  /** Number of the last snapshot that was begun; the entries of its records have it. */
  snapshot: z.number(),
  /** The snapshot that is not proven yet. */
  open: openSnapshotSchema.optional(),
  /** The targets of its mappings; null where every column goes to the field of its own name. */
  targets: z.array(z.string()).nullable(),
});

export type StreamState = z.infer<typeof streamStateSchema>;

/** Undefined for a stream that the ledger has not seen. Throws TransientError when the text can't be read. */
export function readStreamState(text: string): StreamState | undefined {
  if (text === '') return undefined;
  try {
    return streamStateSchema.parse(JSON.parse(text));
  } catch (cause) {
    throw new TransientError('ledger_unavailable', 'The ledger holds a stream’s state that can’t be read.', {
      cause,
    });
  }
}

export function writeStreamState(state: StreamState): string {
  return JSON.stringify(state);
}
