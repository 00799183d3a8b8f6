/**
 * Failures that end a command. Each class calls for a different reaction of the operator or the orchestrator. A bad
 * record is never one of these: it is a value (see `Outcome` in model.ts).
 */

/** Airbyte's failure types, which say who has to act; see AirbyteErrorTraceMessage in the protocol. */
export type FailureType = 'config_error' | 'transient_error' | 'system_error';

/** Base of all failures that have a message for the operator. `code` is stable and documented in docs/errors.md. */
export abstract class ConnectorError extends Error {
  abstract readonly failureType: FailureType;
  readonly code: string;

  constructor(code: string, message: string, options?: { cause?: unknown }) {
    super(message, options);
    this.code = code;
    this.name = new.target.name;
  }
}

/** The command line is invalid; the usage text goes to stderr. */
export class UsageError extends ConnectorError {
  readonly failureType = 'config_error';

  constructor(message: string) {
    super('usage', message);
  }
}

/** The operator can fix it. Lists every problem found, each naming its key. */
export class ConfigError extends ConnectorError {
  readonly failureType = 'config_error';
  readonly problems: readonly string[];

  constructor(problems: readonly string[], options?: { code?: string; cause?: unknown }) {
    super(options?.code ?? 'config_invalid', problems.join('\n'), options);
    this.problems = problems;
  }
}

/** The input is malformed. The message has the line's number and length, never its text. */
export class ProtocolError extends ConnectorError {
  readonly failureType = 'system_error';
}

/** Iterable or the source failed in a way that may be temporary; states are held back, so nothing is lost. */
export class TransientError extends ConnectorError {
  readonly failureType = 'transient_error';
}

/** Shortens a name for an error or a log line; a name that was cut ends in `…`. */
export function shortened(name: string, maxLength: number): string {
  return name.length > maxLength ? `${name.slice(0, maxLength)}…` : name;
}
