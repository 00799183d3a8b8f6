/** The streams of a run, with their state in the ledger and the snapshot that their records belong to. */
import type { Ledger } from '../ledger/ledger.ts';
import type { ProjectType } from '../mapping/options.ts';
import { isFullReplacement } from '../protocol/catalog.ts';
import type { RoutedStream } from '../streams/router.ts';
import type { RowStream } from './row.ts';
import { readStreamState, writeStreamState, type StreamState } from './stream-state.ts';
import { ProjectTargets, TargetHistory } from './targets.ts';

export interface StreamsOptions {
  readonly ledger: Ledger;
  /** In the same order as {@link Ledger.own}. */
  readonly streams: readonly RoutedStream[];
  readonly projectType: ProjectType;
  readonly resendUnchanged: boolean;
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
  const { ledger, streams, projectType, resendUnchanged } = options;
  const known = await ledger.streams();
  const own = new Set(ledger.own.map(({ id }) => id));
  const elsewhere = known
    .filter(({ id }) => !own.has(id))
    .map(({ state }) => readStreamState(state))
    .filter((state) => state !== undefined)
    .map(({ targets }) => targets ?? undefined);
  const project = new ProjectTargets([...elsewhere, ...streams.map(({ targets }) => targets)]);
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
        resends: resendUnchanged || isRefreshed(before, routed),
        targets: new TargetHistory(routed.targets, project),
      },
    });
  }
  return streamsOfRun;
}

/** As the ledger stores it. */
export function stateText({ state }: DiffStream): string {
  return writeStreamState(state);
}

/** An incremental stream with a raised generation: the operator asked for a refresh. */
function isRefreshed(before: StreamState | undefined, { configured }: RoutedStream): boolean {
  const { syncMode, generationId } = configured;
  return (
    syncMode === 'incremental' &&
    generationId !== undefined &&
    before?.generation !== undefined &&
    generationId > before.generation
  );
}

/** The state of this run. It has to be in the ledger with the first entry of the run at the latest. */
function stateOfRun(
  before: StreamState | undefined,
  { configured, identifyBy, targets }: RoutedStream,
  { projectType, entries }: { projectType: ProjectType; entries: number },
): StreamState {
  const basis = JSON.stringify([configured.primaryKey, identifyBy, projectType]);
  const { generationId } = configured;
  const state: StreamState = {
    basis,
    identityConfigChanged: before !== undefined && (before.identityConfigChanged || before.basis !== basis),
    ...generationFor(before, generationId),
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

/** A new stream takes the generation at once; a raised one is stored once all of the stream is sent. */
function generationFor(
  before: StreamState | undefined,
  generationId: number | undefined,
): { generation?: number } {
  const generation = before?.generation ?? generationId;
  return generation === undefined ? {} : { generation };
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
