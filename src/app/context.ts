/** What an assembled run is given from outside, so that nothing in `src` touches the process. */
import type { Readable } from 'node:stream';
import type { Clock } from '../clock.ts';
import type { Config } from '../config/schema.ts';
import type { Environment } from '../network/proxies.ts';
import type { MessageWriter } from '../protocol/writer.ts';
import type { SyncSummary } from '../sync/stream-summary.ts';

export interface AppContext {
  readonly stdin: Readable;
  readonly writer: MessageWriter;
  readonly clock: Clock;
  /** The variables of the process's environment. */
  readonly env: Environment;
  /** Aborted by SIGTERM or SIGINT, with the reason as a ConnectorError. */
  readonly stopSignal: AbortSignal;
  /** At a terminal: shows the progress of a sync; gives the function that ends the display. */
  readonly showSync?: ((sync: ShownSync) => Promise<() => void>) | undefined;
}

/** What a display shows of a sync. */
export interface ShownSync {
  readonly streams: readonly { readonly key: string; readonly name: string }[];
  readonly summary: SyncSummary;
  readonly counts: () => { readonly calls: number; readonly retries: number };
  readonly config: Config;
  /** A dry run writes nothing and leaves no summary on the screen. */
  readonly isDryRun: boolean;
}

/** The files that a run reads. */
export interface InputPaths {
  readonly config?: string;
  readonly catalog?: string;
}
