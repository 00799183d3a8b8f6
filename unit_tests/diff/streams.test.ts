import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import type { Ledger } from '../../src/ledger/ledger.ts';
import { stateText, type DiffStream } from '../../src/diff/streams.ts';
import { anEntry } from '../support/rows.ts';
import {
  aLedgerFile,
  aRoutedStream,
  openFile,
  REPLACED,
  replacedAs,
  startRun,
  type StreamCase,
} from '../support/streams.ts';

let file = '';
let ledger: Ledger | undefined;
beforeEach(() => {
  file = aLedgerFile();
});
afterEach(() => ledger?.close());

/** Opens the ledger for one more run; what it starts from is stored, as a sync does. */
async function run(
  streams: readonly StreamCase[],
  options?: Parameters<typeof startRun>[2],
): Promise<DiffStream[]> {
  await ledger?.close();
  const routed = streams.map(aRoutedStream);
  ledger = await openFile(file, routed);
  const memories = await startRun(ledger, routed, options);
  await store(...memories);
  return memories;
}

async function runOne(stream: StreamCase, options?: Parameters<typeof startRun>[2]): Promise<DiffStream> {
  const [memory] = await run([stream], options);
  if (!memory) throw new Error('There is a stream');
  return memory;
}

async function store(...memories: readonly DiffStream[]): Promise<void> {
  await ledger?.commit({
    states: memories.map((memory) => ({ stream: memory.rowStream.id, state: stateText(memory) })),
  });
}

/** Ends the snapshot as a verified one, as the end of a run does. */
async function verify(memory: DiffStream): Promise<void> {
  delete memory.state.open;
  memory.state.identityConfigChanged = false;
  await store(memory);
}

async function write(memory: DiffStream, ...keys: string[]): Promise<void> {
  const { id: stream, snapshot: seen } = memory.rowStream;
  await ledger?.commit({ entries: keys.map((key) => anEntry({ stream, key, seen })) });
}

describe('the snapshot of a run', () => {
  it('is the first where nothing is replaced, and stays that', async () => {
    for (let n = 0; n < 2; n++) {
      const { rowStream, state } = await runOne({});
      expect([rowStream.snapshot, rowStream.isReplaced, state.open]).toEqual([1, false, undefined]);
    }
  });

  it('of a full replacement is a new one, with the number of entries that there are', async () => {
    await write(await runOne({}), '[1]', '[2]');
    const { rowStream, state } = await runOne(REPLACED);
    expect([rowStream.snapshot, rowStream.isReplaced]).toEqual([2, true]);
    expect(state.open).toEqual({ entriesAtStart: 2, hasRecord: false, hasKeyless: false });
  });

  it('is the same until it is verified, with the number of entries that it began with', async () => {
    const first = await runOne(REPLACED);
    await write(first, '[1]');
    const second = await runOne(REPLACED);
    expect(second.rowStream.snapshot).toBe(first.rowStream.snapshot);
    expect(second.state.open?.entriesAtStart).toBe(0);
  });

  it('remembers what came in its earlier runs', async () => {
    const first = await runOne(REPLACED);
    Object.assign(first.state.open ?? {}, { hasRecord: true, hasKeyless: true });
    await store(first);
    const { state, hasRecord } = await runOne(REPLACED);
    expect(state.open).toMatchObject({ hasRecord: true, hasKeyless: true });
    expect(hasRecord).toBe(false);
  });

  it('is a new one after a verified one', async () => {
    const first = await runOne(REPLACED);
    await write(first, '[1]');
    await verify(first);
    const second = await runOne(REPLACED);
    expect(second.rowStream.snapshot).toBe(first.rowStream.snapshot + 1);
    expect(second.state.open?.entriesAtStart).toBe(1);
  });

  it('is a new one with another generation', async () => {
    const first = await runOne(replacedAs(5));
    await write(first, '[1]');
    const again = await runOne(replacedAs(5));
    const second = await runOne(replacedAs(6));
    expect([again, second].map(({ rowStream }) => rowStream.snapshot - first.rowStream.snapshot)).toEqual([
      0, 1,
    ]);
    expect(second.state.open).toEqual({
      generation: 6,
      entriesAtStart: 1,
      hasRecord: false,
      hasKeyless: false,
    });
  });

  it('that is open is not forgotten by a run that replaces nothing', async () => {
    const first = await runOne(replacedAs(5));
    const between = await runOne({ syncMode: 'incremental' });
    expect(between.rowStream.isReplaced).toBe(false);
    expect((await runOne(replacedAs(5))).rowStream.snapshot).toBe(first.rowStream.snapshot);
  });
});

describe('a stream', () => {
  const GENERATION = { syncMode: 'incremental', generationId: 3 } as const;
  it.each<[string, StreamCase, StreamCase, boolean]>([
    ['that is as it was', GENERATION, GENERATION, false],
    ['with a raised generation', GENERATION, { ...GENERATION, generationId: 4 }, true],
    ['with a generation that is no higher', GENERATION, { ...GENERATION, generationId: 2 }, false],
    ['with its first generation', {}, GENERATION, false],
    ['whose source counts generations no longer', GENERATION, {}, false],
    ['that is replaced', replacedAs(3), replacedAs(4), false],
    ['that was replaced before', replacedAs(3), { ...GENERATION, generationId: 3 }, false],
    ['that was replaced before the generation rose', replacedAs(3), { ...GENERATION, generationId: 4 }, true],
    ['with another primary key', GENERATION, { ...GENERATION, primaryKey: [['no']] }, true],
    ['whose users are identified otherwise', GENERATION, { ...GENERATION, identifyBy: 'user_id' }, true],
  ])('sends the rows of a stream again or not: of one %s', async (_name, before, stream, expected) => {
    const { conditions } = (await runOne(before)).rowStream;
    const { isOutdated } = (await runOne(stream)).rowStream;
    expect(isOutdated(conditions)).toBe(expected);
    // An entry of an older version does not say its conditions: those of the stream count.
    expect(isOutdated(undefined)).toBe(expected);
  });

  it('sends the rows of a refresh again that were not sent yet, in whatever run they come', async () => {
    const { conditions: first } = (await runOne(GENERATION)).rowStream;
    const raised = { ...GENERATION, generationId: 4 };
    const { conditions: second } = (await runOne(raised)).rowStream;
    const { isOutdated } = (await runOne(raised)).rowStream;
    expect([first, second].map(isOutdated)).toEqual([true, false]);
  });

  it('sends unchanged records, too, where the option says so', async () => {
    for (const resendUnchanged of [false, true])
      expect((await runOne(GENERATION, { resendUnchanged })).rowStream.resends).toBe(resendUnchanged);
  });

  it.each<[string, StreamCase, Parameters<typeof startRun>[2], boolean]>([
    ['the same', REPLACED, {}, false],
    ['another primary key', { ...REPLACED, primaryKey: [['no']] }, {}, true],
    ['another way to identify users', { ...REPLACED, identifyBy: 'user_id' }, {}, true],
    ['another type of project', REPLACED, { projectType: 'email' }, true],
    ['another mode', { ...REPLACED, mode: 'additive' }, {}, false],
  ])('notes a change of what tells its users: %s', async (_name, stream, options, expected) => {
    await verify(await runOne(REPLACED));
    expect((await runOne(stream, options)).state.identityConfigChanged).toBe(expected);
  });

  it('has a changed basis until a snapshot is verified', async () => {
    expect((await runOne(REPLACED)).state.identityConfigChanged).toBe(false);
    const other = { ...REPLACED, identifyBy: 'user_id' } as const;
    await runOne(other);
    const last = await runOne(other);
    expect(last.state.identityConfigChanged).toBe(true);
    await verify(last);
    expect((await runOne(other)).state.identityConfigChanged).toBe(false);
  });

  it('is found by its name among several of one run', async () => {
    const [users, others] = await run([
      { name: 'users', mode: 'enrich' },
      { name: 'others', ...REPLACED },
    ]);
    expect([users?.rowStream.mode, others?.rowStream.mode]).toEqual(['enrich', 'sync']);
    expect(users?.rowStream.id).not.toBe(others?.rowStream.id);
    const [again] = await run([{ name: 'others', ...REPLACED }]);
    expect(again?.rowStream).toMatchObject({ id: others?.rowStream.id, snapshot: 2 });
  });
});

describe('a field that a stream’s mappings no longer name', () => {
  const cleared = (memory: DiffStream | undefined) => memory?.rowStream.targets.toClear(['city']);
  it.each<[string, StreamCase[], StreamCase[], string[]]>([
    ['is cleared', [], [{ targets: ['plan'] }], ['city']],
    [
      'stays where another stream of the run writes it',
      [],
      [{ targets: ['plan'] }, { name: 'b', targets: ['city'] }],
      [],
    ],
    ['stays where another stream of the run may write any', [], [{ targets: ['plan'] }, { name: 'b' }], []],
    [
      'stays where a stream of an earlier run writes it',
      [{ name: 'b', targets: ['city'] }],
      [{ targets: ['plan'] }],
      [],
    ],
    ['stays where a stream of an earlier run may write any', [{ name: 'b' }], [{ targets: ['plan'] }], []],
    [
      'is cleared though the stream itself wrote it before',
      [{ targets: ['city'] }],
      [{ targets: ['plan'] }],
      ['city'],
    ],
    [
      'is cleared where the other stream writes it no longer, either',
      [{ name: 'b', targets: ['city'] }],
      [{ targets: ['plan'] }, { name: 'b', targets: ['name'] }],
      ['city'],
    ],
  ])('%s', async (_name, before, streams, expected) => {
    if (before.length > 0) await run(before);
    const [first] = await run(streams);
    expect(cleared(first)).toEqual(expected);
  });

  it('stays where a stream of another scope writes it', async () => {
    const other = aRoutedStream({ targets: ['city'] });
    const elsewhere = await openFile(file, [other], 'another');
    const memories = await startRun(elsewhere, [other]);
    await elsewhere.commit({
      states: memories.map((memory) => ({ stream: memory.rowStream.id, state: stateText(memory) })),
    });
    await elsewhere.close();
    expect(cleared(await runOne({ targets: ['plan'] }))).toEqual([]);
  });
});
