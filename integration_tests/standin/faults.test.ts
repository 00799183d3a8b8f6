import { describe, expect, it } from '@jest/globals';
import {
  Faults,
  PERMANENT_FAULTS,
  randomStorm,
  TRANSIENT_FAULTS,
  WRONG_HOST_FAULTS,
  type Fault,
} from './faults.ts';
import { startStandin, type Standin } from './server.ts';

async function withStandin(test: (standin: Standin) => Promise<void>): Promise<void> {
  const standin = await startStandin({ limitScale: Infinity });
  try {
    await test(standin);
  } finally {
    await standin.close();
  }
}

interface Got {
  readonly status?: number;
  readonly body?: string;
  readonly failed?: string;
}

/** The result of a bulk call: the status and body, or the name of the error. */
async function call(standin: Standin, timeoutMs = 10_000): Promise<Got> {
  try {
    const response = await fetch(`${standin.url}/api/users/bulkUpdate`, {
      method: 'POST',
      headers: { 'Api-Key': standin.apiKey, 'Content-Type': 'application/json' },
      body: JSON.stringify({ users: [{ email: 'a@x.com', dataFields: {} }] }),
      signal: AbortSignal.timeout(timeoutMs),
      redirect: 'manual',
    });
    return { status: response.status, body: await response.text() };
  } catch (error) {
    return { failed: (error as Error).name };
  }
}

describe('an ordered fault', () => {
  const faults = { ...TRANSIENT_FAULTS, ...PERMANENT_FAULTS, ...WRONG_HOST_FAULTS };

  it.each(Object.entries<Fault>(faults))('%s', (_name, fault) =>
    withStandin(async (standin) => {
      standin.faults.order({ route: 'bulkUpdate', fault, times: 1 });
      const isSilent = fault.hang === true || fault.stall === true;
      const got = await call(standin, isSilent ? 300 : undefined);
      const isApplied = standin.store.size === 1;
      expect(isApplied).toBe(fault.afterApplying === true);
      if (isSilent) expect(got.failed).toBe('TimeoutError');
      else if (fault.reset === true) expect(got.failed).toBe('TypeError');
      else if (fault.delayMs !== undefined)
        expect([got.status, got.body?.includes('successCount')]).toEqual([200, true]);
      else expect(got).toEqual({ status: fault.status, body: fault.body ?? '' });
      // The fault was ordered for a single request.
      expect(await call(standin)).toMatchObject({ status: 200 });
    }),
  );
});

describe('Faults', () => {
  const one: Fault = { status: 500 };
  const two: Fault = { status: 503 };

  it('apply in the order in which they were added, each to its own route only, and count the unused ones', () => {
    const faults = new Faults();
    faults.order({ route: 'a', fault: one, times: 1 });
    faults.order({ fault: two, times: 2 });
    expect(faults.unused).toBe(3);
    expect(['b', 'a', 'a', 'a'].map((route) => faults.next(route, 'r'))).toEqual([two, one, two, undefined]);
    expect(faults.unused).toBe(0);
  });

  it('a storm is determined by its random numbers, and hits one request at most three times', () => {
    const faults = new Faults();
    faults.storm(randomStorm(() => 0.1, 0.2, [one, two]));
    expect(['r', 'r', 'r', 'r', 's'].map((request) => faults.next('a', request)?.status)).toEqual([
      500,
      500,
      500,
      undefined,
      500,
    ]);
    faults.storm(randomStorm(() => 0.3, 0.2, [one]));
    expect(faults.next('a', 't')).toBeUndefined();
  });
});
