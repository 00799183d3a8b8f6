/**
 * Parses argv into a command and paths. Invalid usage throws a UsageError, whose message goes to stderr with the usage.
 */
import { parseArgs } from 'node:util';
import { UsageError } from '../errors.ts';
import type { CommandPaths } from './context.ts';

export type CommandName = 'spec' | 'check' | 'discover' | 'write' | 'plan';

export interface Invocation {
  readonly command: CommandName | 'help';
  readonly paths: CommandPaths;
  /** The command to show help for; without it, help for all of them. */
  readonly topic?: CommandName;
}

/** Each command's required flags. */
const COMMANDS: Readonly<Record<CommandName, readonly ('config' | 'catalog')[]>> = {
  spec: [],
  check: ['config'],
  discover: ['config'],
  write: ['config', 'catalog'],
  plan: ['config', 'catalog'],
};

/** Reads the arguments after the program's name. Throws UsageError. */
export function parseArguments(args: readonly string[]): Invocation {
  const { values, positionals } = parse(args);
  const [command, ...rest] = positionals;
  if (values.help === true || command === 'help') {
    const topic = command === 'help' ? rest[0] : command;
    return { command: 'help', paths: {}, ...(topic !== undefined && isCommand(topic) ? { topic } : {}) };
  }
  if (command === undefined) throw new UsageError('No command given.');
  if (!isCommand(command)) throw new UsageError(`Unknown command: ${command}`);
  if (rest.length > 0) throw new UsageError(`Unexpected argument: ${rest.join(' ')}`);
  const missing = COMMANDS[command].filter((flag) => (values[flag] ?? '') === '');
  if (missing.length > 0)
    throw new UsageError(
      `${command} needs ${missing.map((flag) => `--${flag} FILE`).join(' and ')}. Examples: destination-iterable ${command} --help`,
    );
  if (values.json === true && command !== 'plan') throw new UsageError(`${command} has no --json; plan has.`);
  return {
    command,
    paths: {
      ...(values.json === true ? { json: true } : {}),
      ...(values.config === undefined ? {} : { config: values.config }),
      ...(values.catalog === undefined ? {} : { catalog: values.catalog }),
    },
  };
}

function parse(args: readonly string[]) {
  try {
    return parseArgs({
      args: [...args],
      allowPositionals: true,
      options: {
        config: { type: 'string' },
        catalog: { type: 'string' },
        // An option of sources; some orchestrators pass it to every connector.
        state: { type: 'string' },
        json: { type: 'boolean' },
        help: { type: 'boolean', short: 'h' },
      },
    });
  } catch (error) {
    throw new UsageError((error as Error).message);
  }
}

function isCommand(word: string): word is CommandName {
  return Object.hasOwn(COMMANDS, word);
}
