/** `write`: reads messages from stdin, delivers their records to Iterable, and gives each state back once it is true. */
import { write } from '../app/write.ts';
import { appContextOf } from './app-context.ts';
import type { CommandContext, CommandPaths } from './context.ts';

export async function runWrite(context: CommandContext, paths: CommandPaths): Promise<number> {
  await write(appContextOf(context), paths);
  return 0;
}
