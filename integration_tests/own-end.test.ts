/** The program ends because nothing keeps it alive, without `process.exit`, which may deadlock with a thread. */
import { expect, it } from '@jest/globals';
import { withHarness, type WriteOptions } from './support/harness.ts';
import { aRecord, aState } from './support/messages.ts';

/** Makes `process.exit` use a special exit code. */
const env = {
  PATH: process.env.PATH,
  NODE_OPTIONS: '--import=data:text/javascript,process.exit=()=>process.reallyExit(99)',
};
const ADA = aRecord({ email: 'ada@example.com' });

it.each<[string, string, WriteOptions, number]>([
  ['after a successful sync', ADA + aState(1), {}, 0],
  ['after a sync that fails while its input is still open', `${ADA}{"type":\n`, { keepOpen: true }, 1],
  ['with a wrong configuration', ADA, { config: { data_center: 'moon' }, keepOpen: true }, 1],
])('the program ends by itself %s', (_name, input, options, exitCode) =>
  withHarness({}, async (harness) => {
    expect((await harness.write(input, { ...options, env })).exitCode).toBe(exitCode);
  }),
);

it('the program ends by itself with a ledger, a list and rejected records', () =>
  withHarness({}, async (harness) => {
    const config = {
      ledger: { type: 'sqlite', path: harness.files.path('ledger.sqlite') },
      lists: [{ kind: 'all', list: 'Everyone' }],
      rejected_records: { type: 'file', path: harness.files.path('rejected.jsonl') },
    };
    expect((await harness.write(ADA + aState(1), { config, env })).exitCode).toBe(0);
  }));

it('the program ends by itself after SIGTERM during an outage', () =>
  withHarness({}, async (harness) => {
    let kill: () => void = () => undefined;
    harness.standin.intercept = () => {
      kill();
      return { status: 503 };
    };
    const onSpawn: WriteOptions['onSpawn'] = (child) => {
      kill = () => child.kill('SIGTERM');
    };
    expect((await harness.write(ADA, { keepOpen: true, onSpawn, env })).exitCode).toBe(143);
  }));

it('the program ends by itself after check', () =>
  withHarness({}, async (harness) => {
    expect((await harness.check({}, { env })).exitCode).toBe(0);
  }));
