import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { deliverNarrowing, type GroupAnswer } from '../../src/delivery/narrow.ts';

type Answer = GroupAnswer<number, string>;

/** A server that refuses every group with a guilty item as a whole, without naming the item. */
function refusing(guilty: ReadonlySet<number>) {
  const delivered = new Set<number>();
  let calls = 0;
  const send = (group: readonly number[]): Promise<Answer> => {
    calls++;
    if (group.some((item) => guilty.has(item)))
      return Promise.resolve({ kind: 'refused', guilty: new Map(), reason: 'refused' });
    for (const item of group) delivered.add(item);
    return Promise.resolve({ kind: 'settled', rejected: new Map() });
  };
  return { send, delivered, calls: () => calls };
}

/** A server that delivers the other items and counts the guilty ones, without naming them. */
function counting(guilty: ReadonlySet<number>) {
  const delivered = new Set<number>();
  let calls = 0;
  const send = (group: readonly number[]): Promise<Answer> => {
    calls++;
    for (const item of group) if (!guilty.has(item)) delivered.add(item);
    return Promise.resolve(
      group.some((item) => guilty.has(item))
        ? { kind: 'unexplained', rejected: new Map(), reason: 'counted' }
        : { kind: 'settled', rejected: new Map() },
    );
  };
  return { send, delivered, calls: () => calls };
}

const range = (n: number) => Array.from({ length: n }, (_, index) => index);

const scenario = fc.integer({ min: 1, max: 1000 }).chain((n) =>
  fc.record({
    n: fc.constant(n),
    guilty: fc.oneof(
      fc.uniqueArray(fc.nat(n - 1), { maxLength: 5 }),
      fc.uniqueArray(fc.nat(n - 1), { maxLength: n }),
      fc
        .tuple(fc.nat(n - 1), fc.nat(n - 1))
        .map(([a, b]) => range(n).slice(Math.min(a, b), Math.max(a, b) + 1)),
      fc.integer({ min: 1, max: 5 }).map((step) => range(n).filter((item) => item % step === 0)),
    ),
  }),
);

describe('deliverNarrowing', () => {
  it('rejects exactly the guilty and delivers all others, whichever way the server fails', async () => {
    await fc.assert(
      fc.asyncProperty(scenario, fc.constantFrom(refusing, counting), async ({ n, guilty }, makeServer) => {
        const server = makeServer(new Set(guilty));
        const rejected = await deliverNarrowing(range(n), server.send);
        expect([...rejected.keys()].sort((a, b) => a - b)).toEqual([...guilty].sort((a, b) => a - b));
        expect(server.delivered.size).toBe(n - guilty.length);
      }),
      { numRuns: 300 },
    );
  });

  it('needs at most log2(n) + 3 calls for each guilty item, and never more than 2n', async () => {
    await fc.assert(
      fc.asyncProperty(scenario, async ({ n, guilty }) => {
        const server = refusing(new Set(guilty));
        await deliverNarrowing(range(n), server.send);
        const perGuilty = Math.max(1, guilty.length) * (Math.ceil(Math.log2(n)) + 3);
        expect(server.calls()).toBeLessThanOrEqual(perGuilty);
        if (n > 1) expect(server.calls()).toBeLessThanOrEqual(2 * n);
      }),
      { numRuns: 2000 },
    );
  });

  it('finds a single guilty item at any of 1,000 positions within 13 calls', async () => {
    for (const place of range(1000)) {
      const server = refusing(new Set([place]));
      await deliverNarrowing(range(1000), server.send);
      expect(server.calls()).toBeLessThanOrEqual(13);
    }
  });

  it('needs at most 2n calls for every set of guilty items among up to 12', async () => {
    let worst = 0;
    for (let n = 2; n <= 12; n++) {
      for (let bits = 0; bits < 2 ** n; bits++) {
        const server = refusing(new Set(range(n).filter((item) => bits & (1 << item))));
        await deliverNarrowing(range(n), server.send);
        worst = Math.max(worst, server.calls() / n);
      }
    }
    expect(worst).toBeLessThanOrEqual(2);
  });

  it('rejects no item after a transient refusal', async () => {
    let calls = 0;
    const send = (group: readonly number[]): Promise<Answer> => {
      calls++;
      return Promise.resolve(
        calls === 1 && group.length === 8
          ? { kind: 'refused', guilty: new Map(), reason: 'a hiccup' }
          : { kind: 'settled', rejected: new Map() },
      );
    };
    expect(await deliverNarrowing(range(8), send)).toEqual(new Map());
  });

  it('rejects the items that an answer names without further calls, and resends the others once', async () => {
    const groups: number[][] = [];
    const send = (group: readonly number[]): Promise<Answer> => {
      groups.push([...group]);
      return Promise.resolve(
        group.includes(3)
          ? { kind: 'refused', guilty: new Map([[3, 'wrong type']]), reason: 'wrong type' }
          : { kind: 'settled', rejected: new Map([[5, 'named']]) },
      );
    };
    expect(await deliverNarrowing(range(6), send)).toEqual(new Map([[3, 'wrong type'], [5, 'named']])); // prettier-ignore
    expect(groups).toEqual([
      [0, 1, 2, 3, 4, 5],
      [0, 1, 2, 4, 5],
    ]);
  });
});
