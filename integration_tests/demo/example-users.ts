/** The demo's records: 1,000 customers as in a typical warehouse, the same in every run. */
import { faker } from '@faker-js/faker';

export const DEMO_USERS = 1000;
export const DEMO_STATE_EVERY = 250;

/** The mappings, used by the demo's configuration and by the check of its result. */
export const DEMO_MAPPINGS = [
  { source: 'email_address', target: 'email' },
  { source: 'id', target: 'userId' },
  { source: 'first_name', target: 'firstName' },
  { source: 'last_name', target: 'lastName' },
  { source: 'address.city', target: 'home.city' },
  { source: 'address.country', target: 'home.country' },
  { source: 'lifetime_value', target: 'lifetimeValue', type: 'double' },
  { source: 'orders', target: 'orders', type: 'long' },
  { source: 'is_subscriber', target: 'isSubscriber' },
  { source: 'signed_up_at', target: 'signupDate', type: 'date' },
] as const;

/** One rule of each kind, and a list for each. */
export const DEMO_LISTS = [
  { kind: 'all', list: 'Customers' },
  { kind: 'flag', source: 'is_subscriber', list: 'Subscribers' },
  { kind: 'names', source: 'segments' },
] as const;

/** List → whether a customer belongs on it. */
export const DEMO_MEMBERS: Readonly<Record<string, (customer: Customer) => boolean>> = {
  Customers: () => true,
  Subscribers: ({ is_subscriber }) => is_subscriber,
  'Big spenders': ({ lifetime_value }) => lifetime_value > BIG_SPENDER,
};

const BIG_SPENDER = 4000;

export interface Customer {
  readonly id: number;
  readonly email_address: string;
  readonly first_name: string;
  readonly last_name: string;
  readonly address: { readonly city: string; readonly country: string };
  readonly lifetime_value: number;
  readonly orders: number | null;
  readonly is_subscriber: boolean;
  readonly signed_up_at: string;
  readonly segments: readonly string[];
}

export function* exampleCustomers(): Generator<Customer> {
  faker.seed(2026);
  faker.setDefaultRefDate('2026-01-01T00:00:00Z');
  for (let id = 1; id <= DEMO_USERS; id++) {
    const firstName = faker.person.firstName();
    const lastName = faker.person.lastName();
    const lifetimeValue = faker.number.float({ min: 0, max: 5000, fractionDigits: 2 });
    yield {
      id,
      email_address: faker.internet.email({
        firstName,
        lastName: `${lastName}.${id}`,
        provider: 'example.com',
      }),
      first_name: firstName,
      last_name: lastName,
      address: { city: faker.location.city(), country: faker.location.countryCode() },
      lifetime_value: lifetimeValue,
      segments: lifetimeValue > BIG_SPENDER ? ['Big spenders'] : [],
      orders: id % 10 === 0 ? null : faker.number.int({ min: 0, max: 80 }),
      is_subscriber: faker.datatype.boolean(),
      signed_up_at: faker.date.past({ years: 5 }).toISOString(),
    };
  }
}

/** The customers a day later: three have changed (one of them its list), one is deleted, and one is new. */
export function changedCustomers(customers: readonly Customer[]): Customer[] {
  const [first, second, third, , ...rest] = customers;
  if (!first || !second || !third) throw new Error('The demo has too few customers');
  return [
    { ...first, orders: (first.orders ?? 0) + 1 },
    { ...second, address: { city: 'Turin', country: 'IT' } },
    { ...third, is_subscriber: !third.is_subscriber },
    ...rest,
    { ...second, id: DEMO_USERS + 1, email_address: 'new.customer@example.com' },
  ];
}
