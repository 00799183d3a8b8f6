/** Shows the progress of a sync on a terminal, redrawn in place a few times a second. Only reads counters. */
import { clearScreenDown, cursorTo, moveCursor } from 'node:readline';
import type { Writable } from 'node:stream';
import type { Clock } from '../clock.ts';
import type { Counters, ProgressText } from './progress-text.ts';
import { colorsOf, type Terminal } from './terminal.ts';

export interface ProgressDisplayOptions {
  readonly terminal: Terminal;
  readonly out: Writable;
  readonly clock: Clock;
  readonly text: ProgressText;
  /** Called each time that the display is drawn. */
  readonly counters: () => Counters;
}

const DRAW_EVERY_MS = 250;
/** Speeds are averages over this last stretch of time. */
const SPEED_WINDOW_MS = 5_000;

interface Sample extends Pick<Counters, 'delivered' | 'calls'> {
  readonly at: number;
}

export class ProgressDisplay {
  readonly #options: ProgressDisplayOptions;
  readonly #startedAt: number;
  readonly #end = new AbortController();
  #samples: Sample[] = [];
  /** How many lines of the display are above the cursor. */
  #height = 0;

  /** Draws at once, and then every {@link DRAW_EVERY_MS}. */
  constructor(options: ProgressDisplayOptions) {
    this.#options = options;
    this.#startedAt = options.clock.now();
    void this.#drawRepeatedly();
  }

  /** Clears the display, so that a permanent line can be written. */
  clear(): void {
    if (this.#height === 0) return;
    const { out } = this.#options;
    moveCursor(out, 0, -this.#height);
    cursorTo(out, 0);
    clearScreenDown(out);
    this.#height = 0;
  }

  /** Draws the current counters in place of the previous ones. */
  draw(): void {
    if (this.#end.signal.aborted) return;
    const { terminal, out, clock, text, counters } = this.#options;
    const now = clock.now();
    const present = counters();
    const past = this.#sample({ at: now, delivered: present.delivered, calls: present.calls });
    const seconds = Math.max(now - past.at, 1) / 1000;
    const lines = text(
      present,
      {
        elapsedMs: now - this.#startedAt,
        deliveredPerSecond: (present.delivered - past.delivered) / seconds,
        callsPerSecond: (present.calls - past.calls) / seconds,
      },
      { colors: colorsOf(terminal), columns: terminal.columns },
    );
    this.clear();
    out.write(`${lines.join('\n')}\n`);
    this.#height = lines.length;
  }

  /** Clears the display for good. */
  end(): void {
    this.#end.abort(new Error('the sync has ended'));
    this.clear();
  }

  async #drawRepeatedly(): Promise<void> {
    const { clock } = this.#options;
    while (!this.#end.signal.aborted) {
      this.draw();
      await clock.sleep(DRAW_EVERY_MS, this.#end.signal).catch(() => undefined);
    }
  }

  /** Adds a sample; returns the first one of the window. */
  #sample(sample: Sample): Sample {
    const since = sample.at - SPEED_WINDOW_MS;
    this.#samples = [...this.#samples.filter(({ at }) => at >= since), sample];
    return this.#samples[0] ?? sample;
  }
}
