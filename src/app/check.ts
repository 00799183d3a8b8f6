/** `check`: proves the key, the configuration, and what a sync keeps outside of Iterable, and says in plain words what it found. */
import { ConfigError, TransientError } from '../errors.ts';
import type { Config } from '../config/schema.ts';
import { ListDirectory } from '../delivery/list-directory.ts';
import { checkLedger } from '../ledger/open.ts';
import { mappingProblems } from '../mapping/check-mappings.ts';
import { DELETION_VALUES } from '../mapping/deletion.ts';
import { through, type Proxies, type Proxy } from '../network/proxies.ts';
import { checkRejectedRecords } from '../rejected-records/open.ts';
import { SYNC_MODES } from '../streams/modes.ts';
import {
  BRIEF_ATTEMPT_TIMEOUT_MS,
  BRIEF_CALL_BUDGET_MS,
  connectBriefly,
  listProblems,
  loadConfig,
  projectOf,
  type Connection,
} from './connect.ts';
import type { AppContext, InputPaths } from './context.ts';

/** A check has 45 s. Waiting for a turn counts to no call's budget, and at a low `requests_per_second` it may take minutes. */
const DEADLINE_MS = 40_000;
const tooLate = (proxy: Proxy | undefined) =>
  `Iterable did not answer${through(proxy)} within ${DEADLINE_MS / 1000} seconds all that a check asks. Try again later; at a low requests_per_second a call that is repeated waits long for its turn.`;

export async function runCheck(context: AppContext, { config: path = '' }: InputPaths): Promise<number> {
  const { writer, clock, stopSignal } = context;
  const deadline = new AbortController();
  const ended = new AbortController();
  let connection: Connection | undefined;
  clock.sleep(DEADLINE_MS, ended.signal).then(
    () => {
      deadline.abort(new TransientError('iterable_unavailable', tooLate(connection?.proxy)));
    },
    () => undefined,
  );
  try {
    const { config, proxies } = await loadConfig(path, context);
    connection = await connectBriefly(config, {
      proxies,
      clock,
      stop: AbortSignal.any([stopSignal, deadline.signal]),
    });
    // Side by side: each may take half of the time that a check has.
    const [message, ledger = ''] = await Promise.all([
      tryOut(config, connection),
      tryLedger(config, context),
      tryStore(config, proxies, context),
    ]);
    await writer.connectionStatus('SUCCEEDED', message + ledger);
  } catch (error) {
    // The user's mistake, or Iterable out of reach, is an answer; anything else is a fault of ours.
    if (!(error instanceof ConfigError || error instanceof TransientError) || stopSignal.aborted) throw error;
    await writer.connectionStatus('FAILED', error.message);
  } finally {
    ended.abort(new Error('the check has ended'));
    connection?.close();
  }
  return 0;
}

async function tryOut(config: Config, { client, caller, proxy }: Connection): Promise<string> {
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
    `Connected to Iterable${through(proxy)} (${config.api_url ?? `${config.data_center.toUpperCase()} data center`}, project of type ${config.project_type}): ` +
    `the key works, the project has ${fields.size} user fields and ${lists.staticLists} static lists.` +
    deletionSentence(config)
  );
}

/** Which values delete a user is worth knowing before the first sync; empty where a sync removes no user. */
function deletionSentence({ sync_mode, deletion_column }: Config): string {
  return SYNC_MODES[sync_mode].remove
    ? ` A record whose column ${deletion_column} holds ${DELETION_VALUES}, is a deletion.`
    : '';
}

async function tryLedger(config: Config, { clock, stopSignal }: AppContext): Promise<string | undefined> {
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

function tryStore(config: Config, proxies: Proxies, { clock, stopSignal }: AppContext): Promise<void> {
  return checkRejectedRecords(
    config.rejected_records,
    {
      clock,
      budgetMs: BRIEF_CALL_BUDGET_MS,
      attemptTimeoutMs: BRIEF_ATTEMPT_TIMEOUT_MS,
      stop: stopSignal,
    },
    proxies,
  );
}
