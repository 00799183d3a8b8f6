/**
 * Describes a failure to the user at a terminal: what happened, and what to do next. The trace on stdout has the same
 * information for programs.
 */
import { ConnectorError, type FailureType } from '../errors.ts';
import { printable, type Colors } from './terminal.ts';

/** Next steps for single codes; all other codes have the step of their failure type. */
const STEPS: Readonly<Record<string, string>> = {
  file_unreadable: 'Check the path, and that you may read the file.',
  catalog_invalid: 'See the smallest catalog: destination-iterable write --help',
  unknown_stream: 'Add the stream to the file of --catalog.',
  too_many_fields: 'Do one of what it names, then run the same command again.',
  not_airbyte_messages: 'See what the input has to look like: destination-iterable write --help',
  all_rejected: 'Correct what it names, then run the same command again: delivering twice does no harm.',
  too_many_rejected: 'Correct the mappings or the rows, then run the same command again.',
  too_many_removals:
    'See whether the source sent too few. If they are to go, raise max_removals_percent for one sync.',
  source_incomplete: 'Run the source again, from the last STATE that came out.',
  stopped: 'Run the same command again for the rest, from the last STATE that came out.',
};
const STEPS_OF_TYPE: Readonly<Record<FailureType, string>> = {
  config_error: 'Change what it names, then try it: destination-iterable check --config FILE',
  transient_error: 'Nothing is lost. Run the same command again later, from the last STATE that came out.',
  system_error: 'Fix the input if it names a line of it; else please report this with the log.',
};

/** What the user should do next. */
export function nextStep({ code, failureType }: Pick<ConnectorError, 'code' | 'failureType'>): string {
  return STEPS[code] ?? STEPS_OF_TYPE[failureType];
}

/** Ends in a line break. */
export function failureText(error: unknown, colors: Colors): string {
  const [message, code, step] =
    error instanceof ConnectorError
      ? [error.message, error.code, nextStep(error)]
      : [
          'The connector failed in a way that it should not.',
          'system_error',
          'Please report it, with the trace on stdout.',
        ];
  return [
    `${colors.red('Failed:')} ${printable(message)}`,
    `${colors.bold('Next:')}   ${step}`,
    colors.dim(`        (${code}; docs/errors.md says more)`),
    '',
  ].join('\n');
}
