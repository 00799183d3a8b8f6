/** Shows a sync on the terminal, if there is one. */
import type { Config } from '../config/schema.ts';
import type { ShownSync } from '../app/context.ts';
import { total, type StreamCounts } from '../sync/stream-summary.ts';
import type { CommandContext } from './context.ts';
import { ProgressDisplay } from './progress-display.ts';
import { planProgress, syncProgress, type Counters } from './progress-text.ts';
import { summaryText } from './summary-table.ts';
import { colorsOf } from './terminal.ts';

/**
 * Returns a function that ends the display and, unless it was a dry run, prints the summary. Does nothing without a
 * terminal.
 */
export function showProgress(context: CommandContext, sync: ShownSync): () => void {
  const { terminal, stderr, stdin, clock, writer } = context;
  if (!terminal) return () => undefined;
  const colors = colorsOf(terminal);
  const startedAt = clock.now();
  if ((stdin as { isTTY?: boolean }).isTTY === true)
    stderr.write(
      `Waiting for Airbyte messages from the keyboard (Ctrl-D ends them). Mostly they come from a pipe: cat messages.jsonl | destination-iterable ${sync.isDryRun ? 'plan' : 'write'} ...\n`,
    );
  const display = terminal.canRedraw
    ? new ProgressDisplay({
        terminal,
        out: stderr,
        clock,
        text: sync.isDryRun ? planProgress : syncProgress,
        counters: () => countersOf(sync),
      })
    : undefined;
  if (terminal.showsStdout && display) writer.shareScreen(display);
  return () => {
    display?.end();
    if (sync.isDryRun) return;
    const { streams, summary, counts, config } = sync;
    const result = {
      streams: streams.map(({ key, name }) => ({ name, counts: summary.of(key) })),
      ...counts(),
      elapsedMs: clock.now() - startedAt,
      rejectedAt: placeOf(config.rejected_records),
    };
    stderr.write(summaryText(result, colors));
  };
}

function countersOf({ summary, counts }: ShownSync): Counters {
  const streams = summary.streamKeys.map((key) => summary.of(key));
  const sum = (pick: (stream: StreamCounts) => number) =>
    streams.reduce((result, stream) => result + pick(stream), 0);
  return {
    read: sum(({ received }) => received),
    delivered: sum(({ delivered }) => delivered),
    removed: sum(({ removed }) => removed),
    skipped: sum(({ skipped, superseded }) => total(skipped) + superseded),
    rejected: sum(({ rejected }) => total(rejected)),
    waiting: sum(({ received, settled }) => received - settled),
    ...counts(),
  };
}

function placeOf(option: Config['rejected_records']): string | undefined {
  switch (option.type) {
    case 'none':
      return undefined;
    case 'file':
      return `in ${option.path}`;
    case 's3':
      return `in the bucket ${option.s3_bucket_name}`;
  }
}
