/**
 * Lines that are neither a record nor a state nor a trace: messages that a destination does not use, and rows that
 * resemble messages.
 */
import { Buffer } from 'node:buffer';
import { isJsonObject, type JsonObject, type JsonValue } from '../json.ts';
import { broken, describeLine, notMessages, RECORD_EXAMPLE, type Source } from './line-errors.ts';

/** A line that is read and then ignored. */
export interface IgnoredMessage {
  readonly kind: 'ignored';
  readonly line: number;
  readonly bytes: number;
  /**
   * - `known`: a message of the protocol that a destination does not use.
   * - `unknown`: a type that the protocol does not have, or not yet.
   * - `row`: also an unknown type, but the line looks like a row that happens to have a column `type`.
   */
  readonly what: 'known' | 'unknown' | 'row';
}

/** Message type → the property with its contents. Source: airbyte_protocol.yaml, AirbyteMessage. */
const BODIES: ReadonlyMap<string, string> = new Map([
  ['RECORD', 'record'],
  ['STATE', 'state'],
  ['LOG', 'log'],
  ['SPEC', 'spec'],
  ['CONNECTION_STATUS', 'connectionStatus'],
  ['CATALOG', 'catalog'],
  ['TRACE', 'trace'],
  ['CONTROL', 'control'],
  ['DESTINATION_CATALOG', 'destination_catalog'],
]);

export function ignored({ text, line }: Source, what: IgnoredMessage['what']): IgnoredMessage {
  return { kind: 'ignored', line, bytes: Buffer.byteLength(text), what };
}

/**
 * Ignores messages of other types, including types that the protocol may add. Throws ProtocolError `broken_message` if
 * the type is missing or misspelled, or if a record or a state comes under another type; ConfigError
 * `not_airbyte_messages` for a bare row.
 */
export function readOther(message: JsonObject, source: Source): IgnoredMessage {
  const { type, ...others } = message;
  if (typeof type !== 'string') {
    const isMissing = type === undefined || type === null;
    if (Object.entries(others).some(([name, value]) => value !== null && !isBody(name, value)))
      throw bareRow(source);
    if (!isMissing && Object.keys(others).length === 0) throw bareRow(source);
    const problem = isMissing ? 'is missing' : 'must be text';
    throw broken(source, `begins like a message but can't be read as one (type: ${problem}).`);
  }
  if (BODIES.has(type)) return ignored(source, 'known');
  const meant = protocolTypeLike(type);
  if (meant !== undefined) {
    const isMessage = isJsonObject(others[BODIES.get(meant) ?? '']) || Object.keys(others).length === 0;
    if (!isMessage) throw bareRow(source);
    throw broken(source, `has a type that must be written ${meant}, in capitals and without blanks.`);
  }
  const carried = carries(others);
  if (carried !== undefined)
    throw broken(source, `carries a ${carried.toLowerCase()}, but its type is not ${carried}.`);
  return ignored(source, isLikeRow(type, others) ? 'row' : 'unknown');
}

function bareRow({ text, line }: Source): Error {
  return notMessages(
    `${describeLine(line, Buffer.byteLength(text))} is a bare JSON row, not an Airbyte message; wrap each row: ${RECORD_EXAMPLE}`,
  );
}

function isBody(name: string, value: JsonValue | undefined): boolean {
  return [...BODIES.values()].includes(name) && isJsonObject(value);
}

/** The protocol's type that differs only in case, whitespace, hyphens and underscores. */
function protocolTypeLike(type: string): string | undefined {
  const folded = (name: string) => name.replace(/[\s_-]/g, '').toUpperCase();
  return [...BODIES.keys()].find((known) => folded(known) === folded(type));
}

/** A row may well have a column called `record` or `state`, but hardly one with this structure. */
function carries({ record, state }: JsonObject): 'RECORD' | 'STATE' | undefined {
  if (isJsonObject(record) && typeof record.stream === 'string' && isJsonObject(record.data)) return 'RECORD';
  const isState = isJsonObject(state) && (['STREAM', 'GLOBAL', 'LEGACY'] as unknown[]).includes(state.type);
  return isState ? 'STATE' : undefined;
}

/** Types of the protocol are in capitals, and its messages contain only objects. */
function isLikeRow(type: string, others: JsonObject): boolean {
  const isLikeType = /^[A-Z][A-Z_]*$/.test(type);
  return !isLikeType || Object.values(others).some((value) => value !== null && !isJsonObject(value));
}
