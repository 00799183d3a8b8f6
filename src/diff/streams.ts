/** The streams of a run, with their state in the ledger and the snapshot that their records belong to. */
import { jsonOrUndefined } from '../json.ts';
import type { EntryConditions, Ledger } from '../ledger/ledger.ts';
import type { ProjectType } from '../mapping/options.ts';
import { isFullReplacement } from '../protocol/catalog.ts';
import type { RoutedStream } from '../streams/router.ts';
import type { RowStream } from './row.ts';
import { readStreamState, writeStreamState, type StreamState } from './stream-state.ts';
import { ProjectTargets, TargetHistory } from './targets.ts';
import { HASH_VERSION } from './values-hash.ts';

export interface StreamsOptions {
  readonly ledger: Ledger;
  /** In the same order as {@link Ledger.own}. */
  readonly streams: readonly RoutedStream[];
  readonly projectType: ProjectType;
  readonly resendUnchanged: boolean;
  /** Of all streams, those of other runs included. */
  readonly mappings?: readonly { readonly target: string; readonly stream?: string | undefined }[];
}

/** A stream of the run, with its state. */
export interface DiffStream {
  readonly routed: RoutedStream;
  readonly rowStream: RowStream;
  state: StreamState;
  /** A record of it has come in this run. */
  hasRecord: boolean;
}

/** Reads the states of the streams, and derives those of this run. Writes nothing. By stream key. */
export async function readStreams(options: StreamsOptions): Promise<Map<string, DiffStream>> {
  const { ledger, streams, projectType, resendUnchanged, mappings = [] } = options;
  const known = await ledger.streams();
  const own = new Set(ledger.own.map(({ id }) => id));
  const statesElsewhere = known
    .filter(({ id }) => !own.has(id))
    .map(({ state }) => readStreamState(state))
    .filter((state) => state !== undefined);
  const elsewhere = statesElsewhere.map(({ targets }) => targets ?? undefined);
  const ways = new Set([
    ...streams.map(({ identifyBy }) => identifyBy),
    ...statesElsewhere.map(({ basis }) => identifiedBy(basis)),
  ]);
  // A stream that this run lacks may be one that the ledger does not know yet, or knows by earlier mappings.
  const names = new Set(streams.map(({ configured }) => configured.id.name));
  const ofOtherRuns = mappings
    .filter(({ stream }) => stream !== undefined && !names.has(stream))
    .map(({ target }) => target);
  const project = new ProjectTargets([...elsewhere, ofOtherRuns, ...streams.map(({ targets }) => targets)]);
  const streamsOfRun = new Map<string, DiffStream>();
  for (const [index, routed] of streams.entries()) {
    const row = ledger.own[index];
    if (!row) throw new Error('The ledger gave fewer streams than it was asked for');
    const before = readStreamState(row.state);
    const state = stateOfRun(before, routed, {
      projectType,
      entries: await entriesIfNeeded(ledger, row.id, before, routed),
    });
    streamsOfRun.set(routed.key, {
      routed,
      state,
      hasRecord: false,
      rowStream: {
        id: row.id,
        mode: routed.mode,
        snapshot: state.snapshot,
        isReplaced: isFullReplacement(routed.configured),
        resends: resendUnchanged,
        conditions: conditionsOf(state, routed),
        isOutdated: staleness(state, routed),
        hasOtherBasis: otherBasis(state),
        targets: new TargetHistory(routed.targets, project),
        identifiesBothWays: ways.has('email') && ways.has('user_id'),
      },
    });
  }
  return streamsOfRun;
}

/** As the ledger stores it. */
export function stateText({ state }: DiffStream): string {
  return writeStreamState(state);
}

/** The generation of an incremental stream: a raised one asks for each row once more. On a full refresh it rises with every job. */
function refreshGeneration({ configured: { syncMode, generationId } }: RoutedStream): number | undefined {
  return syncMode === 'incremental' ? generationId : undefined;
}

function conditionsOf({ basis }: StreamState, routed: RoutedStream): EntryConditions {
  return Object.freeze({ generation: refreshGeneration(routed), basis, hashVersion: HASH_VERSION });
}

/** Whether an entry was written before a refresh that was asked for, or by another identity configuration. */
function staleness(
  { basis, earlierBasis = basis, generation: least = -Infinity }: StreamState,
  routed: RoutedStream,
): RowStream['isOutdated'] {
  const wanted = refreshGeneration(routed) ?? -Infinity;
  // perf: entries of one run share their conditions.
  let fresh: EntryConditions | undefined;
  return (conditions) => {
    if (conditions !== undefined && conditions === fresh) return false;
    const isOutdated =
      Math.max(conditions?.generation ?? -Infinity, least) < wanted ||
      (conditions?.basis ?? earlierBasis) !== basis;
    if (!isOutdated) fresh = conditions;
    return isOutdated;
  };
}

type IdentifyBy = RoutedStream['identifyBy'];

/** The identity configuration as one text: ledgers hold it. */
function basisOf(
  primaryKey: RoutedStream['configured']['primaryKey'],
  identifyBy: IdentifyBy,
  projectType: ProjectType,
): string {
  return JSON.stringify([primaryKey, identifyBy, projectType]);
}

function identifiedBy(basis: string): IdentifyBy | undefined {
  return (jsonOrUndefined(basis) as [unknown, IdentifyBy] | undefined)?.[1];
}

function otherBasis({ basis, earlierBasis = basis }: StreamState): RowStream['hasOtherBasis'] {
  return (conditions) => (conditions?.basis ?? earlierBasis) !== basis;
}

/** The state of this run. It has to be in the ledger with the first entry of the run at the latest. */
function stateOfRun(
  before: StreamState | undefined,
  { configured, identifyBy, targets }: RoutedStream,
  { projectType, entries }: { projectType: ProjectType; entries: number },
): StreamState {
  const basis = basisOf(configured.primaryKey, identifyBy, projectType);
  const { generationId } = configured;
  const state: StreamState = {
    basis,
    identityConfigChanged: before !== undefined && (before.identityConfigChanged || before.basis !== basis),
    ...generationFor(before, configured),
    ...earlierBasisFor(before),
    snapshot: before?.snapshot ?? 1,
    targets: targets ? [...targets] : null,
    ...(before?.open ? { open: before.open } : {}),
  };
  if (!isFullReplacement(configured)) return state;
  if (state.open?.generation === generationId && state.open) return state;
  return {
    ...state,
    snapshot: state.snapshot + 1,
    open: {
      ...(generationId === undefined ? {} : { generation: generationId }),
      entriesAtStart: entries,
      hasRecord: false,
      hasKeyless: false,
    },
  };
}

/** The first generation is no refresh, nor is any of a full refresh. */
function generationFor(
  before: StreamState | undefined,
  { syncMode, generationId }: RoutedStream['configured'],
): Pick<StreamState, 'generation'> {
  const generation =
    syncMode === 'incremental'
      ? (before?.generation ?? generationId)
      : Math.max(before?.generation ?? -Infinity, generationId ?? -Infinity);
  return generation === undefined || generation === -Infinity ? {} : { generation };
}

/** Entries that do not say theirs were written before the ledger's entries had any. */
function earlierBasisFor(before: StreamState | undefined): Pick<StreamState, 'earlierBasis'> {
  const earlierBasis = before?.earlierBasis ?? before?.basis;
  return earlierBasis === undefined ? {} : { earlierBasis };
}

async function entriesIfNeeded(
  ledger: Ledger,
  stream: number,
  before: StreamState | undefined,
  { configured }: RoutedStream,
): Promise<number> {
  if (!isFullReplacement(configured)) return 0;
  const continues = before?.open !== undefined && before.open.generation === configured.generationId;
  return continues ? 0 : ledger.count(stream);
}
