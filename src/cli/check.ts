/** `check`: proves the key, the configuration, and what a sync keeps outside of Iterable, and says in plain words what it found. */
import { ConfigError, TransientError } from '../errors.ts';
import type { Config } from '../config/schema.ts';
import { ListDirectory } from '../delivery/list-directory.ts';
import { checkLedger } from '../ledger/open.ts';
import { mappingProblems } from '../mapping/check-mappings.ts';
import { checkRejectedRecords } from '../rejected-records/open.ts';
import {
  BRIEF_ATTEMPT_TIMEOUT_MS,
  BRIEF_CALL_BUDGET_MS,
  connectBriefly,
  listProblems,
  loadConfig,
  projectOf,
  type Connection,
} from './connect.ts';
import type { CommandContext, CommandPaths } from './context.ts';

export async function runCheck(
  context: CommandContext,
  { config: path = '' }: CommandPaths,
): Promise<number> {
  const { writer, stopSignal } = context;
  let connection: Connection | undefined;
  try {
    const config = await loadConfig(path, writer);
    connection = connectBriefly(config, context);
    // Side by side: each may take half of the time that a check has.
    const [message, ledger = ''] = await Promise.all([
      tryOut(config, connection),
      tryLedger(config, context),
      tryStore(config, context),
    ]);
    await writer.connectionStatus('SUCCEEDED', message + ledger);
  } catch (error) {
    // The user's mistake, or Iterable out of reach, is an answer; anything else is a fault of ours.
    if (!(error instanceof ConfigError || error instanceof TransientError) || stopSignal.aborted) throw error;
    await writer.connectionStatus('FAILED', error.message);
  } finally {
    connection?.close();
  }
  return 0;
}

async function tryOut(config: Config, { client, caller }: Connection): Promise<string> {
  const lists = new ListDirectory(caller, client, { mayCreate: config.create_missing_lists });
  const [fields] = await Promise.all([caller.call(client.getFields()), lists.load()]);
  const problems = mappingProblems({
    mappings: config.mappings,
    identifyBy: config.identify_by,
    knownFields: fields,
  });
  problems.push(...listProblems(config, lists));
  if (problems.length > 0) throw new ConfigError(problems);
  return (
    `Connected to Iterable (${config.api_url ?? `${config.data_center.toUpperCase()} data center`}, project of type ${config.project_type}): ` +
    `the key works, the project has ${fields.size} user fields and ${lists.staticLists} static lists.`
  );
}

async function tryLedger(config: Config, { clock, stopSignal }: CommandContext): Promise<string | undefined> {
  const use = await checkLedger(config.ledger, {
    project: projectOf(config),
    retry: {
      clock,
      retryBudgetMs: BRIEF_CALL_BUDGET_MS,
      attemptTimeoutMs: BRIEF_ATTEMPT_TIMEOUT_MS,
      stop: stopSignal,
    },
  });
  if (use === undefined) return undefined;
  return use === 'free'
    ? ' The ledger can be used.'
    : ' The ledger can be used; a sync has it open just now.';
}

function tryStore(config: Config, { clock, stopSignal }: CommandContext): Promise<void> {
  return checkRejectedRecords(config.rejected_records, {
    clock,
    budgetMs: BRIEF_CALL_BUDGET_MS,
    attemptTimeoutMs: BRIEF_ATTEMPT_TIMEOUT_MS,
    stop: stopSignal,
  });
}
