/** Starts the connector as Airbyte does: a shell evaluates AIRBYTE_ENTRYPOINT, in any folder, without HOME. */
import { execFile } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import { promisify } from 'node:util';
import { describe, expect, it } from '@jest/globals';
import { MAIN, runConnector, TestFiles, type Message } from './support/connector.ts';
import { withHarness } from './support/harness.ts';
import { aCatalog, aRecord, aState } from './support/messages.ts';

const env = { AIRBYTE_ENTRYPOINT: `"${process.execPath}" "${MAIN}"` };
const shell = (command: string, cwd: string) => promisify(execFile)('/bin/sh', ['-c', command], { cwd, env });
const messagesOf = (file: string) =>
  readFileSync(file, 'utf8')
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line) as Message);

describe('started by a shell without HOME and PATH, in a folder of Airbyte', () => {
  it('spec writes to a redirected file, and leaves nothing else in the folder', async () => {
    const files = new TestFiles();
    try {
      await shell('eval "$AIRBYTE_ENTRYPOINT spec" > jobOutput.json', files.folder);
      expect(messagesOf(files.path('jobOutput.json')).map(({ type }) => type)).toEqual(['SPEC']);
      expect(readdirSync(files.folder)).toEqual(['jobOutput.json']);
    } finally {
      files.remove();
    }
  });

  it('check and write work with files and pipes in that folder', () =>
    withHarness({}, async (harness) => {
      const { standin, files } = harness;
      const { folder } = files;
      files.write('connectionConfiguration.json', harness.config());
      await shell(
        'eval "$AIRBYTE_ENTRYPOINT check --config connectionConfiguration.json" > jobOutput.json',
        folder,
      );
      expect(messagesOf(files.path('jobOutput.json')).at(-1)?.connectionStatus?.status).toBe('SUCCEEDED');

      files.write('catalog.json', aCatalog());
      files.write('input.jsonl', aRecord({ email: 'a@x.com' }) + aState(1));
      await shell(
        '(eval "$AIRBYTE_ENTRYPOINT write --config connectionConfiguration.json --catalog catalog.json" < input.jsonl 2> errors | cat > output)',
        folder,
      );
      expect(messagesOf(files.path('output')).filter(({ type }) => type === 'STATE')).toHaveLength(1);
      expect(readFileSync(files.path('errors'), 'utf8')).toBe('');
      expect(standin.store.size).toBe(1);
    }));
});

describe('spec', () => {
  it('writes no file and starts no process: it succeeds when neither is permitted', async () => {
    const result = await runConnector({
      args: ['spec'],
      env: { NODE_OPTIONS: '--permission --allow-fs-read=*' },
    });
    expect([result.exitCode, result.messages.map(({ type }) => type)]).toEqual([0, ['SPEC']]);
  });
});

describe('the end of a run', () => {
  /** The milliseconds from the last line of output to the end of the process. */
  async function timeToEnd(run: (onLine: () => void) => Promise<unknown>): Promise<number> {
    let last = NaN;
    await run(() => (last = performance.now()));
    return performance.now() - last;
  }

  it('comes at once after the last line of write, though Iterable keeps connections open', () =>
    withHarness({}, async (harness) => {
      const took = await timeToEnd(async (onLine) => {
        const result = await harness.write(aRecord({ email: 'a@x.com' }) + aState(1), { onLine });
        expect(result.exitCode).toBe(0);
      });
      expect(took).toBeLessThan(2000);
    }));

  it.each(['spec', 'check', 'discover'])(
    'comes at once after that of %s, though stdin stays open',
    (command) =>
      withHarness({}, async (harness) => {
        const config = harness.files.write('config.json', harness.config());
        const took = await timeToEnd(async (onLine) => {
          const result = await runConnector({
            args: command === 'spec' ? [command] : [command, '--config', config],
            keepOpen: true,
            onLine,
            deadlineMs: 10_000,
          });
          expect(result.exitCode).toBe(0);
        });
        expect(took).toBeLessThan(2000);
      }),
  );
});
