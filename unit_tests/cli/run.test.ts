import { PassThrough } from 'node:stream';
import { describe, expect, it } from '@jest/globals';
import { runProgram } from '../../src/cli/run.ts';
import { systemClock } from '../../src/clock.ts';
import { ConfigError } from '../../src/errors.ts';
import { MessageWriter } from '../../src/protocol/writer.ts';

/** A program whose `spec` command fails with this. */
async function runWithFailure(failure: unknown): Promise<{ exitCode: number; trace: string }> {
  const out = new PassThrough();
  const writer = new MessageWriter(out);
  writer.spec = () => {
    throw failure;
  };
  const exitCode = await runProgram(['spec'], {
    stdin: new PassThrough(),
    stdout: new PassThrough(),
    stderr: new PassThrough(),
    writer,
    clock: systemClock,
    env: {},
    stopSignal: new AbortController().signal,
  });
  return { exitCode, trace: String(out.read()) };
}

describe('an unexpected error', () => {
  it('is reported by its location, never by its message, which may quote a record', async () => {
    const bug = new TypeError('Cannot convert ada@example.com to a BigInt');
    const { exitCode, trace } = await runWithFailure(bug);
    expect(exitCode).toBe(1);
    expect(trace).not.toContain('ada@example.com');
    expect(trace).toContain('"internal_message":"TypeError at ');
    expect(trace).toContain('run.test.ts');
    expect(trace).toContain('"failure_type":"system_error"');
  });

  it('is reported by its code if it is a system error, and by its type if it is no Error', async () => {
    const full = Object.assign(new Error('write /data/ada@example.com'), { code: 'ENOSPC' });
    expect((await runWithFailure(full)).trace).toContain('"internal_message":"Error ENOSPC at ');
    expect((await runWithFailure('ada@example.com')).trace).toContain('"internal_message":"a thrown string"');
  });
});

describe('several problems', () => {
  it.each([
    ['of the configuration', 'config_invalid', 'The configuration has 2 problems:'],
    ['of anything else', 'too_many_removals', '2 problems:'],
  ])('have a heading: %s', async (_name, code, headline) => {
    const { trace } = await runWithFailure(new ConfigError(['one', 'two'], { code }));
    expect(trace).toContain(`"message":"${headline}\\none\\ntwo"`);
  });

  it('do not if there is only one', async () => {
    expect((await runWithFailure(new ConfigError(['one']))).trace).toContain('"message":"one"');
  });
});
