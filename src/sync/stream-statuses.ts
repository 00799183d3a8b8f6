/** The status that the source gave each stream at its end. A stream without one may be complete or not. */
import type { StreamId } from '../model.ts';
import { streamKey } from '../protocol/catalog.ts';
import type { StreamStatusMessage } from '../protocol/messages.ts';

export class StreamStatuses {
  readonly #last = new Map<string, StreamStatusMessage>();

  note(message: StreamStatusMessage): void {
    this.#last.set(streamKey(message.stream), message);
  }

  /** True when the last status of the stream is COMPLETE: the source has sent all of it. */
  isComplete(stream: StreamId): boolean {
    return this.#last.get(streamKey(stream))?.status === 'COMPLETE';
  }

  /** Streams whose last status is INCOMPLETE: the source failed to read them. */
  get incomplete(): StreamId[] {
    return [...this.#last.values()]
      .filter(({ status }) => status === 'INCOMPLETE')
      .map(({ stream }) => stream);
  }
}
