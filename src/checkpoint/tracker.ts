/**
 * Says when a state may go back: once every record before it is settled, in whatever order those settle. Records are
 * counted, not remembered: time is constant per record, memory per state that waits.
 */
import { Chain, type Segment } from './chain.ts';

/** A state that may leave, with the records received since the state before it. */
export interface ReleasedState {
  readonly text: string;
  readonly recordCount: number;
  readonly rejectedRecordCount: number;
}

/** What became of a record: `rejected` ones are counted apart. */
export type Verdict = 'confirmed' | 'rejected';

/** Stands for a record until it is settled. Opaque: records between the same states share one. */
export interface Ticket {
  readonly ofStream: Segment<TrackedState>;
  readonly ofAll: Segment<TrackedState>;
  unsettled: number;
}

interface TrackedState {
  readonly order: number;
  readonly text: string;
  /** Of one stream, of all streams, or of a stream that the catalog lacks, which waits like one of all but counts nothing. */
  readonly scope: 'stream' | 'all' | 'unknown';
  /** How many states of all streams were received before it. They leave first. */
  readonly barriers: number;
}

/**
 * STREAM states wait for their own stream's records; GLOBAL and LEGACY states, and STREAM states of unknown streams, for
 * all. States of one stream leave in the order received, and no state passes a GLOBAL or LEGACY one, in either direction.
 */
export class CheckpointTracker {
  readonly #streams = new Map<string, { readonly chain: Chain<TrackedState>; ticket: Ticket | undefined }>();
  /** Holds each record a second time, between the states that wait for all streams. */
  readonly #all = new Chain<TrackedState>();
  /** Chains whose first state waits for a state of all streams only. */
  readonly #blocked = new Set<Chain<TrackedState>>();
  #barriersReceived = 0;
  #barriersReleased = 0;
  #statesReceived = 0;
  #statesTaken = 0;
  #released: (ReleasedState & { readonly order: number })[] = [];
  #pendingRecords = 0;

  constructor(catalogStreams: Iterable<string>) {
    for (const key of catalogStreams) this.#streams.set(key, { chain: new Chain(), ticket: undefined });
  }

  /** Records tracked and not yet settled. */
  get pendingRecords(): number {
    return this.#pendingRecords;
  }

  /** States tracked and not yet taken. */
  get pendingStates(): number {
    return this.#statesReceived - this.#statesTaken;
  }

  /** Takes a record in input order. Throws Error for a stream that the catalog lacks. */
  trackRecord(streamKey: string): Ticket {
    const stream = this.#streams.get(streamKey);
    if (!stream) throw new Error('A record of a stream that is not tracked');
    let { ticket } = stream;
    if (ticket?.ofStream !== stream.chain.last || ticket.ofAll !== this.#all.last) {
      ticket = { ofStream: stream.chain.last, ofAll: this.#all.last, unsettled: 0 };
      stream.ticket = ticket;
    }
    ticket.unsettled++;
    ticket.ofStream.unsettled++;
    ticket.ofAll.unsettled++;
    this.#pendingRecords++;
    return ticket;
  }

  /** Settles records of this ticket, in any order. Throws Error when that is more than were tracked. */
  settle(ticket: Ticket, verdict: Verdict, count = 1): void {
    if (!(count >= 0 && count <= ticket.unsettled)) throw new Error('More records settled than were tracked');
    ticket.unsettled -= count;
    this.#pendingRecords -= count;
    settleIn(ticket.ofStream, verdict, count);
    settleIn(ticket.ofAll, verdict, count);
    // In this order: states of one stream leave before a state of all streams that was received after them.
    if (ticket.ofStream.unsettled === 0) this.#advanceStream(ticket.ofStream.chain);
    if (ticket.ofAll.unsettled === 0) this.#advanceAll();
  }

  /** Takes a state in input order, between the records. `streamKey` goes with the scope `stream`. */
  trackState({
    scope,
    streamKey,
    text,
  }: {
    scope: 'stream' | 'global' | 'legacy';
    streamKey?: string;
    text: string;
  }): void {
    const stream = streamKey === undefined ? undefined : this.#streams.get(streamKey);
    const state = { order: this.#statesReceived++, text, barriers: this.#barriersReceived };
    if (scope === 'stream' && stream) {
      stream.chain.close({ ...state, scope: 'stream' });
      this.#advanceStream(stream.chain);
      return;
    }
    if (scope !== 'stream') this.#barriersReceived++;
    this.#all.close({ ...state, scope: scope === 'stream' ? 'unknown' : 'all' });
    this.#advanceAll();
  }

  /** The states that may leave now, in the order received; each is given once. */
  takeReleased(): ReleasedState[] {
    if (this.#released.length === 0) return [];
    const released = this.#released.sort((a, b) => a.order - b.order);
    this.#released = [];
    this.#statesTaken += released.length;
    return released.map(({ text, recordCount, rejectedRecordCount }) => ({
      text,
      recordCount,
      rejectedRecordCount,
    }));
  }

  #advanceStream(chain: Chain<TrackedState>): void {
    for (let done = chain.firstDone; done; done = chain.firstDone) {
      if (done.state.barriers > this.#barriersReleased) {
        this.#blocked.add(chain);
        return;
      }
      chain.dropFirst();
      this.#release(done.state, done.segment);
    }
  }

  #advanceAll(): void {
    for (let done = this.#all.firstDone; done; done = this.#all.firstDone) {
      const next = this.#all.dropFirst();
      if (done.state.scope === 'unknown') {
        this.#release(done.state, { confirmed: 0, rejected: 0 });
        // Its records are still to be counted by the next state of all streams.
        next.confirmed += done.segment.confirmed;
        next.rejected += done.segment.rejected;
        continue;
      }
      this.#release(done.state, done.segment);
      this.#barriersReleased++;
      const blocked = [...this.#blocked];
      this.#blocked.clear();
      for (const chain of blocked) this.#advanceStream(chain);
    }
  }

  #release({ order, text }: TrackedState, counts: { confirmed: number; rejected: number }): void {
    this.#released.push({ order, text, recordCount: counts.confirmed, rejectedRecordCount: counts.rejected });
  }
}

function settleIn(segment: Segment<TrackedState>, verdict: Verdict, count: number): void {
  segment.unsettled -= count;
  segment[verdict] += count;
}
