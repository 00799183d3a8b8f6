import { describe, expect, it } from '@jest/globals';
import {
  Faults,
  LASTING_FAULTS,
  PASSING_FAULTS,
  randomStorm,
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

/** What a client gets of a bulk call: the status and body, or how it failed. */
async function call(standin: Standin, patienceMs = 10_000): Promise<Got> {
  try {
    const response = await fetch(`${standin.url}/api/users/bulkUpdate`, {
      method: 'POST',
      headers: { 'Api-Key': standin.apiKey, 'Content-Type': 'application/json' },
      body: JSON.stringify({ users: [{ email: 'a@x.com', dataFields: {} }] }),
      signal: AbortSignal.timeout(patienceMs),
      redirect: 'manual',
    });
    return { status: response.status, body: await response.text() };
  } catch (error) {
    return { failed: (error as Error).name };
  }
}

describe('a fault to order', () => {
  const faults = { ...PASSING_FAULTS, ...LASTING_FAULTS, ...WRONG_HOST_FAULTS };

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
      // It was ordered once.
      expect(await call(standin)).toMatchObject({ status: 200 });
    }),
  );
});

describe('Faults', () => {
  const one: Fault = { status: 500 };
  const two: Fault = { status: 503 };

  it('are met in the order of the orders, each by its own route only, and say what was never met', () => {
    const faults = new Faults();
    faults.order({ route: 'a', fault: one, times: 1 });
    faults.order({ fault: two, times: 2 });
    expect(faults.unused).toBe(3);
    expect(['b', 'a', 'a', 'a'].map((route) => faults.next(route, 'r'))).toEqual([two, one, two, undefined]);
    expect(faults.unused).toBe(0);
  });

  it('a storm is the same for the same random numbers, and hits one request three times at most', () => {
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
