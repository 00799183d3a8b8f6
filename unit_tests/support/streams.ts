/** Streams of a sync, with a ledger that is a file of this test run. */
import { mkdtempSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { systemClock } from '../../src/clock.ts';
import type { Ledger } from '../../src/ledger/ledger.ts';
import { openLedger } from '../../src/ledger/open.ts';
import { readStreams, type DiffStream } from '../../src/diff/streams.ts';
import type { ConfiguredStream } from '../../src/protocol/catalog.ts';
import type { RoutedStream } from '../../src/streams/router.ts';

export type StreamCase = Partial<Pick<RoutedStream, 'mode' | 'identifyBy' | 'targets'>> &
  Partial<ConfiguredStream> & { readonly name?: string };

/** A full replacement without generations. */
export const REPLACED = { syncMode: 'full_refresh', destinationSyncMode: 'overwrite' } as const;
/** A full replacement as the platform asks for it; its generation is that of the job. */
export function replacedAs(generation: number) {
  return { syncMode: 'full_refresh', generationId: generation, minimumGenerationId: generation } as const;
}

/** An incremental stream `users` in the mode `sync`, with the primary key `id` and no mappings. */
export function aRoutedStream({
  name = 'users',
  mode,
  identifyBy,
  targets,
  ...configured
}: StreamCase = {}): RoutedStream {
  return {
    key: name,
    name,
    configured: {
      id: { name },
      jsonSchema: {},
      syncMode: 'incremental',
      destinationSyncMode: 'append_dedup',
      primaryKey: [['id']],
      cursorField: [],
      ...configured,
    },
    mode: mode ?? 'sync',
    identifyBy: identifyBy ?? 'email',
    identifier: {
      target: 'email',
      mapped: undefined,
      isTaken: false,
      sources: [],
      namesIterableFields: false,
    },
    targets,
    map: () => {
      throw new Error('No record is mapped here');
    },
    primaryKeyOf: () => undefined,
  };
}

/** A file that no ledger is in yet. */
export function aLedgerFile(): string {
  return path.join(mkdtempSync(path.join(tmpdir(), 'ledger-')), 'ledger.db');
}

/** Opened for a run of these streams; to be closed before the next run. */
export async function openFile(file: string, streams: readonly RoutedStream[], scope = ''): Promise<Ledger> {
  const ledger = await openLedger(
    { type: 'sqlite', path: file, name: 'p', scope },
    {
      project: { apiKey: 'k', dataCenter: 'us', projectType: 'hybrid' },
      streams: streams.map(({ configured }) => configured.id),
      access: 'write',
      retry: { clock: systemClock, retryBudgetMs: 0 },
    },
  );
  if (!ledger) throw new Error('There is a ledger');
  return ledger;
}

/** What a run of these streams starts from, as the ledger has it. */
export async function startRun(
  ledger: Ledger,
  streams: readonly RoutedStream[],
  options: { readonly projectType?: 'hybrid' | 'email' | 'user_id'; readonly resendUnchanged?: boolean } = {},
): Promise<DiffStream[]> {
  const memories = await readStreams({
    ledger,
    streams,
    projectType: 'hybrid',
    resendUnchanged: false,
    ...options,
  });
  return [...memories.values()];
}
