/** The context of a command: the app's context, the output streams and the terminal. */
import type { Writable } from 'node:stream';
import type { AppContext, InputPaths } from '../app/context.ts';
import type { Terminal } from './terminal.ts';

export interface CommandContext extends AppContext {
  /** For commands that print text for users; messages go through the writer. */
  readonly stdout: Writable;
  readonly stderr: Writable;
  /** Set if stderr is a terminal. */
  readonly terminal?: Terminal | undefined;
}

/** A command. Returns the exit code if it does not fail, and throws otherwise. */
export type Command = (context: CommandContext, paths: CommandPaths) => Promise<number>;

export interface CommandPaths extends InputPaths {
  /** Whether to print the plan as one JSON document, for programs. */
  readonly json?: boolean;
}
