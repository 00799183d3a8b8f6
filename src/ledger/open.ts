/** Opens the configured ledger. The driver is loaded only when it is needed. */
import { createHash } from 'node:crypto';
import type { StreamId } from '../model.ts';
import type { Ledger, LedgerOpening, LedgerUse } from './ledger.ts';
import type { RetryOptions } from './postgres/connection.ts';

/** The option `ledger`. */
export type LedgerOption =
  | { readonly type: 'none' }
  | ({ readonly type: 'sqlite'; readonly path: string } & LedgerPlace)
  | ({ readonly type: 'postgres'; readonly url: string; readonly schema?: string } & LedgerPlace);

interface LedgerPlace {
  readonly name?: string;
  readonly scope?: string;
}

export interface LedgerProject {
  readonly apiKey: string;
  readonly dataCenter: string;
  readonly projectType: string;
}

export interface OpenOptions {
  readonly project: LedgerProject;
  readonly streams: readonly StreamId[];
  readonly access: LedgerOpening['access'];
  /** For a ledger on a server that may be unavailable for a while. */
  readonly retry: RetryOptions;
}

/** Returns undefined if no ledger is configured. Throws ConfigError or TransientError when it can't be opened. */
export async function openLedger(
  option: LedgerOption,
  { project, streams, access, retry }: OpenOptions,
): Promise<Ledger | undefined> {
  if (option.type === 'none') return undefined;
  const opening = openingOf(option, project, { streams, access });
  switch (option.type) {
    case 'sqlite':
      return (await import('./sqlite/ledger.ts')).openSqliteLedger(option, opening);
    case 'postgres':
      return (await import('./postgres/ledger.ts')).openPostgresLedger(
        postgresOptions(option),
        opening,
        retry,
      );
  }
}

/** Throws like {@link openLedger} when a sync could not write to the ledger; undefined if none is configured. Changes nothing. */
export async function checkLedger(
  option: LedgerOption,
  { project, retry }: Pick<OpenOptions, 'project' | 'retry'>,
): Promise<LedgerUse | undefined> {
  if (option.type === 'none') return undefined;
  const opening = openingOf(option, project, { streams: [], access: 'write' });
  switch (option.type) {
    case 'sqlite':
      return (await import('./sqlite/check.ts')).checkSqliteLedger(option.path, opening);
    case 'postgres':
      return (await import('./postgres/check.ts')).checkPostgresLedger(
        postgresOptions(option),
        opening,
        retry,
      );
  }
}

function openingOf(
  { name, scope = '' }: LedgerPlace,
  { apiKey, dataCenter, projectType }: LedgerProject,
  rest: Pick<LedgerOpening, 'streams' | 'access'>,
): LedgerOpening {
  return {
    project: { name: name ?? hashOf(apiKey), isNamed: name !== undefined, dataCenter, projectType },
    scope,
    ...rest,
  };
}

function postgresOptions({ url, schema = 'public' }: Extract<LedgerOption, { type: 'postgres' }>) {
  return { url, schema };
}

/** Identifies the project of an API key without revealing the key. */
function hashOf(apiKey: string): string {
  return `key ${createHash('sha256').update(apiKey).digest('hex')}`;
}
