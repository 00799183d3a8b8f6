/** Parses a line of input into a message. Errors give the line's number and length, never its text. */
import type * as z from 'zod';
import { isJsonObject, jsonOrUndefined, withNothingLost, type JsonObject, type JsonValue } from '../json.ts';
import type { StreamId } from '../model.ts';
import { broken, CUT_OFF, type Source } from './line-errors.ts';
import { ignored, readOther, type IgnoredMessage } from './other-messages.ts';
import {
  isStreamStatus,
  recordSchema,
  stateSchema,
  streamStatusSchema,
  traceSchema,
  type StreamStatus,
} from './schemas.ts';
import { toStreamId } from './stream-id.ts';

export interface RecordMessage {
  readonly kind: 'record';
  /** 1-based; blank lines and noise count. */
  readonly line: number;
  readonly stream: StreamId;
  /** As it was sent: numbers keep all of their digits. */
  readonly data: JsonObject;
  /**
   * Columns that were set to null on the way (`meta.changes` with NULLED), so that the null is not the source's value.
   */
  readonly nulledFields: readonly string[];
  /** As it was sent: in milliseconds by the protocol, in seconds by PyAirbyte. */
  readonly emittedAt: number;
  /** The whole line. */
  readonly text: string;
}

export interface StateMessage {
  readonly kind: 'state';
  readonly line: number;
  readonly scope: 'stream' | 'global' | 'legacy';
  /** With scope `stream` only. */
  readonly stream?: StreamId;
  /** The whole line, trimmed. It is emitted verbatim. */
  readonly text: string;
}

export interface StreamStatusMessage {
  readonly kind: 'streamStatus';
  readonly line: number;
  readonly stream: StreamId;
  readonly status: StreamStatus;
}

export type InputMessage = RecordMessage | StateMessage | StreamStatusMessage;

/**
 * Parses the message in `text`, which is line number `line`. Throws ProtocolError `broken_message` if the JSON is
 * invalid or a required part is missing, ConfigError `not_airbyte_messages` if it is a bare row. A line without a
 * newline (`isUnterminated`) was probably cut off, and the error for invalid JSON then says so.
 */
export function parseMessage(
  text: string,
  line: number,
  isUnterminated = false,
): InputMessage | IgnoredMessage {
  const source = { text, line };
  const message = parseObject(source, isUnterminated);
  switch (message.type) {
    case 'RECORD':
      return readRecord(message, source);
    case 'STATE':
      return readState(message, source);
    case 'TRACE':
      return readTrace(message, source) ?? ignored(source, 'known');
    default:
      return readOther(message, source);
  }
}

function parseObject(source: Source, isUnterminated: boolean): JsonObject {
  const message = parseJson(source, isUnterminated);
  if (isJsonObject(message)) return message;
  throw broken(source, "begins like a message but can't be read as one (message: expected object).");
}

function parseJson(source: Source, isUnterminated: boolean): JsonValue {
  try {
    return JSON.parse(source.text) as JsonValue;
  } catch {
    // The SyntaxError quotes the text, so it is not kept as the cause.
    throw broken(
      source,
      `begins like a message but is not valid JSON.${whyNoJson(source.text, isUnterminated)}`,
    );
  }
}

function whyNoJson(text: string, isUnterminated: boolean): string {
  const line = text.trim();
  if (/[,\]]$/.test(line) && jsonOrUndefined(line.replace(/\s*[,\]]+$/, '')) !== undefined)
    return ' It looks like an element of a JSON array: messages stand one a line, without brackets around them and commas between them.';
  if (isUnterminated) return CUT_OFF;
  // Pretty-printed JSON breaks its lines after these.
  return /[{[,]$/.test(line)
    ? ' It looks like JSON that is spread over several lines: each message stands in one line.'
    : '';
}

function readRecord(message: JsonObject, source: Source): RecordMessage {
  const record = usualRecord(message) ?? readUnusualRecord(message, source);
  const exact = withNothingLost(message, source.text);
  return {
    kind: 'record',
    line: source.line,
    stream: toStreamId(record.stream, record.namespace),
    data: exact === message ? record.data : (exact as { record: { data: JsonObject } }).record.data,
    nulledFields: nulledFields(record.meta?.changes),
    emittedAt: record.emitted_at,
    text: source.text,
  };
}

type RecordPart = z.infer<typeof recordSchema>['record'];

/**
 * perf ("Fewer steps for each record" in docs/performance.md): almost every record is checked here, without the cost of the schema. It accepts nothing that the schema would
 * refuse; for everything else it returns undefined, and the schema decides and explains.
 */
function usualRecord(message: JsonObject): RecordPart | undefined {
  if (!isJsonObject(message.record)) return undefined;
  const { stream, namespace, data, emitted_at: emittedAt, meta } = message.record;
  const isUsual =
    typeof stream === 'string' &&
    (namespace === undefined || namespace === null || typeof namespace === 'string') &&
    isJsonObject(data) &&
    Number.isFinite(emittedAt) &&
    (meta === undefined || meta === null || (isJsonObject(meta) && hasNoChanges(meta)));
  return isUsual ? (message.record as RecordPart) : undefined;
}

function readUnusualRecord(message: JsonObject, source: Source): RecordPart {
  // In Singer's messages the stream is next to the record, which contains only the columns.
  if (typeof message.stream === 'string' && isJsonObject(message.record) && message.record.data === undefined)
    throw broken(source, 'looks like a message of a Singer tap: an Airbyte source is needed.');
  return read(recordSchema, message, source).record;
}

function hasNoChanges({ changes }: JsonObject): boolean {
  return changes === undefined || changes === null || (Array.isArray(changes) && changes.length === 0);
}

const NO_FIELDS: readonly string[] = [];

function nulledFields(
  changes: readonly { field: string; change: string }[] | null | undefined,
): readonly string[] {
  if (!changes || changes.length === 0) return NO_FIELDS;
  return changes.filter(({ change }) => change === 'NULLED').map(({ field }) => field);
}

function readState(message: JsonObject, source: Source): StateMessage {
  const { state } = read(stateSchema, message, source);
  const base = { kind: 'state', line: source.line, text: source.text.trim() } as const;
  switch (state.type) {
    case 'STREAM': {
      const { name, namespace } = state.stream.stream_descriptor;
      return { ...base, scope: 'stream', stream: toStreamId(name, namespace) };
    }
    case 'GLOBAL':
      return { ...base, scope: 'global' };
    case 'LEGACY':
      return { ...base, scope: 'legacy' };
  }
}

function readTrace(message: JsonObject, source: Source): StreamStatusMessage | undefined {
  if (read(traceSchema, message, source).trace.type !== 'STREAM_STATUS') return undefined;
  const { stream_descriptor, status } = read(streamStatusSchema, message, source).trace.stream_status;
  if (!isStreamStatus(status)) return undefined;
  const stream = toStreamId(stream_descriptor.name, stream_descriptor.namespace);
  return { kind: 'streamStatus', line: source.line, stream, status };
}

function read<Schema extends z.ZodType>(
  schema: Schema,
  message: JsonObject,
  source: Source,
): z.infer<Schema> {
  const result = schema.safeParse(message);
  if (result.success) return result.data;
  const problems = result.error.issues.map(
    ({ path, message }) => `${path.join('.') || 'message'}: ${message}`,
  );
  throw broken(source, `begins like a message but can't be read as one (${problems.join('; ')}).`);
}
