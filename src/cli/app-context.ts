/** The app's context as a command has it. */
import type { AppContext } from '../app/context.ts';
import type { CommandContext } from './context.ts';

/** With a display of the sync where there is a terminal; its libraries are loaded when it is asked for. */
export function appContextOf(context: CommandContext): AppContext {
  if (!context.terminal) return context;
  return {
    ...context,
    showSync: async (sync) => (await import('./show-progress.ts')).showProgress(context, sync),
  };
}
