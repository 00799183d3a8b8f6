/** Where records go that can never be delivered, so that somebody can fix and send them again. */
import type { Rejection, StreamId } from '../model.ts';

export interface RejectedRecord {
  readonly stream: StreamId;
  /** As the source sent it. */
  readonly emittedAt: number;
  /** Of the input; 1-based. */
  readonly line: number;
  readonly rejection: Rejection;
  /** The record's data as JSON text, as it was sent. */
  readonly dataText: string;
}

/** A store that takes rejected records in order. After a crash it may hold a record twice. */
export interface RejectedRecords {
  /** Takes a record; it is stored at the latest when {@link flush} is told to. */
  add(record: RejectedRecord): void;
  /** Resolves at once, or as soon as what waits to be stored fits into memory comfortably. */
  untilRoom(): Promise<void>;
  /** Resolves when every record taken so far is stored for good. Rejects with a ConnectorError. */
  flush(): Promise<void>;
  /** Flushes and lets go of what is open. */
  close(): Promise<void>;
}

/** One line of JSON, newline included: `{stream, namespace?, emitted_at, line, code, field?, reason, answer?, data}`. */
export function rejectedRecordLine({ stream, emittedAt, line, rejection, dataText }: RejectedRecord): string {
  const { code, field, reason, answer } = rejection;
  const head = JSON.stringify({
    stream: stream.name,
    namespace: stream.namespace,
    emitted_at: emittedAt,
    line,
    code,
    field,
    reason,
    answer,
  });
  // The data's own text, so that numbers keep their digits; a carriage return between its tokens would break the line for some.
  return `${head.slice(0, -1)},"data":${dataText.replaceAll('\r', ' ')}}\n`;
}
