/** `npm run demo`: 1,000 example users through the built program into the stand-in. The exit code says whether all arrived as they should. */
import { startStandin } from '../standin/server.ts';
import { usersTable } from '../standin/table.ts';
import { runConnector, TestFiles } from '../support/connector.ts';
import { aCatalog, aRecord, aState, aStream } from '../support/messages.ts';
import {
  DEMO_LISTS,
  DEMO_MAPPINGS,
  DEMO_MEMBERS,
  DEMO_STATE_EVERY,
  DEMO_USERS,
  exampleCustomers,
  type Customer,
} from './example-users.ts';

const standin = await startStandin();
const files = new TestFiles();
const config = { api_key: standin.apiKey, api_url: standin.url, mappings: DEMO_MAPPINGS, lists: DEMO_LISTS };

console.log(
  `Sending ${DEMO_USERS} users, with a state after each ${DEMO_STATE_EVERY}, to a stand-in for Iterable at ${standin.url}.`,
);
console.log('The messages that come out:\n');
const result = await runConnector({
  args: [
    'write',
    '--config',
    files.write('config.json', config),
    '--catalog',
    files.write('catalog.json', aCatalog(aStream({ name: 'customers' }))),
  ],
  input: demoInput(),
  onLine: (line) => {
    console.log(line);
  },
});
files.remove();

const problems = findProblems();
const lists = Object.keys(DEMO_MEMBERS).map((list) => `${list}: ${standin.members(list).length} users`);
console.log(
  `\nWhat is in the stand-in now:\n${usersTable(standin.store.users(), 8)}\nLists: ${lists.join(', ')}`,
);
console.log(
  problems.length === 0
    ? `\nAll ${DEMO_USERS} users arrived, ${lists.length} lists are as they should be, and every state came back.`
    : `\nNot as it should be:\n${problems.join('\n')}`,
);
await standin.close();
process.exitCode = problems.length === 0 ? 0 : 1;

function* demoInput(): Generator<string> {
  for (const customer of exampleCustomers()) {
    yield aRecord({ ...customer }, { stream: 'customers' });
    if (customer.id % DEMO_STATE_EVERY === 0) yield aState(customer.id, 'customers');
  }
}

function findProblems(): string[] {
  const found = [...standin.unexpected];
  if (result.exitCode !== 0) found.push(`the exit code is ${result.exitCode ?? 'none'}`);
  if (result.states.length !== DEMO_USERS / DEMO_STATE_EVERY)
    found.push(`${result.states.length} states came back`);
  if (standin.store.size !== DEMO_USERS) found.push(`${standin.store.size} users are in the stand-in`);
  for (const [list, belongs] of Object.entries(DEMO_MEMBERS)) {
    const wanted = [...exampleCustomers()]
      .filter(belongs)
      .map(({ email_address }) => email_address.toLowerCase());
    if (standin.members(list).join() !== wanted.sort().join())
      found.push(`the list ${list} has other members`);
  }
  for (const customer of exampleCustomers()) {
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

/** What Iterable should hold of a customer, by the mappings. */
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
