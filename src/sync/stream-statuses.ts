/** What the source said about the end of each stream. A stream may end without a word, which proves nothing either way. */
import type { StreamId } from '../model.ts';
import { streamKey } from '../protocol/catalog.ts';
import type { StreamStatusMessage } from '../protocol/messages.ts';

export class StreamStatuses {
  readonly #last = new Map<string, StreamStatusMessage>();

  note(message: StreamStatusMessage): void {
    this.#last.set(streamKey(message.stream), message);
  }

  /** Streams whose last word was INCOMPLETE: the source failed them. */
  get incomplete(): StreamId[] {
    return [...this.#last.values()]
      .filter(({ status }) => status === 'INCOMPLETE')
      .map(({ stream }) => stream);
  }
}
