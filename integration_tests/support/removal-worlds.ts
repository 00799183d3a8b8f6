/**
 * Random worlds in which people come and go in several streams, and a model of who may be removed by absence: not what the
 * connector should do in each case, but who must stay whatever happens. Where a run was cut off, the model knows less.
 */
import { aCatalog, aRecord, aState, aStatus, aStream, type StreamOptions } from './messages.ts';

/** How a stream's sender says what its records are. */
const SENDERS = ['overwrite', 'overwrite', 'refresh', 'refresh', 'incremental', 'PyAirbyte'] as const;
type Sender = (typeof SENDERS)[number];
type Mode = 'sync' | 'additive' | 'enrich';

/** A row as the model knows its entry in the ledger. */
interface Entry {
  /** Whom it holds for certain. */
  certain: string | undefined;
  /** Whom it may hold. */
  readonly possible: Set<string>;
  /** Sent in a mode that creates. */
  readonly written: Set<string>;
}

interface Stream {
  readonly name: string;
  readonly sender: Sender;
  /** What the source has. */
  readonly rows: Set<number>;
  readonly entries: Map<number, Entry>;
  generation: number;
  /** The generation that its snapshot began with. */
  begun: number;
  /** Ids that an unproven snapshot has had for certain. */
  seen: Set<number>;
  /** Ids of a snapshot whose first part failed that are yet to be sent. */
  rest: number[] | undefined;
  hasKeyless: boolean;
  /** Ids whose removal a run may have decided that was cut off. */
  decided: Set<number>;
}

interface Sent {
  readonly stream: Stream;
  readonly ids: readonly number[];
  /** Sent with an address that is none: rejected, but seen. */
  readonly refused: ReadonlySet<number>;
  readonly keyless: boolean;
  readonly status: 'COMPLETE' | 'INCOMPLETE' | undefined;
}

export interface WorldRun {
  readonly mode: Mode;
  readonly catalog: ReturnType<typeof aCatalog>;
  readonly lines: readonly string[];
  /** It is cut off at the request of this number. */
  readonly cutOffAt: number | undefined;
  readonly config: Record<string, unknown>;
  readonly maxPercent: number;
  readonly sent: readonly Sent[];
  readonly isBroken: boolean;
}

export interface RunOutcome {
  readonly exitCode: number;
  readonly wasCutOff: boolean;
  /** Addresses in Iterable before and after. */
  readonly before: ReadonlySet<string>;
  readonly after: ReadonlySet<string>;
}

export class RemovalWorld {
  /** In Iterable from the beginning. */
  readonly known: readonly string[] = ['s0@x.com', 's1@x.com', 'p0@x.com', 'p1@x.com'];
  readonly #random: () => number;
  readonly #streams: readonly Stream[];
  readonly #trusts: boolean;
  readonly #maxPercent: number;
  /** Nothing has happened after which the model can't tell exactly who is left. */
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

  /** Rows come and go, but not where the source is in the middle of a snapshot. */
  change(): void {
    for (const { rows, rest } of this.#streams) {
      if (rest) continue;
      for (const id of [...rows]) if (this.#random() < 0.25) rows.delete(id);
      for (let n = Math.floor(this.#random() * 3); n > 0; n--) rows.add(this.#someId());
      if (rows.size === 0 && this.#random() < 0.8) rows.add(this.#someId());
    }
  }

  /** A run of any kind. */
  run(): WorldRun {
    const mode = this.#pick<Mode>(['sync', 'sync', 'sync', 'sync', 'additive', 'enrich']);
    const sent = this.#streams.map((stream) => this.#send(stream));
    return this.#toRun(mode, sent, {
      cutOffAt: this.#random() < 0.4 ? Math.ceil(this.#random() * 16) : undefined,
      isBroken: this.#random() < 0.1,
      maxPercent: this.#maxPercent,
    });
  }

  /** A run in which everything arrives and is proven. */
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

  /** What must not have happened in the run, in words; the model then knows what it did. */
  note(run: WorldRun, outcome: RunOutcome): string[] {
    const { exitCode, wasCutOff, before, after } = outcome;
    const endsWell = !run.isBroken && run.sent.every(({ status }) => status !== 'INCOMPLETE');
    if (run.mode === 'enrich' || wasCutOff) this.#isExact = false;
    const interrupted = this.#streams.map(({ decided }) => new Set(decided));
    for (const sent of run.sent) this.#noteSent(sent, run.mode, wasCutOff, before);
    const goers = new Map<Stream, Set<number>>();
    for (const [index, sent] of run.sent.entries()) {
      const fresh = endsWell ? this.#absent(sent, run) : [];
      const left = [...(interrupted[index] ?? [])].filter(
        (id) => run.mode === 'sync' && endsWell && !sent.ids.includes(id),
      );
      goers.set(sent.stream, new Set([...fresh, ...left]));
    }
    const removed = [...before].filter((address) => !after.has(address));
    const wrongs = removed.flatMap((address) => this.#wrongIn(address, run, goers));
    if (removed.length > 0 && exitCode !== 0 && !wasCutOff)
      wrongs.push(`${removed.join(', ')} removed by a run that failed`);
    for (const sent of run.sent) this.#noteEnd(sent, goers.get(sent.stream) ?? new Set(), outcome, endsWell);
    return wrongs;
  }

  /** Who must be in Iterable at the end, and who may be. */
  get expected(): { readonly must: ReadonlySet<string>; readonly may: ReadonlySet<string> | 'anybody' } {
    const must = new Set([
      's0@x.com',
      's1@x.com',
      ...this.#streams.flatMap(({ rows }) => [...rows].map(personOf)),
    ]);
    const mirrors = this.#streams.every(({ sender }) => sender === 'overwrite' || sender === 'refresh');
    if (!this.#isExact || !mirrors) return { must, may: 'anybody' };
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
      // Without a status nobody can tell that it is a part, so such a sender is not trusted.
      const status = this.#trusts || this.#random() < 0.5 ? 'INCOMPLETE' : undefined;
      return { stream, ids, refused, keyless, status };
    }
    stream.rest = undefined;
    // As Airbyte's Clear sends it.
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
    // Each generation begins a snapshot; a run of the same one goes on with it.
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

  /** Ids of the stream that the run may remove, since all of a snapshot has arrived without them. */
  #absent({ stream, ids, keyless, status }: Sent, { mode, maxPercent }: WorldRun): number[] {
    const isReplaced = stream.sender === 'overwrite' || stream.sender === 'refresh';
    const isProven = status === 'COMPLETE' || this.#trusts;
    if (mode !== 'sync' || !isReplaced || !isProven || maxPercent === 0) return [];
    if (ids.length === 0 || stream.hasKeyless || keyless) return [];
    return [...stream.entries.keys()].filter((id) => !stream.seen.has(id) && !ids.includes(id));
  }

  #wrongIn(address: string, { mode }: WorldRun, goers: ReadonlyMap<Stream, ReadonlySet<number>>): string[] {
    if (mode !== 'sync') return [`${address} removed in the mode ${mode}`];
    const goes = (stream: Stream, id: number) => goers.get(stream)?.has(id) === true;
    let mayGo = false;
    for (const stream of this.#streams) {
      for (const [id, { certain, possible, written }] of stream.entries) {
        if (certain === address && !goes(stream, id))
          return [`${address} removed, whom row ${id} of ${stream.name} holds`];
        if (possible.has(address) && written.has(address) && goes(stream, id)) mayGo = true;
      }
    }
    return mayGo ? [] : [`${address} removed, whom no absent row can have held`];
  }

  #noteEnd(
    { stream, status }: Sent,
    goers: ReadonlySet<number>,
    { exitCode, wasCutOff }: RunOutcome,
    endsWell: boolean,
  ): void {
    const isProven = endsWell && (status === 'COMPLETE' || this.#trusts);
    if (wasCutOff) {
      for (const id of goers) stream.decided.add(id);
      if (isProven) beginSnapshot(stream);
      // The snapshot may have gone on as well: what it had then is not known here.
      return;
    }
    if (!endsWell) return;
    stream.decided.clear();
    if (isProven) beginSnapshot(stream);
    if (exitCode !== 0) return;
    for (const id of goers) entryOf(stream, id).certain = undefined;
  }

  #someId(): number {
    return Math.floor(this.#random() * 20);
  }

  #pick<Item>(items: readonly Item[]): Item {
    return items[Math.floor(this.#random() * items.length)] as Item;
  }
}

/** A row is one person for good, and two rows of a stream may be the same one. */
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
        // 1 with the sync id 1 would be PyAirbyte's.
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
