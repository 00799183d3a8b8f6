/** argv → command and paths. Wrong usage is a UsageError, whose text goes to stderr with the usage. */
import { parseArgs } from 'node:util';
import { UsageError } from '../errors.ts';
import type { CommandPaths } from './context.ts';

export type CommandName = 'spec' | 'check' | 'discover' | 'write';

export interface Invocation {
  readonly command: CommandName | 'help';
  readonly paths: CommandPaths;
}

/** Each command's required flags. */
const COMMANDS: Readonly<Record<CommandName, readonly ('config' | 'catalog')[]>> = {
  spec: [],
  check: ['config'],
  discover: ['config'],
  write: ['config', 'catalog'],
};

export const USAGE = `destination-iterable: an Airbyte destination for Iterable

Usage:
  destination-iterable spec                               print what can be configured
  destination-iterable check --config FILE                try the configuration against Iterable
  destination-iterable discover --config FILE             print the user fields, for data activation
  destination-iterable write --config FILE --catalog FILE read Airbyte messages on stdin, deliver them

Messages go to stdout, one JSON object a line. FILE is JSON whatever its name ends in.

Example:
  cat messages.jsonl | destination-iterable write --config config.json --catalog catalog.json
`;

/** Reads the arguments after the program's name. Throws UsageError. */
export function parseArguments(args: readonly string[]): Invocation {
  const { values, positionals } = parse(args);
  const [command, ...rest] = positionals;
  if (values.help === true || command === 'help') return { command: 'help', paths: {} };
  if (command === undefined) throw new UsageError('No command given.');
  if (!isCommand(command)) throw new UsageError(`Unknown command: ${command}`);
  if (rest.length > 0) throw new UsageError(`Unexpected argument: ${rest.join(' ')}`);
  const missing = COMMANDS[command].filter((flag) => (values[flag] ?? '') === '');
  if (missing.length > 0)
    throw new UsageError(`${command} needs ${missing.map((flag) => `--${flag} FILE`).join(' and ')}.`);
  return {
    command,
    paths: {
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
        // Belongs to sources; some orchestrators pass it to everyone.
        state: { type: 'string' },
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
