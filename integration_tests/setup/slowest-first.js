import Sequencer from '@jest/test-sequencer';

/** Longest first, so that no worker is left with a long file at the end. */
const SLOWEST = [
  'pyairbyte/pyairbyte',
  'ledger/snapshots',
  'crashes',
  'ledger/removal-worlds',
  'sequences',
  'ledger/unusable',
  'storms',
  'ledger/removal-by-absence',
  'discover',
  'faults',
];

/** Starts the files that take longest first; Jest alone knows only of runs on the same machine before. */
export default class SlowestFirst extends Sequencer {
  sort(tests) {
    const rank = ({ path }) => {
      const at = SLOWEST.findIndex((name) => path.endsWith(`integration_tests/${name}.test.ts`));
      return at === -1 ? SLOWEST.length : at;
    };
    return super.sort(tests).sort((a, b) => rank(a) - rank(b));
  }
}
