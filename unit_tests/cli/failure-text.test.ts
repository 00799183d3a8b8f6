import { describe, expect, it } from '@jest/globals';
import { failureText } from '../../src/cli/failure-text.ts';
import { colorsOf } from '../../src/cli/terminal.ts';
import { ConfigError, TransientError } from '../../src/errors.ts';

const plain = colorsOf({ isColored: false });

describe('a failure at a terminal', () => {
  it.each([
    [
      new ConfigError(['batch_size: must be at most 1000', 'lists: x'], { code: 'config_invalid' }),
      'Failed: batch_size: must be at most 1000\nlists: x\nNext:   Change what it names, then try it: destination-iterable check --config FILE\n        (config_invalid; docs/errors.md says more)\n',
    ],
    [
      new TransientError('stopped', 'Stopped by \x1b[2JSIGINT.'),
      'Failed: Stopped by ?[2JSIGINT.\nNext:   Run the same command again for the rest, from the last STATE that came out.\n        (stopped; docs/errors.md says more)\n',
    ],
    [
      new TypeError('ada@example.com'),
      'Failed: The connector failed in a way that it should not.\nNext:   Please report it, with the trace on stdout.\n        (system_error; docs/errors.md says more)\n',
    ],
  ])('%s names the next step', (error, text) => {
    expect(failureText(error, plain)).toBe(text);
  });
});
