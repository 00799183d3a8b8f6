/** Makes the app's context from a command's. */
import type { AppContext } from '../app/context.ts';
import type { CommandContext } from './context.ts';

/** With a progress display if there is a terminal; its libraries are loaded only when it is shown. */
export function appContextOf(context: CommandContext): AppContext {
  if (!context.terminal) return context;
  return {
    ...context,
    showSync: async (sync) => (await import('./show-progress.ts')).showProgress(context, sync),
  };
}
