/**
 * `write`: reads messages from stdin, delivers their records to Iterable, and emits each state once all records before
 * it are settled.
 */
import { write } from '../app/write.ts';
import { appContextOf } from './app-context.ts';
import type { CommandContext, CommandPaths } from './context.ts';

export async function runWrite(context: CommandContext, paths: CommandPaths): Promise<number> {
  await write(appContextOf(context), paths);
  return 0;
}
