/** What the source said about the end of each stream. A stream may end without a word, which proves nothing either way. */
import type { StreamId } from '../model.ts';
import { streamKey } from '../protocol/catalog.ts';
import type { StreamStatusMessage } from '../protocol/messages.ts';

export class StreamStatuses {
  readonly #last = new Map<string, StreamStatusMessage>();

  note(message: StreamStatusMessage): void {
    this.#last.set(streamKey(message.stream), message);
  }

  /** True when the source's last word on the stream was that all of it was sent. */
  isComplete(stream: StreamId): boolean {
    return this.#last.get(streamKey(stream))?.status === 'COMPLETE';
  }

  /** Streams whose last word was INCOMPLETE: the source failed them. */
  get incomplete(): StreamId[] {
    return [...this.#last.values()]
      .filter(({ status }) => status === 'INCOMPLETE')
      .map(({ stream }) => stream);
  }
}
