/** How a line that can't be used is told of: by its number and length, never by its text. */
import { Buffer } from 'node:buffer';
import { ConfigError, ProtocolError } from '../errors.ts';

/** A line of the input. */
export interface Source {
  readonly text: string;
  /** 1-based. */
  readonly line: number;
}

/** What a line of the input looks like. */
export const RECORD_EXAMPLE =
  '{"type":"RECORD","record":{"stream":"users","emitted_at":0,"data":{…}}}' as const;

/** Ends the report of a line that can't be read and that nothing ends. */
export const CUT_OFF = ' The input ends within this line: it seems cut off in mid-line.';

/** Names a line in an error. */
export function describeLine(line: number, bytes: number): string {
  return `Line ${line} of the input (${bytes} bytes)`;
}

/** A line that begins as a message and can't be read as one. */
export function broken({ text, line }: Source, what: string): ProtocolError {
  return new ProtocolError('broken_message', `${describeLine(line, Buffer.byteLength(text))} ${what}`);
}

/** The input is something else than messages. */
export function notMessages(what: string): ConfigError {
  return new ConfigError([what], { code: 'not_airbyte_messages' });
}
