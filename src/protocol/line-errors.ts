/** Errors about lines that can't be used. They give the line's number and length, never its text. */
import { Buffer } from 'node:buffer';
import { ConfigError, ProtocolError } from '../errors.ts';

/** A line of the input. */
export interface Source {
  readonly text: string;
  /** 1-based. */
  readonly line: number;
}

/** An example of a valid line. */
export const RECORD_EXAMPLE =
  '{"type":"RECORD","record":{"stream":"users","emitted_at":0,"data":{…}}}' as const;

/** Suffix of an error about a line that can't be read and has no newline. */
export const CUT_OFF = ' The input ends within this line: it seems cut off in mid-line.';

/** Identifies a line in an error. */
export function describeLine(line: number, bytes: number): string {
  return `Line ${line} of the input (${bytes} bytes)`;
}

/** The error for a line that begins like a message and can't be read as one. */
export function broken({ text, line }: Source, what: string): ProtocolError {
  return new ProtocolError('broken_message', `${describeLine(line, Buffer.byteLength(text))} ${what}`);
}

/** The error for input that is not Airbyte messages. */
export function notMessages(what: string): ConfigError {
  return new ConfigError([what], { code: 'not_airbyte_messages' });
}
