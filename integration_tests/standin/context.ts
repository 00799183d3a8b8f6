/** The arguments of the handlers of calls. */
import type { Answer } from './answers.ts';
import type { ApplyOptions, WrongTypeStyle } from './bulk-update.ts';
import type { UnfinishedDeletions } from './unfinished-deletions.ts';
import type { Lists } from './lists.ts';
import type { StandinOptions } from './options.ts';
import type { Store } from './store.ts';
import type { Traffic } from './traffic.ts';

export interface Context {
  readonly options: StandinOptions;
  readonly store: Store;
  readonly lists: Lists;
  readonly deletions: UnfinishedDeletions;
  readonly traffic: Traffic;
  readonly wrongTypeStyle: WrongTypeStyle;
  /** Descriptions of requests that a correct client would not have sent. */
  readonly unexpected: string[];
}

export interface Call {
  readonly url: URL;
  /** The variable part of the path, decoded; empty if there is none. */
  readonly segment: string;
  readonly contentType: string;
  readonly body: Buffer;
}

export type Handler = (context: Context, call: Call) => Answer | Promise<Answer>;

/** Whether unknown fields are created: as the request says, or else the project's setting, which is true by default. */
export function createsFields({ options }: Context, asked?: boolean): boolean {
  return asked ?? options.createNewFields ?? true;
}

/** The options that decide which problems refuse a whole call that writes users, rather than one user of it. */
export function refusalStyle({ options, wrongTypeStyle }: Context): Omit<ApplyOptions, 'createNewFields'> {
  const { maxFields = Infinity, forgottenStyle, forgottenStatus = 409 } = options;
  return {
    style: wrongTypeStyle,
    maxFields,
    ...(forgottenStyle === 'whole' ? { wholeForgottenStatus: forgottenStatus } : {}),
  };
}
