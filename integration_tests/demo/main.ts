/**
 * `npm run demo`: sends 1,000 example users with the built program to the stand-in, then makes a dry run and a sync of changes.
 * The exit code is 0 if the results are as expected.
 */
import { startStandin } from '../standin/server.ts';
import { usersTable } from '../standin/table.ts';
import { runConnector, TestFiles, type RunResult } from '../support/connector.ts';
import { aCatalog, aRecord, aState, aStatus, aStream } from '../support/messages.ts';
import {
  DEMO_LISTS,
  DEMO_MAPPINGS,
  DEMO_MEMBERS,
  DEMO_STATE_EVERY,
  DEMO_USERS,
  changedCustomers,
  exampleCustomers,
  type Customer,
} from './example-users.ts';

const standin = await startStandin();
const files = new TestFiles();
const config = files.write('config.json', {
  api_key: standin.apiKey,
  api_url: standin.url,
  mappings: DEMO_MAPPINGS,
  lists: DEMO_LISTS,
  ledger: { type: 'sqlite', path: files.path('ledger.sqlite') },
});
const catalog = files.write(
  'catalog.json',
  aCatalog(
    aStream({
      name: 'customers',
      primaryKey: [['id']],
      syncMode: 'full_refresh',
      destinationSyncMode: 'overwrite',
    }),
  ),
);
const customers = [...exampleCustomers()];
const problems: string[] = [];

console.log(
  `Sending ${DEMO_USERS} users, with a state after each ${DEMO_STATE_EVERY}, to a stand-in for Iterable at ${standin.url}.`,
);
console.log('The messages that come out:\n');
await write(customers);
problems.push(...findProblems(customers));
const lists = Object.keys(DEMO_MEMBERS).map((list) => `${list}: ${standin.members(list).length} users`);
console.log(
  `\nWhat is in the stand-in now:\n${usersTable(standin.store.users(), 8)}\nLists: ${lists.join(', ')}`,
);

const changed = changedCustomers(customers);
console.log(
  '\nNext day three customers have changed, one is new, one is gone. What a sync would do, by `plan`:\n',
);
const planned = await run('plan', changed);
if (planned.exitCode !== 0 || standin.store.size !== DEMO_USERS)
  problems.push('the plan is not as it should be');
console.log('\nAnd the sync, which sends no more than that:\n');
const requests = standin.requests.length;
await write(changed);
problems.push(...findProblems(changed));
const sent = standin.requests.slice(requests).reduce((sum, { users }) => sum + users, 0);
if (sent !== 4) problems.push(`${sent} users were sent the second time`);
files.remove();

problems.push(...standin.unexpected);
console.log(
  problems.length === 0
    ? `\nAll ${DEMO_USERS} users arrived, then ${sent} changes and one removal; ${lists.length} lists are as they should be, and every state came back.`
    : `\nNot as it should be:\n${problems.join('\n')}`,
);
await standin.close();
process.exitCode = problems.length === 0 ? 0 : 1;

async function write(rows: readonly Customer[]): Promise<void> {
  const result = await run('write', rows);
  if (result.exitCode !== 0) problems.push(`the exit code is ${result.exitCode ?? 'none'}`);
  if (result.states.length !== DEMO_USERS / DEMO_STATE_EVERY)
    problems.push(`${result.states.length} states came back`);
}

function run(command: 'write' | 'plan', rows: readonly Customer[]): Promise<RunResult> {
  return runConnector({
    args: [command, '--config', config, '--catalog', catalog],
    input: demoInput(rows),
    isText: command === 'plan',
    onLine: (line) => {
      console.log(line);
    },
  });
}

function* demoInput(rows: readonly Customer[]): Generator<string> {
  for (const [index, customer] of rows.entries()) {
    yield aRecord({ ...customer }, { stream: 'customers' });
    if ((index + 1) % DEMO_STATE_EVERY === 0) yield aState(index + 1, 'customers');
  }
  yield aStatus('COMPLETE', 'customers');
}

function findProblems(rows: readonly Customer[]): string[] {
  const found: string[] = [];
  if (standin.store.size !== DEMO_USERS) found.push(`${standin.store.size} users are in the stand-in`);
  for (const [list, belongs] of Object.entries(DEMO_MEMBERS)) {
    const wanted = rows.filter(belongs).map(({ email_address }) => email_address.toLowerCase());
    if (standin.members(list).join() !== wanted.sort().join())
      found.push(`the list ${list} has other members`);
  }
  for (const customer of rows) {
    const user = standin.store.userByEmail(customer.email_address);
    if (
      JSON.stringify(user?.dataFields) !== JSON.stringify(expectedFields(customer)) ||
      user?.userId !== String(customer.id)
    ) {
      found.push(`customer ${customer.id} did not arrive as sent`);
    }
  }
  return found;
}

/** The data fields that Iterable should have for a customer. */
function expectedFields(customer: Customer): Record<string, unknown> {
  return {
    firstName: customer.first_name,
    lastName: customer.last_name,
    home: { city: customer.address.city, country: customer.address.country },
    lifetimeValue: customer.lifetime_value,
    ...(customer.orders === null ? {} : { orders: customer.orders }),
    isSubscriber: customer.is_subscriber,
    signupDate: `${customer.signed_up_at.slice(0, 19).replace('T', ' ')} +00:00`,
  };
}
