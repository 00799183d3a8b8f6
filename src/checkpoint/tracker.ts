/**
 * Decides when a state may be emitted: once every record before it is settled, in whatever order. Records are counted,
 * not stored: each takes constant time, and memory grows only with the pending states.
 */
import { Chain, type Segment } from './chain.ts';

/** A state that may be emitted, with the counts of the records since the previous state. */
export interface ReleasedState {
  readonly text: string;
  readonly recordCount: number;
  readonly rejectedRecordCount: number;
}

/** How a record was settled; rejected records are counted separately. */
export type SettledAs = 'confirmed' | 'rejected';

/** Represents a record until it is settled. Opaque: records between the same two states share a ticket. */
export interface Ticket {
  readonly ofStream: Segment<TrackedState>;
  readonly ofAll: Segment<TrackedState>;
  unsettled: number;
}

interface TrackedState {
  readonly order: number;
  readonly text: string;
  /**
   * Of one stream, of all streams, or of a stream that is not in the catalog. The last kind waits like a state of all
   * streams, but its counts are zero.
   */
  readonly scope: 'stream' | 'all' | 'unknown';
  /** How many states of all streams were received before this one. They must be emitted first. */
  readonly barriers: number;
}

/**
 * STREAM states wait for the records of their own stream; GLOBAL and LEGACY states, and STREAM states of unknown
 * streams, wait for all records. States of one stream are emitted in the order received, and no state is reordered
 * across a GLOBAL or LEGACY one.
 */
export class CheckpointTracker {
  readonly #streams = new Map<string, { readonly chain: Chain<TrackedState>; ticket: Ticket | undefined }>();
  /** Counts each record a second time, in segments between the states that wait for all streams. */
  readonly #all = new Chain<TrackedState>();
  /** Chains whose first state waits only for an earlier state of all streams. */
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

  /** Tracks a record. Must be called in input order. Throws Error for a stream that is not in the catalog. */
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

  /** Settles records of this ticket, in any order. Throws Error for more records than were tracked. */
  settle(ticket: Ticket, settledAs: SettledAs, count = 1): void {
    if (!(count >= 0 && count <= ticket.unsettled)) throw new Error('More records settled than were tracked');
    ticket.unsettled -= count;
    this.#pendingRecords -= count;
    settleIn(ticket.ofStream, settledAs, count);
    settleIn(ticket.ofAll, settledAs, count);
    // The order matters: states of one stream are released before a state of all streams that was received later.
    if (ticket.ofStream.unsettled === 0) this.#advanceStream(ticket.ofStream.chain);
    if (ticket.ofAll.unsettled === 0) this.#advanceAll();
  }

  /** Tracks a state. Must be called in input order, between the records. `streamKey` is for the scope `stream` only. */
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

  /** The states that may be emitted now, in the order received. Each is returned once. */
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
        // The next state of all streams still has to count these records.
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

function settleIn(segment: Segment<TrackedState>, settledAs: SettledAs, count: number): void {
  segment.unsettled -= count;
  segment[settledAs] += count;
}
