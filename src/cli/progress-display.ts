/** Shows on a terminal how a sync is going, in place, a few times a second. Reads counters, and touches nothing else. */
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
  /** Asked for each time that the display is drawn. */
  readonly counters: () => Counters;
}

const DRAW_EVERY_MS = 250;
/** Speeds are those of this last stretch of time. */
const SPEED_WINDOW_MS = 5_000;

interface Sample extends Pick<Counters, 'delivered' | 'calls'> {
  readonly at: number;
}

export class ProgressDisplay {
  readonly #options: ProgressDisplayOptions;
  readonly #startedAt: number;
  readonly #end = new AbortController();
  #samples: Sample[] = [];
  /** How many lines of ours stand above the cursor. */
  #height = 0;

  /** Draws at once, and from then on whenever its clock says so. */
  constructor(options: ProgressDisplayOptions) {
    this.#options = options;
    this.#startedAt = options.clock.now();
    void this.#drawAgainAndAgain();
  }

  /** Wipes the display off the screen, for a line that is to stay. */
  clear(): void {
    if (this.#height === 0) return;
    const { out } = this.#options;
    moveCursor(out, 0, -this.#height);
    cursorTo(out, 0);
    clearScreenDown(out);
    this.#height = 0;
  }

  /** Draws what the counters say now, over what was drawn before. */
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

  /** Wipes the display for good. */
  end(): void {
    this.#end.abort(new Error('the sync has ended'));
    this.clear();
  }

  async #drawAgainAndAgain(): Promise<void> {
    const { clock } = this.#options;
    while (!this.#end.signal.aborted) {
      this.draw();
      await clock.sleep(DRAW_EVERY_MS, this.#end.signal).catch(() => undefined);
    }
  }

  /** Takes a sample; gives the one that the window begins with. */
  #sample(sample: Sample): Sample {
    const since = sample.at - SPEED_WINDOW_MS;
    this.#samples = [...this.#samples.filter(({ at }) => at >= since), sample];
    return this.#samples[0] ?? sample;
  }
}
