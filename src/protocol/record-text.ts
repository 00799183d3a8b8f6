/** Cuts a record's data verbatim out of its line: numbers keep their digits, and any depth works. */
import { readObject, skipBlanks } from './json-text.ts';

/** The JSON text of `record.data`. The line must be a valid RECORD message. Throws Error if it has no data. */
export function recordDataText(line: string): string {
  const record = readObject(line, skipBlanks(line, 0), 'record').value;
  const data = record && readObject(line, record.start, 'data').value;
  if (!data) throw new Error('A RECORD message without data');
  return line.slice(data.start, data.end);
}
