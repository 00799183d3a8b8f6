/**
 * Random scenarios in which rows appear and disappear in several streams, and a model of which users may be removed because
 * their rows are missing from a snapshot. The model does not predict what the connector does in each case, only which users
 * must stay in any case. After a run that was cut off, the model knows less.
 */
import { aCatalog, aRecord, aState, aStatus, aStream, type StreamOptions } from './messages.ts';

/** The kinds of senders, which differ in how the catalog declares a stream. */
const SENDERS = ['overwrite', 'overwrite', 'refresh', 'refresh', 'incremental', 'PyAirbyte'] as const;
type Sender = (typeof SENDERS)[number];
type Mode = 'sync' | 'additive' | 'enrich';

/** What the model knows of a row's entry in the ledger. Users are identified by address. */
interface Entry {
  /** The user that the entry certainly holds. */
  certain: string | undefined;
  /** The users that the entry may hold. */
  readonly possible: Set<string>;
  /** The users that were sent in a mode that creates users. */
  readonly written: Set<string>;
}

interface Stream {
  readonly name: string;
  readonly sender: Sender;
  /** The rows that the source has. */
  readonly rows: Set<number>;
  readonly entries: Map<number, Entry>;
  generation: number;
  /** The generation in which the current snapshot began. */
  begun: number;
  /** The ids that were certainly present in the current, incomplete snapshot. */
  seen: Set<number>;
  /** The ids still to be sent of a snapshot whose first part failed. */
  rest: number[] | undefined;
  hasKeyless: boolean;
  /** Ids whose removal may have been decided by a run that was then cut off. */
  decided: Set<number>;
}

interface Sent {
  readonly stream: Stream;
  readonly ids: readonly number[];
  /** Ids sent with a malformed address: rejected, but present in the snapshot. */
  readonly refused: ReadonlySet<number>;
  readonly keyless: boolean;
  readonly status: 'COMPLETE' | 'INCOMPLETE' | undefined;
}

export interface WorldRun {
  readonly mode: Mode;
  readonly catalog: ReturnType<typeof aCatalog>;
  readonly lines: readonly string[];
  /** The number of the request at which the run is cut off. */
  readonly cutOffAt: number | undefined;
  readonly config: Record<string, unknown>;
  readonly maxPercent: number;
  readonly sent: readonly Sent[];
  readonly isBroken: boolean;
}

export interface RunOutcome {
  readonly exitCode: number;
  readonly wasCutOff: boolean;
  /** The addresses in Iterable before the run, and after it. */
  readonly before: ReadonlySet<string>;
  readonly after: ReadonlySet<string>;
}

export class RemovalWorld {
  /** The users in Iterable before the first run. */
  readonly known: readonly string[] = ['s0@x.com', 's1@x.com', 'p0@x.com', 'p1@x.com'];
  readonly #random: () => number;
  readonly #streams: readonly Stream[];
  readonly #trusts: boolean;
  readonly #maxPercent: number;
  /** False after an event that keeps the model from knowing exactly which users are left. */
  #isExact = true;

  constructor(random: () => number) {
    this.#random = random;
    this.#trusts = random() < 0.3;
    this.#maxPercent = this.#pick([0, 20, 50, 100, 100]);
    this.#streams = ['a', 'b', 'c'].slice(0, 1 + Math.ceil(random() * 2)).map((name) => ({
      name,
      sender: this.#pick(SENDERS),
      rows: new Set(),
      entries: new Map(),
      generation: 0,
      begun: 0,
      seen: new Set(),
      rest: undefined,
      hasKeyless: false,
      decided: new Set(),
    }));
    for (const stream of this.#streams) for (let n = 0; n < 6; n++) stream.rows.add(this.#someId());
  }

  /** Adds and deletes rows, except in streams that are in the middle of a snapshot. */
  change(): void {
    for (const { rows, rest } of this.#streams) {
      if (rest) continue;
      for (const id of [...rows]) if (this.#random() < 0.25) rows.delete(id);
      for (let n = Math.floor(this.#random() * 3); n > 0; n--) rows.add(this.#someId());
      if (rows.size === 0 && this.#random() < 0.8) rows.add(this.#someId());
    }
  }

  /** A random run. */
  run(): WorldRun {
    const mode = this.#pick<Mode>(['sync', 'sync', 'sync', 'sync', 'additive', 'enrich']);
    const sent = this.#streams.map((stream) => this.#send(stream));
    return this.#toRun(mode, sent, {
      cutOffAt: this.#random() < 0.4 ? Math.ceil(this.#random() * 16) : undefined,
      isBroken: this.#random() < 0.1,
      maxPercent: this.#maxPercent,
    });
  }

  /** A run with complete snapshots of all streams. */
  wholeRun(): WorldRun {
    const sent = this.#streams.map((stream): Sent => {
      stream.rest = undefined;
      stream.generation++;
      return {
        stream,
        ids: [...stream.rows],
        refused: new Set(),
        keyless: false,
        status: 'COMPLETE',
      };
    });
    return this.#toRun('sync', sent, { cutOffAt: undefined, isBroken: false, maxPercent: 100 });
  }

  /** Updates the model with the outcome of a run; returns descriptions of what must not have happened. */
  note(run: WorldRun, outcome: RunOutcome): string[] {
    const { exitCode, wasCutOff, before, after } = outcome;
    const endsWell = !run.isBroken && run.sent.every(({ status }) => status !== 'INCOMPLETE');
    if (run.mode === 'enrich' || wasCutOff) this.#isExact = false;
    const interrupted = this.#streams.map(({ decided }) => new Set(decided));
    for (const sent of run.sent) this.#noteSent(sent, run.mode, wasCutOff, before);
    const removable = new Map<Stream, Set<number>>();
    for (const [index, sent] of run.sent.entries()) {
      const fresh = endsWell ? this.#absent(sent, run) : [];
      const left = [...(interrupted[index] ?? [])].filter(
        (id) => run.mode === 'sync' && endsWell && !sent.ids.includes(id),
      );
      removable.set(sent.stream, new Set([...fresh, ...left]));
    }
    const removed = [...before].filter((address) => !after.has(address));
    const problems = removed.flatMap((address) => this.#problemsWith(address, run, removable));
    if (removed.length > 0 && exitCode !== 0 && !wasCutOff)
      problems.push(`${removed.join(', ')} removed by a run that failed`);
    for (const sent of run.sent)
      this.#noteEnd(sent, removable.get(sent.stream) ?? new Set(), outcome, endsWell);
    return problems;
  }

  /** The users that must be in Iterable at the end, and those that may be. */
  get expected(): { readonly must: ReadonlySet<string>; readonly may: ReadonlySet<string> | 'any' } {
    const must = new Set([
      's0@x.com',
      's1@x.com',
      ...this.#streams.flatMap(({ rows }) => [...rows].map(personOf)),
    ]);
    const mirrors = this.#streams.every(({ sender }) => sender === 'overwrite' || sender === 'refresh');
    if (!this.#isExact || !mirrors) return { must, may: 'any' };
    const named = new Set(
      this.#streams.flatMap(({ entries }) => [...entries.values()].flatMap((e) => [...e.possible])),
    );
    return { must, may: new Set([...must, ...this.known.filter((address) => !named.has(address))]) };
  }

  #send(stream: Stream): Sent {
    const isResuming = stream.rest !== undefined && this.#random() < 0.7;
    if (!isResuming && (stream.rest === undefined || this.#random() < 0.5)) stream.generation++;
    const all = isResuming ? (stream.rest ?? []) : [...stream.rows];
    const dice = this.#random();
    const refused = new Set(all.filter(() => this.#random() < 0.05));
    const keyless = this.#random() < 0.06;
    if (dice < 0.25) {
      const ids = all.slice(0, Math.floor(this.#random() * all.length));
      stream.rest = all.slice(ids.length);
      // A sender whose end of input is trusted must report INCOMPLETE, since without a status the part would count as complete.
      const status = this.#trusts || this.#random() < 0.5 ? 'INCOMPLETE' : undefined;
      return { stream, ids, refused, keyless, status };
    }
    stream.rest = undefined;
    // An empty stream, such as Airbyte's Clear sends.
    if (dice < 0.3) return { stream, ids: [], refused: new Set(), keyless: false, status: 'COMPLETE' };
    const status = dice < 0.8 ? 'COMPLETE' : undefined;
    return { stream, ids: all, refused, keyless, status };
  }

  #toRun(
    mode: Mode,
    sent: readonly Sent[],
    { cutOffAt, isBroken, maxPercent }: Pick<WorldRun, 'cutOffAt' | 'isBroken' | 'maxPercent'>,
  ): WorldRun {
    const lines = sent.flatMap(({ stream, ids, refused, keyless }) => [
      ...ids.map((id) =>
        aRecord({ id, email: refused.has(id) ? 'no address' : personOf(id), n: id }, { stream: stream.name }),
      ),
      ...(keyless ? [aRecord({ email: 'no address' }, { stream: stream.name })] : []),
      aState(stream.generation, stream.name),
    ]);
    const statuses = sent.flatMap(({ stream, status }) =>
      status === undefined ? [] : [aStatus(status, stream.name)],
    );
    return {
      mode,
      sent,
      cutOffAt,
      isBroken,
      maxPercent,
      config: { sync_mode: mode, trust_end_of_input: this.#trusts, max_removals_percent: maxPercent },
      catalog: aCatalog(...this.#streams.map((stream) => aStream(streamOptions(stream)))),
      lines: [...lines, ...statuses, ...(isBroken ? ['{"type":"RECORD"\n'] : [])],
    };
  }

  #noteSent(
    { stream, ids, refused, keyless }: Sent,
    mode: Mode,
    wasCutOff: boolean,
    before: ReadonlySet<string>,
  ): void {
    // Each generation begins a snapshot; a run of the same generation continues it.
    if (stream.sender === 'refresh' && stream.generation !== stream.begun) beginSnapshot(stream);
    for (const id of ids) {
      stream.decided.delete(id);
      if (!wasCutOff) stream.seen.add(id);
      const person = personOf(id);
      if (refused.has(id)) continue;
      const entry = entryOf(stream, id);
      const isWritten = mode !== 'enrich' || before.has(person);
      if (mode !== 'enrich') entry.written.add(person);
      if (wasCutOff || !isWritten) {
        if (entry.certain !== person || !isWritten) entry.certain = undefined;
        entry.possible.add(person);
      } else {
        entry.certain = person;
        entry.possible.clear();
        entry.possible.add(person);
      }
    }
    if (keyless && !wasCutOff) stream.hasKeyless = true;
  }

  /** The ids of the stream that the run may remove, since they are missing from a complete snapshot. */
  #absent({ stream, ids, keyless, status }: Sent, { mode, maxPercent }: WorldRun): number[] {
    const isReplaced = stream.sender === 'overwrite' || stream.sender === 'refresh';
    const isProven = status === 'COMPLETE' || this.#trusts;
    if (mode !== 'sync' || !isReplaced || !isProven || maxPercent === 0) return [];
    if (ids.length === 0 || stream.hasKeyless || keyless) return [];
    return [...stream.entries.keys()].filter((id) => !stream.seen.has(id) && !ids.includes(id));
  }

  #problemsWith(
    address: string,
    { mode }: WorldRun,
    removable: ReadonlyMap<Stream, ReadonlySet<number>>,
  ): string[] {
    if (mode !== 'sync') return [`${address} removed in mode ${mode}`];
    const isRemovable = (stream: Stream, id: number) => removable.get(stream)?.has(id) === true;
    let mayBeRemoved = false;
    for (const stream of this.#streams) {
      for (const [id, { certain, possible, written }] of stream.entries) {
        if (certain === address && !isRemovable(stream, id))
          return [`${address} removed although row ${id} of ${stream.name} holds it`];
        if (possible.has(address) && written.has(address) && isRemovable(stream, id)) mayBeRemoved = true;
      }
    }
    return mayBeRemoved ? [] : [`${address} removed although no missing row can have held it`];
  }

  #noteEnd(
    { stream, status }: Sent,
    removable: ReadonlySet<number>,
    { exitCode, wasCutOff }: RunOutcome,
    endsWell: boolean,
  ): void {
    const isProven = endsWell && (status === 'COMPLETE' || this.#trusts);
    if (wasCutOff) {
      for (const id of removable) stream.decided.add(id);
      // The connector may also have kept the old snapshot open. The model does not know which rows that one has.
      if (isProven) beginSnapshot(stream);
      return;
    }
    if (!endsWell) return;
    stream.decided.clear();
    if (isProven) beginSnapshot(stream);
    if (exitCode !== 0) return;
    for (const id of removable) entryOf(stream, id).certain = undefined;
  }

  #someId(): number {
    return Math.floor(this.#random() * 20);
  }

  #pick<Item>(items: readonly Item[]): Item {
    return items[Math.floor(this.#random() * items.length)] as Item;
  }
}

/** A row always stands for the same user; two rows of a stream may stand for the same one. */
function personOf(id: number): string {
  return `p${id % 10}@x.com`;
}

function beginSnapshot(stream: Stream): void {
  stream.begun = stream.generation;
  stream.seen = new Set();
  stream.hasKeyless = false;
}

function entryOf(stream: Stream, id: number): Entry {
  let entry = stream.entries.get(id);
  if (!entry)
    stream.entries.set(id, (entry = { certain: undefined, possible: new Set(), written: new Set() }));
  return entry;
}

function streamOptions({ name, sender, generation }: Stream): StreamOptions {
  const primaryKey = [['id']];
  switch (sender) {
    case 'overwrite':
      return { name, primaryKey, syncMode: 'full_refresh', destinationSyncMode: 'overwrite' };
    case 'refresh':
      return {
        name,
        primaryKey,
        syncMode: 'full_refresh',
        destinationSyncMode: 'append_dedup',
        // Not 1, which together with sync id 1 is what PyAirbyte sends.
        generationId: generation + 1,
        minimumGenerationId: generation + 1,
        syncId: 7,
      };
    case 'incremental':
      return { name, primaryKey };
    case 'PyAirbyte':
      return {
        name,
        primaryKey,
        destinationSyncMode: 'overwrite',
        generationId: 1,
        minimumGenerationId: 1,
        syncId: 1,
      };
  }
}
