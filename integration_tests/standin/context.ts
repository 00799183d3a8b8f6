/** What the handlers of calls work with. */
import type { Answer } from './answers.ts';
import type { ApplyOptions, WrongTypeStyle } from './bulk-update.ts';
import type { Fading } from './fading.ts';
import type { Lists } from './lists.ts';
import type { StandinOptions } from './options.ts';
import type { Store } from './store.ts';
import type { Traffic } from './traffic.ts';

export interface Context {
  readonly options: StandinOptions;
  readonly store: Store;
  readonly lists: Lists;
  readonly fading: Fading;
  readonly traffic: Traffic;
  readonly wrongTypeStyle: WrongTypeStyle;
  /** Whatever a correct client would not have sent. */
  readonly unexpected: string[];
}

export interface Call {
  readonly url: URL;
  /** The variable part of the path, decoded; empty where there is none. */
  readonly segment: string;
  readonly contentType: string;
  readonly body: Buffer;
}

export type Handler = (context: Context, call: Call) => Answer | Promise<Answer>;

/** Unless the request says so, unknown fields are dealt with as the project is set up; by default they are created. */
export function createsFields({ options }: Context, asked?: boolean): boolean {
  return asked ?? options.createNewFields ?? true;
}

/** What refuses a whole call that writes users, rather than one user of it. */
export function refusalStyle({ options, wrongTypeStyle }: Context): Omit<ApplyOptions, 'createNewFields'> {
  const { maxFields = Infinity, forgottenStyle, forgottenStatus = 409 } = options;
  return {
    style: wrongTypeStyle,
    maxFields,
    ...(forgottenStyle === 'whole' ? { wholeForgottenStatus: forgottenStatus } : {}),
  };
}
