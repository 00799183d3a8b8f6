/** Plays random histories of syncs with a ledger, and compares Iterable with the model after each. */
import { expect } from '@jest/globals';
import { withHarness, type Harness } from './harness.ts';
import type { CutOff, History, HistorySync } from './history.ts';
import { HistoryModel, plays } from './history-model.ts';
import type { Feature } from './history-state.ts';
import { runInProcess, type InProcessResult } from './in-process.ts';
import { LedgerImage } from './ledger-image.ts';
import type { LedgerBackend } from './ledgers.ts';
import { aCatalog, aRecord, aState, aStatus, aStream } from './messages.ts';
import { randomHistory } from './random-history.ts';
import { seededRandom } from './random.ts';

/** Chosen so that the few seeds of a default run include those that found the first bugs. */
const FIRST = 140;

/** What was played. */
export interface Played {
  /** Syncs, repetitions included. */
  readonly syncs: number;
  /** Of those that the history has, syncs whose outcome is not defined after what really happened. */
  readonly leftOut: number;
  /** What has occurred, as often as it did. */
  readonly features: readonly Feature[];
}

/** Plays the history of this seed, and compares after each sync. */
export async function playHistory(seed: number, backend: LedgerBackend): Promise<Played> {
  const random = seededRandom(FIRST + seed);
  return play(randomHistory(random, seed % 4 !== 0), { seed, random, backend });
}

export interface PlayOptions {
  readonly seed: number;
  readonly random: () => number;
  readonly backend: LedgerBackend;
}

export async function play(history: History, { seed, random, backend }: PlayOptions): Promise<Played> {
  const { projectType, lookUpsUntilGone } = history;
  let passed = 0;
  let leftOut = 0;
  const played: HistorySync[] = [];
  const model = new HistoryModel(history);
  // The program's wait of a minute takes three seconds in this process.
  const mixing = { refuseMixing: 'both', mixWindowMs: 1_500 } as const;
  await withHarness(
    { projectType, lookUpsUntilGone, ...mixing, now: () => Date.now() + passed },
    async (harness) => {
      const { standin } = harness;
      standin.store.fields.types.set('level', 'long');
      for (const { email, userId } of history.known) {
        if (email === undefined) harness.addUser({ userId: userId ?? '' }, { own: 'yes' });
        else harness.addUser({ email }, { own: 'yes', ...(userId === undefined ? {} : { userId }) });
      }
      for (const [index, sync] of history.syncs.entries()) {
        for (const round of random() < 0.5 ? ['first', 'repeated'] : ['first']) {
          // The outcome may be undefined after a repetition that the history does not have; then the sync is left out.
          if (!plays({ ...history, syncs: [...played, sync] })) {
            if (round === 'first') leftOut++;
            break;
          }
          const before = standin.requests.length;
          const { result, cutOff } = await runSync(harness, {
            lines: linesOf(history, sync),
            states: history.streams.length,
            catalog: catalogOf(history, sync),
            config: {
              ...configOf(history, sync),
              ledger: backend.option(harness),
              batch_size: 1 + Math.floor(random() * 5),
            },
            cutOffAt: sync.cutOffAt,
            backend,
          });
          await standin.idle();
          // Longer than the stand-in's default mixWindowMs.
          passed += 120_000;
          const end = { ...sync, ...(cutOff ? { cutOff } : {}) };
          // Where a run was cut off, what is left of it may leave the rest open.
          if (cutOff && !plays({ ...history, syncs: [...played, end] })) {
            leftOut += history.syncs.length - index;
            return;
          }
          played.push(end);
          model.play(end);
          const sent = standin.requests.slice(before).filter(({ method }) => method !== 'GET');
          expect({
            seed,
            index,
            round,
            exitCode: result.exitCode,
            errors: result.errors,
            people: peopleOf(harness),
            callsForNothing: model.hasCalls ? [] : sent.map(({ path }) => path),
          }).toEqual({
            seed,
            index,
            round,
            exitCode: cutOff ? 143 : model.isFailed ? 1 : 0,
            errors: model.isFailed ? expect.any(Array) : [],
            people: Object.fromEntries(
              model.profiles.map(({ email, userId, fields, lists }) => [
                userId ?? email ?? '',
                { email, fields: Object.fromEntries(fields), lists: [...lists].sort() },
              ]),
            ),
            callsForNothing: [],
          });
        }
      }
    },
  );
  return { syncs: played.length, leftOut, features: model.features };
}

interface SyncRun {
  readonly lines: readonly string[];
  /** How many states it emits. */
  readonly states: number;
  readonly catalog: unknown;
  readonly config: Record<string, unknown>;
  readonly cutOffAt: number | undefined;
  readonly backend: LedgerBackend;
}

/** Runs one sync. If it is cut off in its removals, no call takes effect from then on, and the ledger is as it was then. */
async function runSync(
  harness: Harness,
  { lines, states, catalog, config, cutOffAt, backend }: SyncRun,
): Promise<{ result: InProcessResult; cutOff: CutOff | undefined }> {
  const { standin, files } = harness;
  const image = new LedgerImage(files.path('ledger.sqlite'));
  let left = states;
  let calls = 0;
  let isCutOff = false as boolean;
  let stop: () => void = () => undefined;
  standin.intercept = ({ method }) => {
    // The removals come after the last state.
    if (left === 0 && method !== 'GET' && ++calls === cutOffAt) {
      isCutOff = true;
      if (backend.name === 'sqlite') image.take();
      stop();
    }
    return isCutOff ? { reset: true } : undefined;
  };
  const result = await runInProcess(
    harness.args(['write'], { config, catalog }),
    lines,
    (stopRun) => {
      stop = stopRun;
    },
    (line) => {
      if (line.includes('"type":"STATE"')) left--;
    },
  );
  await standin.idle();
  standin.intercept = undefined;
  if (!isCutOff) return { result, cutOff: undefined };
  if (backend.name === 'sqlite') image.restore();
  await backend.afterKill?.(harness);
  const isDecided = result.logs.some((text) => text.includes('no longer among its records'));
  return { result, cutOff: { isDecided, people: peopleOf(harness) } };
}

function catalogOf({ streams }: History, { generations }: HistorySync): ReturnType<typeof aCatalog> {
  return aCatalog(
    ...streams.map(({ name, kind, hasKey, isEnriched }) => {
      const generationId = generations[name] ?? 0;
      return aStream({
        name,
        ...(hasKey ? { primaryKey: [['id']] } : {}),
        syncMode: kind === 'incremental' ? 'incremental' : 'full_refresh',
        destinationSyncMode: isEnriched ? 'update' : kind === 'overwrite' ? 'overwrite' : 'append_dedup',
        generationId,
        minimumGenerationId: kind === 'refresh' ? generationId : 0,
        syncId: 7,
      });
    }),
  );
}

function configOf(
  history: History,
  { mode, removal, resends, maxRemovals, rules, targets }: HistorySync,
): Record<string, unknown> {
  const identities = [
    ...(history.projectType === 'user_id' ? [] : ['email']),
    ...(history.identifyBy === 'user_id' ? ['userId'] : []),
  ];
  return {
    identify_by: history.identifyBy,
    sync_mode: mode,
    removal,
    resend_unchanged: resends,
    changed_fields_only: history.changedFieldsOnly,
    max_removals_percent: maxRemovals,
    deletion_column: 'deleted',
    ...(history.hasPrevious ? { previous_email_column: 'was' } : {}),
    lists: rules,
    mappings: [
      ...identities.map((name) => ({ source: name, target: name })),
      ...Object.entries(targets).flatMap(([stream, columns]) =>
        Object.entries(columns).map(([source, target]) => ({ source, target, stream })),
      ),
    ],
  };
}

function linesOf({ streams }: History, { rows, statuses }: HistorySync): string[] {
  return [
    ...rows.map(({ stream, data }) => aRecord(data, { stream })),
    ...streams.map(({ name }) => aState(1, name)),
    ...Object.entries(statuses).flatMap(([name, status]) =>
      status === undefined ? [] : [aStatus(status, name)],
    ),
  ];
}

function peopleOf({ standin }: Harness): CutOff['people'] {
  const names = new Map(standin.lists.all().map(({ id, name }) => [id, name]));
  return Object.fromEntries(
    standin.store.users().map(({ email, userId, dataFields }) => {
      const identity = email === undefined ? { userId: userId ?? '' } : { email };
      const lists = standin.store.listsOf(identity).map((id) => names.get(id) ?? '');
      return [userId ?? email ?? '', { email, fields: dataFields, lists: lists.sort() }];
    }),
  );
}
