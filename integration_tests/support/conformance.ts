/**
 * The rules for stdout that every run must keep, whatever its input. Written from the Airbyte protocol, independently of the
 * connector.
 */
type Json = Record<string, unknown>;
type Check = (body: Json) => boolean;

const isObject = (value: unknown): value is Json =>
  typeof value === 'object' && value !== null && !Array.isArray(value);
const isText = (value: unknown) => typeof value === 'string';
const isOneOf = (values: readonly string[], value: unknown) => values.includes(value as string);
const isCount = (value: unknown) => value === undefined || (typeof value === 'number' && value >= 0);

const LEVELS = ['FATAL', 'ERROR', 'WARN', 'INFO', 'DEBUG', 'TRACE'];
const FAILURES = ['config_error', 'transient_error', 'system_error'];
/** For the years 2001 to 2286, milliseconds since 1970 have 13 digits, and seconds have 10. */
const isMilliseconds = (value: unknown) => typeof value === 'number' && value >= 1e12 && value < 1e13;

/** Message type → the property that holds its body, and a check of the body. */
const MESSAGES: Readonly<Record<string, { readonly body: string; readonly isRight: Check }>> = {
  LOG: {
    body: 'log',
    isRight: ({ level, message }) => isOneOf(LEVELS, level) && isText(message) && message !== '',
  },
  STATE: {
    body: 'state',
    isRight: ({ type, stream, global, destinationStats }) =>
      (type === 'STREAM'
        ? isObject(stream) && isObject(stream.stream_descriptor)
        : type === 'GLOBAL'
          ? isObject(global)
          : type === undefined || type === null || type === 'LEGACY') &&
      isObject(destinationStats) &&
      isCount(destinationStats.recordCount) &&
      isCount(destinationStats.rejectedRecordCount),
  },
  TRACE: {
    body: 'trace',
    isRight: ({ type, emitted_at, error }) =>
      type === 'ERROR' &&
      isMilliseconds(emitted_at) &&
      isObject(error) &&
      isText(error.message) &&
      error.message !== '' &&
      isOneOf(FAILURES, error.failure_type),
  },
  CONNECTION_STATUS: {
    body: 'connectionStatus',
    isRight: ({ status, message }) => isOneOf(['SUCCEEDED', 'FAILED'], status) && isText(message),
  },
  SPEC: {
    body: 'spec',
    isRight: ({ connectionSpecification, documentationUrl, supported_destination_sync_modes: modes }) =>
      isObject(connectionSpecification) && isText(documentationUrl) && Array.isArray(modes),
  },
  DESTINATION_CATALOG: {
    body: 'destination_catalog',
    isRight: ({ operations }) => Array.isArray(operations),
  },
};

/** Returns descriptions of the rules that the run broke. A killed run is only checked for valid messages. */
export function brokenRules({ lines, exitCode, signal, stdoutWasClosed }: Run): string[] {
  const broken: string[] = [];
  const counts = new Map<string, number>();
  for (const line of lines) {
    const type = typeOf(line);
    counts.set(type, (counts.get(type) ?? 0) + 1);
    if (type === 'invalid') broken.push(`not a valid destination message: ${line.slice(0, 300)}`);
  }
  if (signal !== null || stdoutWasClosed) return broken;
  const traces = counts.get('TRACE') ?? 0;
  if (exitCode === 0 && traces > 0) broken.push('exit code 0 with an error trace');
  if (exitCode !== 0 && traces !== 1)
    broken.push(`exit code ${exitCode ?? 'none'} with ${traces} error traces instead of one`);
  if (traces === 1 && typeOf(lines.at(-1) ?? '') !== 'TRACE') broken.push('output after the error trace');
  for (const last of ['SPEC', 'CONNECTION_STATUS', 'DESTINATION_CATALOG']) {
    if ((counts.get(last) ?? 0) > 1) broken.push(`more than one ${last}`);
    if (counts.has(last) && typeOf(lines.at(-1) ?? '') !== last) broken.push(`output after ${last}`);
  }
  return broken;
}

interface Run {
  /** The lines of stdout. */
  readonly lines: readonly string[];
  readonly exitCode: number | null;
  readonly signal: string | null;
  readonly stdoutWasClosed: boolean;
}

function typeOf(line: string): string {
  try {
    const message: unknown = JSON.parse(line);
    if (!isObject(message) || typeof message.type !== 'string') return 'invalid';
    const rule = MESSAGES[message.type];
    const body = rule && message[rule.body];
    return isObject(body) && rule?.isRight(body) === true ? message.type : 'invalid';
  } catch {
    return 'invalid';
  }
}
