/** The output at a terminal. Uses a real pseudo-terminal; if there is none, the tests are skipped with a warning. */
import { beforeAll, describe, expect, it } from '@jest/globals';
import { runConnector } from './support/connector.ts';
import { withHarness, type Harness } from './support/harness.ts';
import { aCatalog, aRecord, aState, aStream } from './support/messages.ts';
import {
  HAS_TERMINAL,
  runInTerminal,
  screenOf,
  visible,
  type TerminalOptions,
} from './support/pseudo-terminal.ts';

const ESCAPE = '\x1b';
const records = [
  ...Array.from({ length: 1_200 }, (_, index) => aRecord({ email: `u${index}@x.com` })),
  aRecord({ name: 'nobody' }),
  aState(1),
].join('');

interface Overrides extends Partial<TerminalOptions> {
  readonly config?: Record<string, unknown>;
}

const writeInTerminal = (harness: Harness, overrides: Overrides = {}) =>
  syncInTerminal('write', harness, overrides);

function syncInTerminal(command: 'write' | 'plan', harness: Harness, overrides: Overrides) {
  const { config, ...options } = overrides;
  const { files } = harness;
  return runInTerminal({
    args: [
      command,
      '--config',
      files.write('config.json', harness.config({ batch_size: 100, requests_per_second: 10, ...config })),
      '--catalog',
      files.write('catalog.json', aCatalog(aStream(), aStream({ name: 'odd\x1b[2Jname' }))),
    ],
    input: records,
    files,
    ...options,
  });
}

const inTerminal = HAS_TERMINAL ? it : it.skip;

describe('at a terminal', () => {
  beforeAll(() => {
    if (!HAS_TERMINAL)
      console.warn('SKIPPED: python3 with pty is not installed, so nothing is tested at a terminal.');
  });

  inTerminal('progress is drawn in place, and a table remains at the end', () =>
    withHarness({}, async (harness) => {
      const { exitCode, raw, lines } = await writeInTerminal(harness);
      expect(exitCode).toBe(0);
      expect(raw.match(/Syncing to Iterable, \d:\d\d/g)?.length).toBeGreaterThan(2);
      for (const words of [
        /read +1,201 {2}records/,
        /delivered +\d+ {2}\d+ users\/s/,
        /waiting +[\d,]+ {2}for Iterable/,
        /rejected +1\b/,
        /calls +\d+ {2}\d+\.\d calls\/s/,
      ])
        expect(raw).toMatch(words);
      const screen = screenOf(raw).join('\n');
      expect(screen).toBe(`┌─────────────┬───────┬───────────┬──────────┐
│ stream      │  read │ delivered │ rejected │
├─────────────┼───────┼───────────┼──────────┤
│ users       │ 1,201 │     1,200 │        1 │
├─────────────┼───────┼───────────┼──────────┤
│ odd?[2Jname │     0 │         0 │        0 │
└─────────────┴───────┴───────────┴──────────┘
13 calls to Iterable, 0 of them retries, in ${/in (\d:\d\d)\./.exec(screen)?.[1] ?? ''}.
Rejected: missing_identifier 1. What each means, and what to do: docs/rejections.md.
They are not kept: set rejected_records, and the next run stores them with their reasons.
`);
      expect(lines.join('\n')).not.toContain(ESCAPE);
      expect(lines.filter((line) => line.includes('"STATE"'))).toHaveLength(1);
    }),
  );

  inTerminal('if the terminal also shows stdout, its lines are not broken by the progress display', () =>
    withHarness({}, async (harness) => {
      const { exitCode, raw } = await writeInTerminal(harness, { showsStdout: true, columns: 300 });
      expect(exitCode).toBe(0);
      const screen = screenOf(raw);
      const messages = screen.filter((line) => line.startsWith('{'));
      expect(messages.length).toBeGreaterThan(12);
      for (const message of messages) expect(() => JSON.parse(message) as unknown).not.toThrow();
      expect(screen.filter((line) => line.includes('Syncing to Iterable'))).toEqual([]);
    }),
  );

  inTerminal('a dry run shows progress, and at the end the plan alone', () =>
    withHarness({}, async (harness) => {
      const { exitCode, raw } = await syncInTerminal('plan', harness, { showsStdout: true });
      expect(exitCode).toBe(0);
      expect(raw).toMatch(/Planning, nothing is written, 0:00[^]* read +[\d,]+ {2}records/);
      const screen = screenOf(raw).join('\n');
      expect(screen).toContain('1,200');
      for (const gone of ['Planning', 'delivered  ', '│']) expect(screen).not.toContain(gone);
    }),
  );

  inTerminal('NO_COLOR is honoured, and lines fit a narrow screen', () =>
    withHarness({}, async (harness) => {
      const { raw } = await writeInTerminal(harness, { env: { NO_COLOR: '1' }, columns: 30 });
      expect(visible(raw)).not.toMatch(/␛\[[\d;]*m/);
      const drawn = visible(raw)
        .split('\r\n')
        .filter((line) => /^(␛\[\w+)*(Syncing| {2}\w)/.test(line));
      expect(drawn.length).toBeGreaterThan(6);
      for (const line of drawn) expect(line.replaceAll(/␛\[\d*[A-Z]/g, '').length).toBeLessThan(30);
    }),
  );

  inTerminal('a dumb terminal gets the table alone', () =>
    withHarness({}, async (harness) => {
      const { raw } = await writeInTerminal(harness, { env: { TERM: 'dumb' } });
      expect(raw).not.toContain(ESCAPE);
      expect(raw).not.toContain('Syncing');
      expect(raw).toContain('│ users ');
    }),
  );

  inTerminal('a failure is shown with its next step, without secrets', () =>
    withHarness({ apiKey: 'a-secret-key' }, async (harness) => {
      harness.standin.intercept = () => ({ status: 401, body: '{"code":"BadApiKey","msg":"a-secret-key"}' });
      const { exitCode, raw } = await writeInTerminal(harness);
      expect(exitCode).toBe(1);
      const screen = screenOf(raw).join('\n');
      expect(screen).toMatch(
        /^Failed: api_key: Iterable refused the key .*\nNext: {3}Change what it names, then try it: destination-iterable check/,
      );
      expect(screen).toContain('(api_key_refused; docs/errors.md says more)');
      expect(screen).not.toContain('a-secret-key');
    }),
  );
});

describe('without a terminal', () => {
  it('stderr is empty, and there are no escape codes, not even if the environment asks for colours', () =>
    withHarness({}, async (harness) => {
      const result = await harness.write(records, {
        env: { PATH: process.env.PATH, FORCE_COLOR: '1', CLICOLOR_FORCE: '1', TERM: 'xterm-256color' },
      });
      expect(result.stderr).toBe('');
      expect(result.lines.join('\n')).not.toContain(ESCAPE);
    }));

  it.each([
    [['--help'], 'Usage:'],
    [['help'], 'Usage:'],
    [['write', '--help'], 'The smallest catalog:'],
    [['help', 'write'], 'The smallest catalog:'],
    [['check', '-h'], 'exits 0 either way'],
    [['discover', '--help'], 'for data activation'],
    [['spec', '--help'], 'Needs no configuration'],
  ])('%j prints help on stdout', async (args, words) => {
    const result = await runConnector({ args, isText: true });
    expect([result.exitCode, result.stderr]).toEqual([0, '']);
    const text = result.lines.join('\n');
    expect(text).toContain(words);
    expect(text).not.toContain(ESCAPE);
  });
});
