/** The program ends because nothing is open any more, not by `process.exit`, which may wait for a thread that waits for it. */
import { expect, it } from '@jest/globals';
import { withHarness, type WriteOptions } from './support/harness.ts';
import { aRecord, aState } from './support/messages.ts';

/** `process.exit` leaves a code of its own. */
const env = {
  PATH: process.env.PATH,
  NODE_OPTIONS: '--import=data:text/javascript,process.exit=()=>process.reallyExit(99)',
};
const ADA = aRecord({ email: 'ada@example.com' });

it.each<[string, string, WriteOptions, number]>([
  ['of a sync that went well', ADA + aState(1), {}, 0],
  ['of one that failed while its input is still open', `${ADA}{"type":\n`, { keepOpen: true }, 1],
  ['of one with a wrong configuration', ADA, { config: { data_center: 'moon' }, keepOpen: true }, 1],
])('comes by itself: %s', (_name, input, options, exitCode) =>
  withHarness({}, async (harness) => {
    expect((await harness.write(input, { ...options, env })).exitCode).toBe(exitCode);
  }),
);

it('comes by itself: with a ledger, a list and rejected records', () =>
  withHarness({}, async (harness) => {
    const config = {
      ledger: { type: 'sqlite', path: harness.files.path('ledger.sqlite') },
      lists: [{ kind: 'all', list: 'Everyone' }],
      rejected_records: { type: 'file', path: harness.files.path('rejected.jsonl') },
    };
    expect((await harness.write(ADA + aState(1), { config, env })).exitCode).toBe(0);
  }));

it('comes by itself after SIGTERM in the middle of an outage', () =>
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

it('comes by itself: check', () =>
  withHarness({}, async (harness) => {
    expect((await harness.check({}, { env })).exitCode).toBe(0);
  }));
