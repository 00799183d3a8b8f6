/** What a command is given: everything outside of the program, so that nothing here touches the process. */
import type { Readable, Writable } from 'node:stream';
import type { Clock } from '../clock.ts';
import type { Environment } from '../network/proxies.ts';
import type { MessageWriter } from '../protocol/writer.ts';
import type { Terminal } from './terminal.ts';

export interface CommandContext {
  readonly stdin: Readable;
  /** For commands that print text for people; messages go through the writer. */
  readonly stdout: Writable;
  readonly stderr: Writable;
  /** There when stderr is a screen that a person looks at. */
  readonly terminal?: Terminal | undefined;
  readonly writer: MessageWriter;
  readonly clock: Clock;
  /** The variables of the process's environment. */
  readonly env: Environment;
  /** Aborted by SIGTERM or SIGINT, with the reason as a ConnectorError. */
  readonly stopSignal: AbortSignal;
}

/** A command: gives the exit code of a run without failure, throws otherwise. */
export type Command = (context: CommandContext, paths: CommandPaths) => Promise<number>;

export interface CommandPaths {
  readonly config?: string;
  readonly catalog?: string;
  /** The plan as one JSON document, for machines. */
  readonly json?: boolean;
}
