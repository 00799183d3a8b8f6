/**
 * A random scenario: the messages of a source with several streams, and a model of their effect that is far simpler than the
 * connector. Each record contains its number, so that the contents of Iterable show which records were delivered.
 */
import type { Standin } from '../standin/server.ts';
import { aCatalog, aRecord, aStream, line } from './messages.ts';

interface Entry {
  /** Counts from 1 over all streams. */
  readonly number: number;
  readonly stream: string;
  readonly email: string;
  readonly kind: 'upsert' | 'deletion' | 'bad';
  readonly text: string;
}

/** A state, and the number of the last record before it. */
interface Checkpoint {
  readonly after: number;
  /** The streams that it covers. */
  readonly streams: readonly string[];
  readonly text: string;
}

export interface WorldOptions {
  readonly records: number;
  readonly people: number;
  readonly stateType: 'STREAM' | 'GLOBAL';
}

const STREAMS = ['customers', 'leads'];
const KINDS_OF_BAD = ['wrong type', 'malformed address', 'erased'] as const;

export class World {
  readonly entries: Entry[] = [];
  readonly checkpoints: Checkpoint[] = [];
  readonly #stateType: 'STREAM' | 'GLOBAL';

  constructor(random: () => number, { records, people, stateType }: WorldOptions) {
    this.#stateType = stateType;
    const pick = <Item>(items: readonly Item[]): Item => items[Math.floor(random() * items.length)] as Item;
    for (let number = 1; number <= records; number++) {
      const stream = pick(STREAMS);
      // Each user belongs to a single stream, because after a crash the streams resume from different positions.
      const email = `${stream}${Math.floor(random() * people)}@x.com`;
      this.entries.push(entry(number, stream, email, random(), pick(KINDS_OF_BAD), random() < 0.5));
      if (random() < 0.08 || number === records) this.#checkpoint(number, pick(STREAMS));
    }
    if (stateType === 'STREAM') for (const stream of STREAMS) this.#checkpoint(records, stream);
  }

  static readonly config = { lists: [{ kind: 'flag', source: 'vip', list: 'VIP' }] };
  static readonly catalog = aCatalog(...STREAMS.map((name) => aStream({ name })));

  /** Prepares the stand-in for the first run: a typed field and an erased user. */
  static prepare(standin: Standin): void {
    standin.store.fields.types.set('level', 'long');
    standin.store.forgotten.add('erased@x.com');
  }

  /** The whole input, or what a source sends when it resumes after these acknowledged states. */
  input(acknowledged: readonly string[] = []): string[] {
    const done = new Map(STREAMS.map((stream) => [stream, 0]));
    for (const text of acknowledged) {
      const { streams, after } = this.checkpointOf(text);
      for (const stream of streams) done.set(stream, after);
    }
    const lines: { at: number; text: string }[] = [];
    for (const { number, stream, text } of this.entries)
      if (number > (done.get(stream) ?? 0)) lines.push({ at: number, text });
    for (const { after, streams, text } of this.checkpoints)
      if (streams.some((stream) => after > (done.get(stream) ?? 0))) lines.push({ at: after + 0.5, text });
    return lines.sort((a, b) => a.at - b.at).map(({ text }) => text);
  }

  /** The checkpoint that belongs to a STATE line of the connector. */
  checkpointOf(stateLine: string): Checkpoint {
    const marker = /"marker":(\d+)/.exec(stateLine)?.[1];
    const found = this.checkpoints[Number(marker)];
    if (!found) throw new Error(`a state that was never sent: ${stateLine}`);
    return found;
  }

  /** The records covered by the checkpoint whose effect is not visible in Iterable: if there are any, the state came too early. */
  missing({ after, streams }: Checkpoint, standin: Standin): number[] {
    const last = new Map<string, Entry>();
    for (const entry of this.entries)
      if (entry.number <= after && streams.includes(entry.stream) && entry.kind !== 'bad')
        last.set(entry.email, entry);
    return [...last.values()].filter((entry) => !this.#isVisible(entry, standin)).map(({ number }) => number);
  }

  /** A later record of the same user may have overwritten it. */
  #isVisible({ number, email, kind }: Entry, standin: Standin): boolean {
    const seen = standin.store.userByEmail(email)?.dataFields.number as number | undefined;
    if (kind === 'upsert' && seen === number)
      return standin.store.listsOf({ email }).length > 0 === isVip(number);
    if (kind === 'upsert' && seen !== undefined) return seen > number;
    if (kind === 'deletion' && seen !== undefined) return seen > number;
    return (
      kind === 'deletion' ||
      this.entries.some(
        (later) => later.email === email && later.kind === 'deletion' && later.number > number,
      )
    );
  }

  /** Address → the number of the last record, of all users that must exist at the end. */
  finalUsers(): Record<string, number> {
    const users: Record<string, number> = {};
    for (const { email, kind, number } of this.entries) {
      if (kind === 'upsert') users[email] = number;
      if (kind === 'deletion') Reflect.deleteProperty(users, email);
    }
    return users;
  }

  /** The addresses of the users on the list at the end, according to the last record of each. */
  finalMembers(): string[] {
    return Object.entries(this.finalUsers())
      .filter(([, number]) => isVip(number))
      .map(([email]) => email)
      .sort();
  }

  /** The numbers of the records that can never be delivered. */
  get bad(): number[] {
    return this.entries.filter(({ kind }) => kind === 'bad').map(({ number }) => number);
  }

  #checkpoint(after: number, stream: string): void {
    const marker = this.checkpoints.length;
    const streams = this.#stateType === 'GLOBAL' ? STREAMS : [stream];
    const descriptor = { stream_descriptor: { name: stream }, stream_state: { marker } };
    const state =
      this.#stateType === 'GLOBAL'
        ? { type: 'GLOBAL', global: { shared_state: { marker }, stream_states: [] } }
        : { type: 'STREAM', stream: descriptor };
    this.checkpoints.push({ after, streams, text: line({ type: 'STATE', state }) });
  }
}

function entry(
  number: number,
  stream: string,
  email: string,
  dice: number,
  bad: (typeof KINDS_OF_BAD)[number],
  hasPlan: boolean,
): Entry {
  if (dice < 0.06) {
    const data = {
      'wrong type': { email, number, level: 'high' },
      'malformed address': { email: `no-address-${number}`, number },
      erased: { email: 'erased@x.com', number },
    }[bad];
    return { number, stream, email, kind: 'bad', text: aRecord(data, { stream }) };
  }
  if (dice < 0.16) {
    const text = aRecord({ email, number, _ab_cdc_deleted_at: '2026-01-01' }, { stream });
    return { number, stream, email, kind: 'deletion', text };
  }
  // Records with objects are not merged, so some records of a user have to be sent one after the other.
  const data = {
    email,
    number,
    level: number % 7,
    vip: isVip(number),
    ...(hasPlan ? { plan: { [`p${number % 3}`]: number } } : {}),
  };
  return { number, stream, email, kind: 'upsert', text: aRecord(data, { stream }) };
}

function isVip(number: number): boolean {
  return number % 3 === 0;
}

/** Address → the number of the last record, of all users in a stand-in; compare {@link World.finalUsers}. */
export function usersOf(standin: Standin): Record<string, unknown> {
  return Object.fromEntries(
    standin.store.users().map(({ email = '', dataFields }): [string, unknown] => [email, dataFields.number]),
  );
}
