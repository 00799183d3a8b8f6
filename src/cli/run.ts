/** Runs one command and turns any error into one TRACE ERROR and an exit code. The only catch-all. */
import { ConfigError, ConnectorError, UsageError } from '../errors.ts';
import { ApiError } from '../iterable/errors.ts';
import type { MessageWriter } from '../protocol/writer.ts';
import type { Command, CommandContext } from './context.ts';
import { print } from './print.ts';
import { parseArguments, type CommandName } from './program.ts';

/** Loaded lazily: `spec` must start fast. */
const LOADERS: Readonly<Record<CommandName, () => Promise<Command>>> = {
  spec: async () => (await import('./spec.ts')).runSpec,
  check: async () => (await import('../app/check.ts')).runCheck,
  discover: async () => (await import('./discover.ts')).runDiscover,
  write: async () => (await import('./write.ts')).runWrite,
  plan: async () => (await import('./plan.ts')).runPlan,
};

const loadHelp = () => import('./help.ts');

/** Runs the program with these arguments (those after its name) and returns the exit code. Never rejects. */
export async function runProgram(args: readonly string[], context: CommandContext): Promise<number> {
  try {
    const { command, paths, topic } = parseArguments(args);
    if (command === 'help') {
      // To stdout, so that it can be paged or searched.
      await print(context.stdout, (await loadHelp()).helpText(topic));
      return 0;
    }
    const run = await LOADERS[command]();
    return await run(context, paths);
  } catch (error) {
    // stdout is closed; there is no one to report to.
    if (context.writer.isClosed) return 1;
    if (error instanceof UsageError) context.stderr.write(`${error.message}\n\n${(await loadHelp()).USAGE}`);
    else await showFailure(context, error);
    await traceFailure(context.writer, error);
    return context.stopSignal.aborted ? STOPPED_EXIT_CODE : 1;
  }
}

/** 128 + SIGTERM by convention; orchestrators accept it when they shut down. */
export const STOPPED_EXIT_CODE = 143;

/** For a user at a terminal, who may have redirected stdout. */
async function showFailure({ terminal, stderr, writer }: CommandContext, error: unknown): Promise<void> {
  if (!terminal) return;
  const [{ failureText }, { colorsOf }] = await Promise.all([
    import('./failure-text.ts'),
    import('./terminal.ts'),
  ]);
  stderr.write(writer.redacted(failureText(error, colorsOf(terminal))));
}

async function traceFailure(writer: MessageWriter, error: unknown): Promise<void> {
  if (error instanceof ConnectorError) {
    await writer.traceError({
      message: headline(error) + error.message,
      internalMessage: [error.code, causeOf(error)].filter(Boolean).join(': '),
      failureType: error.failureType,
    });
    return;
  }
  await writer.traceError({
    message: 'The connector failed in a way that it should not. Please report it with the log.',
    ...describeBug(error),
    failureType: 'system_error',
  });
}

/** Heading of several problems: each says where it is, but not that there are others. */
function headline(error: ConnectorError): string {
  if (!(error instanceof ConfigError) || error.problems.length < 2) return '';
  const count = `${error.problems.length} problems:\n`;
  return error.code === 'config_invalid' ? `The configuration has ${count}` : count;
}

/**
 * An unexpected error's message may quote a record (`Cannot convert ada@example.com to a BigInt`), so only its
 * location, or the API call, is reported.
 */
function describeBug(error: unknown): { internalMessage: string; stackTrace?: string } {
  if (!(error instanceof Error)) return { internalMessage: `a thrown ${typeof error}` };
  const frames = (error.stack ?? '').split('\n').filter((line) => /^\s+at /.test(line));
  const code = (error as NodeJS.ErrnoException).code;
  const kind = error instanceof ApiError ? error.message : [error.name, code].filter(Boolean).join(' ');
  return {
    internalMessage: `${kind} ${frames[0]?.trim() ?? 'at an unknown place'}`,
    ...(frames.length > 0 ? { stackTrace: [error.name, ...frames].join('\n') } : {}),
  };
}

function causeOf(error: Error): string | undefined {
  return error.cause instanceof Error ? error.cause.message : undefined;
}
