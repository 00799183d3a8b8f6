/** The store for records that can never be delivered, so that the user can fix them and send them again. */
import type { Rejection, StreamId } from '../model.ts';

export interface RejectedRecord {
  readonly stream: StreamId;
  /** The record's `emitted_at`, as the source sent it. */
  readonly emittedAt: number;
  /** The line of the input, from 1. */
  readonly line: number;
  readonly rejection: Rejection;
  /** The record's data as JSON text, as it was sent. */
  readonly dataText: string;
}

/** Stores rejected records in order. After a crash, the next run may store a record a second time. */
export interface RejectedRecords {
  /** Adds a record to the buffer; it is stored by the next {@link flush} at the latest. */
  add(record: RejectedRecord): void;
  /** Back-pressure: resolves at once, or, if the buffer is too large, when it is stored. */
  untilRoom(): Promise<void>;
  /** Resolves when every record added so far is stored durably. Rejects with a ConnectorError. */
  flush(): Promise<void>;
  /** Flushes and closes what is open. */
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
  // Uses the original text of the data, so that numbers keep their digits. Some readers take a carriage return between tokens for a line break.
  return `${head.slice(0, -1)},"data":${dataText.replaceAll('\r', ' ')}}\n`;
}
