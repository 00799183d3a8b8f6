/** What a command is given: the app's context, and the streams and the screen of a command line. */
import type { Writable } from 'node:stream';
import type { AppContext, InputPaths } from '../app/context.ts';
import type { Terminal } from './terminal.ts';

export interface CommandContext extends AppContext {
  /** For commands that print text for people; messages go through the writer. */
  readonly stdout: Writable;
  readonly stderr: Writable;
  /** There when stderr is a screen that a person looks at. */
  readonly terminal?: Terminal | undefined;
}

/** A command: gives the exit code of a run without failure, throws otherwise. */
export type Command = (context: CommandContext, paths: CommandPaths) => Promise<number>;

export interface CommandPaths extends InputPaths {
  /** The plan as one JSON document, for machines. */
  readonly json?: boolean;
}
