/** The records of one stream (or of all) as a chain of segments, each ended by a state; the last one is open. */

/** The number of records between two states, by how they were settled. */
export interface Segment<State> {
  readonly chain: Chain<State>;
  unsettled: number;
  confirmed: number;
  rejected: number;
  /** The state that ends the segment; undefined while it is open. */
  state: State | undefined;
  next: Segment<State> | undefined;
}

export class Chain<State> {
  /** The segment that takes new records. */
  last: Segment<State> = this.#newSegment();
  #first = this.last;

  /** Ends the open segment with a state and opens another. */
  close(state: State): void {
    const opened = this.#newSegment();
    this.last.state = state;
    this.last.next = opened;
    this.last = opened;
  }

  /** The first segment and its state, if its records are all settled and a state ends it. */
  get firstDone(): { readonly segment: Segment<State>; readonly state: State } | undefined {
    const segment = this.#first;
    return segment.unsettled === 0 && segment.state !== undefined
      ? { segment, state: segment.state }
      : undefined;
  }

  /** Drops the first segment, which must be done, and returns the next one. */
  dropFirst(): Segment<State> {
    if (!this.#first.next) throw new Error("The open segment can't be dropped");
    this.#first = this.#first.next;
    return this.#first;
  }

  #newSegment(): Segment<State> {
    return { chain: this, unsettled: 0, confirmed: 0, rejected: 0, state: undefined, next: undefined };
  }
}
