import { spawnSync } from 'node:child_process';
import { closeSync, existsSync, openSync } from 'node:fs';
import { describe, expect, it } from '@jest/globals';
import { MAIN } from './support/connector.ts';
import { withHarness } from './support/harness.ts';
import { aRecord, aState } from './support/messages.ts';
import { userLines } from './support/with-users.ts';

describe('a run that is stopped', () => {
  it('by SIGTERM: waits for the call in flight, returns the states of delivered records, exits non-zero with one trace', () =>
    withHarness({ latencyMs: 300 }, async (harness) => {
      let kill: () => void = () => undefined;
      harness.standin.intercept = ({ path }) => {
        if (path.endsWith('/bulkUpdate')) kill();
        return undefined;
      };
      const result = await harness.write(
        [...userLines(1000), aState(1), aRecord({ email: 'late@x.com' }), aState(2)],
        {
          keepOpen: true,
          onSpawn: (child) => {
            kill = () => child.kill('SIGTERM');
          },
        },
      );
      expect(result.exitCode).toBe(143);
      expect(result.errors).toMatchObject([{ failure_type: 'transient_error' }]);
      expect(result.states.map((state) => state.includes('"cursor":1}'))).toEqual([true]);
      expect(harness.standin.store.size).toBe(1000);
    }));

  it('by SIGTERM before the first record: ends at once, even during an outage', () =>
    withHarness({}, async (harness) => {
      let kill: () => void = () => undefined;
      harness.standin.intercept = () => {
        kill();
        return { status: 503 };
      };
      const result = await harness.write('', {
        keepOpen: true,
        onSpawn: (child) => {
          kill = () => child.kill('SIGTERM');
        },
      });
      expect(result.exitCode).toBe(143);
      expect(result.errors).toMatchObject([{ failure_type: 'transient_error' }]);
    }));

  it('by SIGINT: as by SIGTERM; waits at most 8 seconds for a call that is never answered', () =>
    withHarness({}, async (harness) => {
      let interrupt: () => void = () => undefined;
      harness.standin.intercept = ({ path }) => {
        if (!path.endsWith('/bulkUpdate')) return undefined;
        interrupt();
        return { hang: true };
      };
      const result = await harness.write([aState(1), aRecord({ email: 'a@x.com' }), aState(2)], {
        onSpawn: (child) => {
          interrupt = () => child.kill('SIGINT');
        },
        deadlineMs: 14_000,
      });
      expect(result.exitCode).toBe(143);
      expect(result.errors).toMatchObject([
        { failure_type: 'transient_error', message: expect.stringContaining('SIGINT') },
      ]);
      expect(result.states.map((state) => state.includes('"cursor":1}'))).toEqual([true]);
    }));

  it('by SIGTERM while its output is not read: does not wait forever', () =>
    withHarness({ latencyMs: 100 }, async (harness) => {
      let kill: () => void = () => undefined;
      harness.standin.intercept = ({ path }) => {
        if (path.endsWith('/bulkUpdate')) kill();
        return undefined;
      };
      // More output than the pipe between the processes can buffer.
      const result = await harness.write([aRecord({ email: 'a@x.com' }), aState('a'.repeat(2_000_000))], {
        onSpawn: (child) => {
          kill = () => child.kill('SIGTERM');
          child.stdout.pause();
          child.on('exit', () => child.stdout.destroy());
        },
        deadlineMs: 30_000,
      });
      expect(result.exitCode).toBe(143);
      expect(harness.standin.store.size).toBe(1);
    }));

  it('by a closed stdout: ends without a message', () =>
    withHarness({}, async (harness) => {
      const result = await harness.write(userLines(3000, 100), {
        onSpawn: (child) => {
          child.stdout.destroy();
        },
      });
      expect(result.exitCode).toBe(1);
      expect(result.stderr).toBe('');
    }));

  it('by a stdout that is closed before the last lines are written', () =>
    withHarness({}, async (harness) => {
      let close: () => void = () => undefined;
      harness.standin.intercept = ({ method }) => {
        if (method === 'DELETE') close();
        return undefined;
      };
      const gone = aRecord({ email: 'a@x.com', _ab_cdc_deleted_at: '2026-01-01' });
      const result = await harness.write([gone, aState(1)], {
        onSpawn: (child) => {
          close = () => child.stdout.destroy();
        },
      });
      expect([result.exitCode, result.stderr]).toEqual([1, '']);
      expect(harness.standin.calls('/a%40x.com')).toHaveLength(1);
    }));

  const onLinux = existsSync('/dev/full') ? it : it.skip;

  onLinux.each(['spec', '--help'])('by a full disk: exit code 1, and the reason on stderr: %s', (command) => {
    const disk = openSync('/dev/full', 'w');
    const { status, stderr } = spawnSync(process.execPath, [MAIN, command], {
      stdio: ['ignore', disk, 'pipe'],
      encoding: 'utf8',
    });
    closeSync(disk);
    expect([status, stderr]).toEqual([1, "The output can't be written (ENOSPC).\n"]);
  });

  it.each(['Iterable', 'the ledger'])(
    'by a closed stdout while it waits for %s before the first record',
    (what) =>
      withHarness({}, async (harness) => {
        if (what === 'Iterable') harness.standin.intercept = () => ({ status: 503 });
        const away = { type: 'postgres', url: 'postgresql://nobody:nothing@127.0.0.1:9/nowhere' };
        const result = await harness.write(userLines(1), {
          config: what === 'Iterable' ? {} : { ledger: away },
          onSpawn: (child) => {
            child.stdout.destroy();
          },
          deadlineMs: 20_000,
        });
        expect(result.exitCode).toBe(1);
        expect(result.stderr).toBe('');
      }),
  );
});
