/** Masks identities for the output of a dry run: readers can recognise a row they know, but can't learn an address or id. */
import type { UserKey } from '../model.ts';

/** A longer last part of a domain is masked, since it reveals more than `com` or `museum`. */
const MAX_SUFFIX = 6;

/** `ada@example.com` as `a***@e***.com`, `4711` as `4***`. */
export function masked({ value }: Pick<UserKey, 'value'>): string {
  const at = value.lastIndexOf('@');
  if (at < 0) return `${firstOf(value)}***`;
  const domain = value.slice(at + 1);
  const dot = domain.lastIndexOf('.');
  const suffix = dot < 0 ? '' : domain.slice(dot);
  const isPlain = /^\.[a-z]+$/i.test(suffix) && suffix.length - 1 <= MAX_SUFFIX;
  return `${firstOf(value.slice(0, at))}***@${firstOf(domain)}***${isPlain ? suffix : ''}`;
}

/** The first character as a whole code point; empty for a control character, which could move the cursor of a terminal. */
function firstOf(text: string): string {
  const [first = ''] = text;
  return /\p{Cc}/u.test(first) ? '' : first;
}
